"""The CRC of headers and data, a byte at a time."""

from functools import reduce
from operator import xor

from amaranth.hdl import Cat, Value

from .rmap import CRC_TABLE

__all__ = ["next_crc"]


def next_crc(crc: Value, data: Value) -> Value:
    """CRC after one more byte, from the CRC so far; 8 bits each.

    The table of :mod:`.rmap` is linear, so each bit is the exclusive or of those bits whose single entries have it.
    """
    mixed = crc ^ data
    return Cat(reduce(xor, [mixed[k] for k in range(8) if CRC_TABLE[1 << k] >> bit & 1]) for bit in range(8))
