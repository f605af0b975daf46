"""Second part of the requantizer lane: the product of two float32 significands."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing
from vanallen.rtl.array.dsp import mult18x18d
from vanallen.rtl.technology import Technology

__all__ = ["Multiply"]


class Multiply(wiring.Component):
    """24 x 24 bit unsigned product, as four 12 x 12 bit products and their sum.

    ::

        a x b --> [four products] --> [outer, inner] --> [outer + inner << 12]

    Latency: 3 cycles. One product a cycle.

    Parameters
    ----------
    technology : Technology
        ``ECP5``: the four products are DSP blocks with their own output registers.
    """

    latency = timing.MULTIPLY

    def __init__(self, *, technology: Technology = Technology.GENERIC):
        self.technology = technology
        super().__init__({"a": In(24), "b": In(24), "product": Out(48)})

    def elaborate(self, platform) -> Module:
        m = Module()
        low_low = self._partial(m, "low_low", self.a[:12], self.b[:12])
        low_high = self._partial(m, "low_high", self.a[:12], self.b[12:])
        high_low = self._partial(m, "high_low", self.a[12:], self.b[:12])
        high_high = self._partial(m, "high_high", self.a[12:], self.b[12:])
        outer = Signal(48, reset_less=True)
        inner = Signal(25, reset_less=True)
        total = Signal(48, reset_less=True)
        m.d.sync += [
            outer.eq(Cat(low_low, high_high)),
            inner.eq(low_high + high_low),
            total.eq(outer + (inner << 12)),
        ]
        m.d.comb += self.product.eq(total)
        return m

    def _partial(self, m: Module, name: str, a, b) -> Signal:
        """The registered product of two 12-bit numbers."""
        product = Signal(24, name=name, reset_less=True)
        if self.technology is Technology.ECP5:
            m.submodules[f"{name}_dsp"] = mult18x18d(a=a, b=b, product=product, registered=False)
        else:
            m.d.sync += product.eq(a * b)
        return product
