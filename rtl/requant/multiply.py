"""Second part of the requantizer lane: the product of two float32 significands."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing

__all__ = ["Multiply"]


class Multiply(wiring.Component):
    """24 x 24 bit unsigned product, as two 24 x 12 bit products and their sum.

    Latency: 2 cycles. One product a cycle.
    """

    latency = timing.MULTIPLY

    a: In(24)
    b: In(24)
    product: Out(48)

    def elaborate(self, platform) -> Module:
        m = Module()
        low = Signal(36, reset_less=True)
        high = Signal(36, reset_less=True)
        total = Signal(48, reset_less=True)
        m.d.sync += [
            low.eq(self.a * self.b[:12]),
            high.eq(self.a * self.b[12:]),
            total.eq(low + (high << 12)),
        ]
        m.d.comb += self.product.eq(total)
        return m
