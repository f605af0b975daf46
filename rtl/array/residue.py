"""Arithmetic modulo 255, in which the checksum column counts."""

from amaranth.hdl import Cat, Value

__all__ = ["BITS", "CARRIED", "MODULUS", "add", "biased", "opposite", "settle"]

BITS = 8
MODULUS = (1 << BITS) - 1
"""2^8 is 1 modulo 255: bits leave at the top and come in again at the bottom. A low-cost residue code (A. Avizienis,
"Arithmetic Error Codes", IEEE Transactions on Computers C-20(11), 1971).

No single bit of an int8, of a product or of a sum can change it by a multiple of 255: not 2^k, and not 2^k times the
int8 that it is multiplied with. No modulus of fewer bits does: each up to 128 is such a product itself."""

CARRIED = BITS + 1
"""Width of a sum that keeps its carry: eight bits, and one more that counts 1. The next addition takes it in."""


def opposite(constant: int) -> int:
    """``-constant`` modulo 255."""
    return -constant % MODULUS


def biased(value: Value) -> Value:
    """``value + 2^(width - 1)``, unsigned, of a signed ``value``: its uppermost bit is inverted."""
    return Cat(value[:-1], ~value[-1])


def add(carried: Value, residue: Value) -> Value:
    """The sum of both, its carry kept: ``CARRIED`` bits."""
    return (carried[:BITS] + residue[:BITS] + carried[BITS])[:CARRIED]


def settle(carried: Value) -> Value:
    """``carried`` as ``BITS`` bits, zero being 0 or 255."""
    total = carried[:BITS] + carried[BITS]
    return total[:BITS] | total[BITS]
