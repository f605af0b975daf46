"""What the three copies of something agree on."""

from collections.abc import Iterable

from amaranth.hdl import Module, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Voter", "agreed", "majority"]


def majority(first: ValueLike, second: ValueLike, third: ValueLike) -> Value:
    """Bit by bit, what at least two of three say. Combinational."""
    one, two, three = Value.cast(first), Value.cast(second), Value.cast(third)
    return (one & two) | (three & (one | two))


def agreed(copies: Iterable[ValueLike]) -> Value:
    """The only one of one copy, the majority of three. Combinational."""
    values = [Value.cast(copy) for copy in copies]
    return majority(*values) if len(values) == 3 else values[0]


class Voter(wiring.Component):
    """Bit by bit, what at least two of three inputs say; combinational. ``differs``: the first two differ.

    A module of its own, so that synthesis, which merges what is equal, finds nothing of two voters in one module.
    """

    def __init__(self, *, bits: int):
        super().__init__(
            {"first": In(bits), "second": In(bits), "third": In(bits), "vote": Out(bits), "differs": Out(1)}
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.d.comb += [
            self.vote.eq(majority(self.first, self.second, self.third)),
            # shares its gates with the vote
            self.differs.eq(((self.first | self.second) & ~(self.first & self.second)).any()),
        ]
        return m
