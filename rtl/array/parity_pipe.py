"""Parity on its way beside what it belongs to."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["ParityPipe"]


class ParityPipe(wiring.Component):
    """A parity that is delayed by ``depth`` cycles, and meets on its way the bits that it is the parity of.

    ::

        i --(^)--[reg]--(^)--[reg]-- ... --(^)--[reg]-- taps[depth]
             |           |                  |
          fold[0]     fold[1]        fold[depth - 1]

    ``taps[k]`` is ``i`` of k cycles ago with the bits of ``fold[0]`` to ``fold[k - 1]`` that came since: the parity of
    what is still to come. What leaves a pipeline early is folded in where it is used last, and needs no register any
    more. Zero after reset.
    """

    def __init__(self, *, depth: int):
        self.depth = depth
        super().__init__({"i": In(1), "fold": In(depth), "taps": Out(depth + 1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        stages = [self.i]
        for delay in range(self.depth):
            stage = Signal(name=f"parity_{delay + 1}")
            m.d.sync += stage.eq(stages[-1] ^ self.fold[delay])
            stages.append(stage)
        m.d.comb += self.taps.eq(Cat(stages))
        return m
