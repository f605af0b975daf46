"""The requantizer lane against its formulas: every value of its inputs, one at a time.

A lane has no feedback, so its output is a function of the last ``latency`` inputs: a window of so many cycles from an
arbitrary state is all there is to prove. The value that enters in the first cycle is noted, and the output compared in
the last.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from amaranth.asserts import AnySeq, Initial
from amaranth.hdl import Assert, Assume, Cat, Const, Elaboratable, Fragment, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import wiring

from vanallen.rtl.requant.lane import Lane
from vanallen.rtl.requant.multiply import Multiply
from vanallen.rtl.requant.normalize import Normalize
from vanallen.rtl.requant.round import Round

from .lane_spec import converted, integer_of
from .specification import component, drive_freely, registers

__all__ = ["LaneEqual", "ParityMoves", "ProductSum", "Products", "Window"]

CUT = ("cutpoint t:$mul",)
"""Yosys commands: a multiplier gives anything."""


class Window(Elaboratable):
    """``latency`` cycles of a pipeline; without reset, as its registers have none."""

    latency: int
    script: tuple[str, ...] = ()
    """Yosys commands of the proof."""

    def compare(self, m: Module) -> list[tuple[str, Value]]:
        """Adds the pipeline; the rules that hold in the last cycle."""
        raise NotImplementedError

    def elaborate(self, platform: object) -> Module:
        m = Module()
        cycle = Signal(range(self.latency + 2), reset_less=True)
        m.d.sync += cycle.eq(Mux(cycle > self.latency, cycle, cycle + 1))
        m.d.comb += Assume(~Initial() | (cycle == 0))
        self.cycle = cycle
        for rule, condition in self.compare(m):
            m.d.comb += Assert((cycle != self.latency) | condition, rule)
        return m

    def noted(self, m: Module, value: ValueLike, name: str, cycle: int = 0) -> Signal:
        """``value`` of the first cycle, or of another one."""
        source = Value.cast(value)
        noted = Signal(source.shape(), name=name, reset_less=True)
        with m.If(self.cycle == cycle):
            m.d.sync += noted.eq(source)
        return noted

    def held(self, m: Module, component: wiring.Component, *names: str) -> list[Value]:
        """Inputs that are constant for a layer: any value, the same in every cycle."""
        values: list[Value] = []
        for name in names:
            value = Value.cast(getattr(component, name))
            constant = Signal(value.shape(), name=f"{name}_held", reset_less=True)
            m.d.sync += constant.eq(Mux(self.cycle == 0, value, constant))
            m.d.comb += value.eq(Mux(self.cycle == 0, AnySeq(len(value)), constant))
            values.append(constant)
        return values


class LaneEqual(Window):
    """A lane is, for every accumulator, bias, scale and layer constant: the sum's conversion to float32; a product of
    that significand and the scale's; the product's rounding to float32 and to an integer, zero point and clamp.

    The product is any that two significands can have, from 2^46: the script cuts the multipliers' outputs, and
    :class:`Products` and :class:`ProductSum` say what they are.
    """

    latency = Lane.latency
    script = CUT

    def compare(self, m: Module) -> list[tuple[str, Value]]:
        m.submodules.dut = fragment = Fragment.get(Lane(), None)
        dut, multiply = component(fragment), component(fragment, "multiply")
        drive_freely(m, dut, but=("zero_point", "low", "high"))
        constants = self.held(m, dut, "zero_point", "low", "high")
        total = converted(m, self.noted(m, dut.accumulator, "accumulator"), self.noted(m, dut.parameter.bias, "bias"))
        exponent = self.noted(m, dut.parameter.exponent, "exponent")
        fraction = self.noted(m, dut.parameter.fraction, "fraction")
        a, b = (self.noted(m, value, name, Normalize.latency)
                for name, value in (("a", multiply.a), ("b", multiply.b)))  # fmt: skip
        product = self.noted(m, multiply.product, "product", Normalize.latency + Multiply.latency)
        # total * scale = product * 2^(power - 23 + exponent - 150)
        want = integer_of(
            m, product, 150 - exponent - total.power, total.sign, total.zero | (exponent == 0), *constants
        )
        return [
            ("significand of the sum", total.zero | (a == total.significand)),
            ("significand of the scale", b == Cat(fraction, 1)),
            ("value", ~product[46:].any() | (dut.value == want)),
        ]


class Products(Window):
    """The four registers in Multiply are the products of its operands' halves."""

    latency = 1

    def compare(self, m: Module) -> list[tuple[str, Value]]:
        m.submodules.dut = fragment = Fragment.get(Multiply(), None)
        dut, found = component(fragment), registers(fragment)
        drive_freely(m, dut)
        (low_a, high_a), (low_b, high_b) = (
            (noted[:12], noted[12:]) for noted in (self.noted(m, dut.a, "a"), self.noted(m, dut.b, "b"))
        )
        return [
            ("low times low", found.low_low == low_a * low_b),
            ("low times high", found.low_high == low_a * high_b),
            ("high times low", found.high_low == high_a * low_b),
            ("high times high", found.high_high == high_a * high_b),
        ]


class ProductSum(Window):
    """Multiply is the sum of any four products of halves, each at its place: with :class:`Products`, and by the
    distributive law, ``a * b``."""

    latency = Multiply.latency
    script = CUT

    def compare(self, m: Module) -> list[tuple[str, Value]]:
        m.submodules.dut = fragment = Fragment.get(Multiply(), None)
        dut, found = component(fragment), registers(fragment)
        drive_freely(m, dut)
        places = {"low_low": 0, "low_high": 12, "high_low": 12, "high_high": 24}
        total = Signal(48)
        m.d.comb += total.eq(sum(self.noted(m, getattr(found, name), f"{name}_noted", 1) << place
                                 for name, place in places.items()))  # fmt: skip
        return [("product", dut.product == total)]


class ParityMoves(Window):
    """The registers of a stage of Normalize or Round agree with their parity bit if and only if those of the stage
    before did a cycle ago, whatever they held. So a single flip in any stage is seen at the end, and nothing else is.
    """

    latency = 1

    def __init__(self, *, make: Callable[[], wiring.Component]) -> None:
        self.make = make

    def compare(self, m: Module) -> list[tuple[str, Value]]:
        part = self.make()
        m.submodules.dut = fragment = Fragment.get(part, None)
        drive_freely(m, part)
        stages = _stages(fragment, part)
        differ = [Cat(*stage).xor() for stage in stages]
        return [(f"stage {index}", after == self.noted(m, before, f"stage_{index}"))
                for index, (before, after) in enumerate(pairwise(differ), 1)]  # fmt: skip


_NORMALIZE_STAGES = (
    "total",
    "magnitude sign_2",
    "coarse coarse_shift sign_3",
    "normal shift sign_4",
    "significand carry zero shift_out sign_5",
)
_ROUND_STAGES = (
    "top guard sticky distance sign_1 zero_1",
    "significand distance_rounded sign_2 zero_2",
    "integer guard sticky saturate sign_3 zero_3",
    "rounded sign_4 zero_4",
    "shifted",
    "clamped",
)
"""Registers by stage; of two with the same name the first is the earlier one."""


def _stages(fragment: Fragment, part: wiring.Component) -> list[list[Value]]:
    """Registers of each stage with their parity; before them what enters."""
    waiting: dict[str, list[Signal]] = {}
    for statement in fragment.statements["sync"]:
        for signal in statement._lhs_signals():
            same = waiting.setdefault(signal.name, [])
            if all(signal is not other for other in same):
                same.append(signal)
    round_ = isinstance(part, Round)
    names = _ROUND_STAGES if round_ else _NORMALIZE_STAGES
    entering: list[Value] = [part.parity, part.distance, part.sign, part.zero] if round_ else [Const(0)]
    found: list[list[Value]] = [[waiting[name].pop(0) for name in (*stage.split(), f"parity_{index}")]
             for index, stage in enumerate(names, 1)]  # fmt: skip
    if any(waiting.values()):
        raise ValueError(f"every register must be in a stage, not {waiting!r}")
    return [entering, *found]
