"""The checksums of what the host writes to memories and reads from them. Imports no Amaranth.

A flip on the way between host and RAM changes the checksum that the chip takes at the RAM; the driver compares it with
what it sent or got, and does the transfer again.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["CHECKSUM_BITS", "checksum"]

CHECKSUM_BITS = 32

_MASK = (1 << CHECKSUM_BITS) - 1


def checksum(values: Iterable[tuple[int, int]], start: int = 0) -> int:
    """The checksum after ``start`` over ``(address, word)``: byte address of a 64-bit word, and the word on the bus.

    For each the sum so far is rotated left by one, and the two halves of the word and the address over 8 are added,
    without carries. It changes with any single bit of them. Words that are read go in without their addresses (0),
    or with 8, as of the second word, if they were told wrong.
    """
    total = start
    for address, word in values:
        total = (total << 1 | total >> CHECKSUM_BITS - 1) & _MASK
        total ^= word & _MASK ^ word >> CHECKSUM_BITS ^ address >> 3
    return total
