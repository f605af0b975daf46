"""One requantizer lane: int32 accumulator to int8, bit-exact with float32 arithmetic."""

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing
from vanallen.rtl.technology import Technology

from .multiply import Multiply
from .normalize import Normalize
from .parity import moved_along, parity
from .round import Round

__all__ = ["FAULTS", "Lane", "Parameter"]

FAULTS = data.StructLayout({"parameter": 1, "stage": 1, "product": 1})
"""What a protected lane finds: a parameter that disagrees with its parity, stages of the pipeline with theirs, a
product with the residues of its operands."""


class Parameter(data.Struct):
    """Bias and IEEE 754 binary32 scale of an output channel: one bank of parameter RAM."""

    bias: signed(32)
    fraction: 23
    exponent: 8
    negative: 1
    """Ignored: scales are not negative."""


class Lane(wiring.Component):
    """``clamp(round(f32(accumulator + bias) * scale) + zero_point, low, high)``, integers only.

    Equal to ``sw.golden.arithmetic.requantize`` for every accumulator, bias and finite scale of at least zero: the sum
    wraps modulo 2^32, the conversion, the product and the integer are rounded to nearest even (IEEE 754). A subnormal
    scale gives the zero point: its product with any accumulator is below one half.

    Latency: 14 cycles (normalise 5, multiply 3, round 6). One value a cycle.

    Parameters
    ----------
    technology : Technology
        Whether products are DSP blocks.
    protected : bool
        Whether any single flip of a register shows: as a bit of ``wrong``, a register, at the latest when the value
        it was made for is on ``value``; or as ``value_parity`` that isn't that of ``value``. What the accumulator and
        the constants of a layer held when they were captured is not checked.

    Members, if protected
    ---------------------
    parameter_parity : In(8)
        Parity of each byte of ``parameter``.
    normalized_valid : In(1)
        Whether the slot that entered ``Normalize.latency`` cycles ago was a valid one: others' parameters are not
        checked.
    value_parity : Out(1)
    wrong : Out(FAULTS)
        Low if nothing was hit, from the eleventh cycle after power-up on: each register is written in each cycle.
    """

    latency = timing.LANE

    def __init__(self, *, technology: Technology = Technology.GENERIC, protected: bool = False) -> None:
        self.technology = technology
        self.protected = protected
        guards = {"parameter_parity": In(8), "normalized_valid": In(1), "value_parity": Out(1), "wrong": Out(FAULTS)}
        super().__init__({
            "accumulator": In(signed(32)),
            "parameter": In(Parameter),
            "zero_point": In(signed(8)),
            "low": In(signed(8)),
            "high": In(signed(8)),
            "value": Out(signed(8)),
            **(guards if protected else {}),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.normalize = normalize = Normalize(protected=self.protected)
        m.submodules.multiply = multiply = Multiply(technology=self.technology, protected=self.protected)
        m.submodules.round = rounding = Round(protected=self.protected)

        fraction = self.parameter.fraction
        below = 119 - self.parameter.exponent
        subnormal = self.parameter.exponent == 0
        entering = Cat(below, subnormal)  # beside the fraction
        for stage in range(1, Normalize.latency + 1):
            fraction_delayed = Signal(23, name=f"fraction_{stage}", reset_less=True)
            below_delayed = Signal(signed(9), name=f"below_{stage}", reset_less=True)
            subnormal_delayed = Signal(name=f"subnormal_{stage}", reset_less=True)
            m.d.sync += [fraction_delayed.eq(fraction), below_delayed.eq(below), subnormal_delayed.eq(subnormal)]
            fraction, below, subnormal = fraction_delayed, below_delayed, subnormal_delayed

        left = Cat(fraction, below, subnormal)
        # accumulator * scale = product * 2^(8 - shift + carry + exponent - 150) = product * 2^-(distance + 23)
        distance, sign = below + normalize.shift - normalize.carry, normalize.sign
        zero = normalize.zero | subnormal
        beside = Cat(distance[:10], sign, zero)
        for stage in range(1, Multiply.latency + 1):
            distance_delayed = Signal(signed(10), name=f"distance_{stage}", reset_less=True)
            sign_delayed = Signal(name=f"sign_{stage}", reset_less=True)
            zero_delayed = Signal(name=f"zero_{stage}", reset_less=True)
            m.d.sync += [distance_delayed.eq(distance), sign_delayed.eq(sign), zero_delayed.eq(zero)]
            distance, sign, zero = distance_delayed, sign_delayed, zero_delayed

        m.d.comb += [
            normalize.accumulator.eq(self.accumulator),
            normalize.bias.eq(self.parameter.bias),
            multiply.a.eq(normalize.significand),
            multiply.b.eq(Cat(fraction, 1)),
            rounding.product.eq(multiply.product),
            rounding.distance.eq(distance),
            rounding.sign.eq(sign),
            rounding.zero.eq(zero),
            rounding.zero_point.eq(self.zero_point),
            rounding.low.eq(self.low),
            rounding.high.eq(self.high),
            self.value.eq(rounding.value),
        ]
        if self.protected:
            wrong = Signal(FAULTS, reset_less=True)
            m.d.sync += [
                wrong.parameter.eq(self.normalized_valid & self._parameter_wrong(m, entering, left)),
                wrong.stage.eq(normalize.wrong),
                wrong.product.eq(multiply.wrong),
            ]
            m.d.comb += [
                rounding.parity.eq(moved_along(m, parity(beside), [0] * Multiply.latency)),
                self.value_parity.eq(rounding.value_parity),
                self.wrong.eq(wrong),
            ]
        return m

    def _parameter_wrong(self, m: Module, entering: Value, left: Value) -> Value:
        """Whether what is left of the parameter after ``Normalize.latency`` cycles, as it entered the delay line and
        with what stayed behind, disagrees with its parity."""
        behind = Cat(self.parameter.bias, self.parameter.exponent, self.parameter.negative)
        told = parity(self.parameter_parity, behind, entering)
        return parity(moved_along(m, told, [0] * Normalize.latency), left)
