"""Parity on its way beside what it belongs to."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["ParityPipe"]


class ParityPipe(wiring.Component):
    """A parity that is delayed by ``depth`` cycles, and meets on its way the bits that it is the parity of.

    ::

        i --(^)--[reg]--(^)--[reg]-- ... --(^)--[reg]-- o
             |           |                  |
          fold[0]     fold[1]        fold[depth - 1]

    ``i`` is the parity of bits that reach ``fold[k]`` k cycles later: then ``o`` is zero ``depth`` cycles after ``i``,
    unless one of them has changed. What leaves the pipeline early is folded in where it is used last, and needs no
    register any more. Zero after reset.
    """

    def __init__(self, *, depth: int):
        self.depth = depth
        super().__init__({"i": In(1), "fold": In(depth), "o": Out(1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        parity = self.i
        for delay in range(self.depth):
            delayed = Signal(name=f"parity_{delay + 1}")
            m.d.sync += delayed.eq(parity ^ self.fold[delay])
            parity = delayed
        m.d.comb += self.o.eq(parity)
        return m
