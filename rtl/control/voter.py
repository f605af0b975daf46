"""What the three copies of something agree on."""

from amaranth.hdl import Module, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Voter", "majority"]


def majority(first: ValueLike, second: ValueLike, third: ValueLike) -> Value:
    """Bit by bit, what at least two of three say. Combinational."""
    one, two, three = Value.cast(first), Value.cast(second), Value.cast(third)
    return (one & two) | (three & (one | two))


class Voter(wiring.Component):
    """Bit by bit, what at least two of three inputs say; combinational.

    A module of its own, so that synthesis, which merges what is equal, finds nothing of two voters in one module.
    """

    def __init__(self, *, bits: int):
        super().__init__({"first": In(bits), "second": In(bits), "third": In(bits), "vote": Out(bits)})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.d.comb += self.vote.eq(majority(self.first, self.second, self.third))
        return m
