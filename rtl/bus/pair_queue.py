"""Two entries that wait in line."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["PairQueue"]


class PairQueue(wiring.Component):
    """Two entries of ``bits``: ``first`` is shown, and ``shift`` lets the ``second`` take its place.

    ``place`` names the entry that takes ``value``: bit ``k`` is entry ``k`` as it is after the shift. How many entries
    are in use is not its business. With protection each has a parity bit, made of ``value``; ``sound`` is whether that
    of ``first`` still fits, so that any single flip in it is seen. ``inject`` flips the lowest bit of ``value``, behind
    its parity.

    Latency: ``first`` is the ``value`` of a cycle ago, at the earliest.
    """

    def __init__(self, *, bits: int, protected: bool = False):
        self.bits, self.protected = bits, protected
        members = {"value": In(bits), "place": In(2), "shift": In(1), "first": Out(bits), "second": Out(bits)}
        super().__init__({**members, "sound": Out(1), "inject": In(1)} if protected else members)

    def elaborate(self, platform) -> Module:
        m = Module()
        value = Cat(self.value ^ self.inject, self.value.xor()) if self.protected else self.value
        entries = [Signal(len(value), name=f"entry_{index}", reset_less=True) for index in range(2)]
        with m.If(self.shift | self.place[0]):
            m.d.sync += entries[0].eq(Mux(self.place[0], value, entries[1]))
        with m.If(self.place[1]):
            m.d.sync += entries[1].eq(value)
        m.d.comb += [self.first.eq(entries[0]), self.second.eq(entries[1])]
        if self.protected:
            m.d.comb += self.sound.eq(~entries[0].xor())
        return m
