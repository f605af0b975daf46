"""First part of the requantizer lane: the accumulator as a float32 significand."""

from itertools import pairwise

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing

__all__ = ["Normalize", "leading_zeros"]


def leading_zeros(m: Module, value: Signal) -> Signal:
    """The zeros above the highest one of a 32-bit ``value``, modulo 32, by halving; combinational."""
    count = Signal(5)
    for bit in reversed(range(5)):
        half = 1 << bit
        upper_zero = Signal(name=f"upper_{half}_zero")
        rest = Signal(half, name=f"rest_{half}")
        m.d.comb += [
            upper_zero.eq(value[half:] == 0),
            count[bit].eq(upper_zero),
            rest.eq(Mux(upper_zero, value[:half], value[half:])),
        ]
        value = rest
    return count


class Normalize(wiring.Component):
    """Adds the bias and converts the sum to float32 (IEEE 754, round to nearest even), as sign, significand and shift.

    ``accumulator + bias`` (modulo 2^32) is ``(-1)^sign * significand * 2^(8 - shift)`` after rounding to 24 bits;
    ``carry`` says that rounding reached 2^24, and ``significand`` is then 2^23 and stands for twice as much. ``zero``:
    the sum is 0.

    Latency: 5 cycles (add, absolute value, count leading zeros, shift, round). One value a cycle.
    """

    latency = timing.NORMALIZE

    def __init__(self) -> None:
        super().__init__({
            "accumulator": In(signed(32)),
            "bias": In(signed(32)),
            "sign": Out(1),
            "zero": Out(1),
            "significand": Out(24),
            "shift": Out(5),
            "carry": Out(1),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        total = Signal(signed(32), reset_less=True)
        m.d.sync += total.eq(self.accumulator + self.bias)

        magnitude = Signal(32, reset_less=True)
        sign = [Signal(name=f"sign_{stage}", reset_less=True) for stage in range(2, 6)]
        m.d.sync += [magnitude.eq(Mux(total[31], -total, total)), sign[0].eq(total[31])]
        m.d.sync += [later.eq(earlier) for earlier, later in pairwise(sign)]

        counted = Signal(32, reset_less=True)
        count = Signal(5, reset_less=True)
        m.d.sync += [counted.eq(magnitude), count.eq(leading_zeros(m, magnitude))]

        normal = Signal(32, reset_less=True)
        shift = Signal(5, reset_less=True)
        m.d.sync += [normal.eq((counted << count)[:32]), shift.eq(count)]

        rounded = Signal(25)
        m.d.comb += rounded.eq(normal[8:] + (normal[7] & (normal[:7].any() | normal[8])))
        significand = Signal(24, reset_less=True)
        carry = Signal(reset_less=True)
        zero = Signal(reset_less=True)
        shift_out = Signal(5, reset_less=True)
        m.d.sync += [
            significand.eq(Cat(rounded[:23], 1)),
            carry.eq(rounded[24]),
            zero.eq(~normal[31]),
            shift_out.eq(shift),
        ]
        m.d.comb += [
            self.sign.eq(sign[-1]),
            self.zero.eq(zero),
            self.significand.eq(significand),
            self.shift.eq(shift_out),
            self.carry.eq(carry),
        ]
        return m
