"""Second part of the requantizer lane: the product of two float32 significands."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing
from vanallen.rtl.array.dsp import mult18x18d
from vanallen.rtl.technology import Technology

from .residue import product, residue

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
    protected : bool
        The product of the operands' residues modulo 3 moves along. ``wrong``, combinational: that of the ``product`` a
        cycle ago was another, since a register of the two was hit.
    """

    latency = timing.MULTIPLY

    def __init__(self, *, technology: Technology = Technology.GENERIC, protected: bool = False):
        self.technology = technology
        self.protected = protected
        super().__init__({"a": In(24), "b": In(24), "product": Out(48), **({"wrong": Out(1)} if protected else {})})

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
        if self.protected:
            self._check(m)
        return m

    def _check(self, m: Module) -> None:
        """The product less what the operands' residues tell is 0 modulo 3: told a cycle after the product."""
        names = ("residue_a", "residue_b", "told_2", "told_3", "told_4", "residue_low", "residue_high")
        a, b, *told, low, high = (Signal(2, name=name, reset_less=True) for name in names)
        m.d.sync += [
            a.eq(residue(m, self.a, "a")),
            b.eq(residue(m, self.b, "b")),
            told[0].eq(product(a, b)),
            told[1].eq(told[0]),
            told[2].eq(told[1]),
            low.eq(residue(m, self.product[:24], "low")),
            high.eq(residue(m, self.product[24:], "high")),
        ]
        difference = residue(m, Cat(low, high, ~told[2]), "difference")  # 3 - told is -told
        m.d.comb += self.wrong.eq(difference[0] ^ difference[1])

    def _partial(self, m: Module, name: str, a, b) -> Signal:
        """The registered product of two 12-bit numbers."""
        product = Signal(24, name=name, reset_less=True)
        if self.technology is Technology.ECP5:
            m.submodules[f"{name}_dsp"] = mult18x18d(a=a, b=b, product=product, registered=False)
        else:
            m.d.sync += product.eq(a * b)
        return product
