"""The requantizer lane against its formulas: every value of its inputs, one at a time.

A lane has no feedback, so its output is a function of the last ``latency`` inputs: a window of so many cycles from an
arbitrary state is all there is to prove. The value that enters in the first cycle is noted, and the output compared in
the last.
"""

from __future__ import annotations

from amaranth.asserts import AnySeq, Initial
from amaranth.hdl import Assert, Assume, Elaboratable, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import wiring

from vanallen.rtl.requant.multiply import Multiply
from vanallen.rtl.requant.normalize import Normalize
from vanallen.rtl.requant.round import Round

from .lane_spec import converted, integer_of
from .specification import drive_freely

__all__ = ["MultiplyProduct", "MultiplySum", "NormalizeEqual", "RoundEqual"]


class Window(Elaboratable):
    """``latency`` cycles of a pipeline; without reset, as its registers have none."""

    latency: int

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

    def noted(self, m: Module, value: ValueLike, name: str) -> Signal:
        """``value`` of the first cycle."""
        source = Value.cast(value)
        noted = Signal(source.shape(), name=name, reset_less=True)
        with m.If(self.cycle == 0):
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


class NormalizeEqual(Window):
    """Normalize is the conversion of ``accumulator + bias`` to float32, for all 2^64 inputs."""

    latency = Normalize.latency

    def compare(self, m: Module) -> list[tuple[str, Value]]:
        m.submodules.dut = dut = Normalize()
        drive_freely(m, dut)
        want = converted(m, self.noted(m, dut.accumulator, "accumulator"), self.noted(m, dut.bias, "bias"))
        return [
            ("zero", dut.zero == want.zero),
            ("sign", want.zero | (dut.sign == want.sign)),
            ("significand", want.zero | (dut.significand == want.significand)),
            ("power of two", want.zero | (31 - dut.shift + dut.carry == want.power)),
        ]


class RoundEqual(Window):
    """Round is rounding to float32, to an integer, zero point and clamp, for every input it can have.

    That is: products of two significands, distances that exponents from 1 to 255 and shifts from 0 to 31 make.
    """

    latency = Round.latency

    def compare(self, m: Module) -> list[tuple[str, Value]]:
        m.submodules.dut = dut = Round()
        drive_freely(m, dut, but=("zero_point", "low", "high"))
        constants = self.held(m, dut, "zero_point", "low", "high")
        value = [self.noted(m, getattr(dut, name), name) for name in ("product", "distance", "sign", "zero")]
        possible = value[0][46:].any() & (value[1] >= 119 - 255 - 1) & (value[1] <= 119 - 1 + 31)
        want = integer_of(m, *value, *constants)
        return [("value", ~possible | (dut.value == want))]


class MultiplySum(Window):
    """Multiply is ``a * b[:12] + (a * b[12:] << 12)`` for all 2^48 inputs: by the distributive law, ``a * b``."""

    latency = Multiply.latency

    def compare(self, m: Module) -> list[tuple[str, Value]]:
        m.submodules.dut = dut = Multiply()
        drive_freely(m, dut)
        a, b = self.noted(m, dut.a, "a"), self.noted(m, dut.b, "b")
        low, high, total = Signal(36), Signal(36), Signal(49)
        m.d.comb += [low.eq(a * b[:12]), high.eq(a * b[12:]), total.eq(low + (high << 12))]
        return [("product", dut.product == total)]


class MultiplyProduct(Window):
    """Multiply is ``a * b``, the sum of ``a`` shifted by every one of ``b``, for significands ``b`` with ``bits``
    significant bits: scales that are a multiple of a ``2^(bits-1)``-th of a power of two."""

    latency = Multiply.latency

    def __init__(self, *, bits: int) -> None:
        self.bits = bits

    def compare(self, m: Module) -> list[tuple[str, Value]]:
        m.submodules.dut = dut = Multiply()
        drive_freely(m, dut)
        a, b = self.noted(m, dut.a, "a"), self.noted(m, dut.b, "b")
        partial = [Mux(b[place], a << place, 0) for place in range(24)]
        total = Signal(48)
        m.d.comb += total.eq(sum(partial[1:], start=partial[0]))
        few = b[: 24 - self.bits] == 0
        return [("product", ~few | (dut.product == total))]
