"""First part of the requantizer lane: the accumulator as a float32 significand."""

from collections.abc import Iterable
from itertools import pairwise

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing

from .parity import fours, incremented, lowest_even, moved_along, parity

__all__ = ["Normalize", "shift_left"]


def shift_left(m: Module, value: Value, steps: Iterable[int]) -> tuple[Value, list[Signal]]:
    """``value`` shifted left by 2^step where that many bits are zero at its top, for each of ``steps``, largest first.

    Combinational. Returns the value and, by step, whether it was shifted.
    """
    shifted = []
    for step in steps:
        zero = Signal(name=f"top_{1 << step}_zero")
        m.d.comb += zero.eq(value[32 - (1 << step) :] == 0)
        following = Signal(32, name=f"shifted_{1 << step}")
        m.d.comb += following.eq(Mux(zero, value << (1 << step), value))
        value = following
        shifted.append(zero)
    return value, shifted


class Normalize(wiring.Component):
    """Adds the bias and converts the sum to float32 (IEEE 754, round to nearest even), as sign, significand and shift.

    ``accumulator + bias`` (modulo 2^32) is ``(-1)^sign * significand * 2^(8 - shift)`` after rounding to 24 bits;
    ``carry`` says that rounding reached 2^24, and ``significand`` is then 2^23 and stands for twice as much. ``zero``:
    the sum is 0.

    Latency: 5 cycles (add, absolute value, shift by 16 and 8, shift by 4, 2 and 1, round). One value a cycle.

    Parameters
    ----------
    protected : bool
        A parity bit moves along with the stages (in the first, one for every four bits). ``wrong``, combinational: the
        outputs disagree with it, since a register of theirs was hit, or one before it that they came from.
    """

    latency = timing.NORMALIZE

    def __init__(self, *, protected: bool = False) -> None:
        self.protected = protected
        super().__init__({
            "accumulator": In(signed(32)),
            "bias": In(signed(32)),
            "sign": Out(1),
            "zero": Out(1),
            "significand": Out(24),
            "shift": Out(5),
            "carry": Out(1),
            **({"wrong": Out(1)} if protected else {}),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        total = Signal(signed(32), reset_less=True)
        added = (self.accumulator + self.bias)[:32]
        m.d.sync += total.eq(added)

        magnitude = Signal(32, reset_less=True)
        sign = [Signal(name=f"sign_{stage}", reset_less=True) for stage in range(2, 6)]
        m.d.sync += [magnitude.eq(Mux(total[31], -total, total)), sign[0].eq(total[31])]
        m.d.sync += [later.eq(earlier) for earlier, later in pairwise(sign)]

        coarse = Signal(32, reset_less=True)
        coarse_shift = Signal(2, reset_less=True)
        value, coarse_shifted = shift_left(m, magnitude, (4, 3))
        m.d.sync += [coarse.eq(value), coarse_shift.eq(Cat(reversed(coarse_shifted)))]

        normal = Signal(32, reset_less=True)
        shift = Signal(5, reset_less=True)
        value, fine_shifted = shift_left(m, coarse, (2, 1, 0))
        m.d.sync += [normal.eq(value), shift.eq(Cat(*reversed(fine_shifted), coarse_shift))]

        rounded = Signal(25)
        up = normal[7] & (normal[:7].any() | normal[8])
        m.d.comb += rounded.eq(normal[8:] + up)
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
        if self.protected:
            told = moved_along(m, fours(added), [
                0,
                total[31] & ~lowest_even(total),  # negated, and the sign beside it
                parity(*coarse_shifted),  # zeros leave at the top and enter at the bottom; how far is kept beside it
                parity(*fine_shifted),
                # without the bits rounded off; bit 23 becomes 1, and zero, ~normal[31], is new
                parity(normal[:8], up & incremented(normal[8:]), rounded[23], normal[31]),
            ])  # fmt: skip
            m.d.comb += self.wrong.eq(parity(told, significand, carry, zero, shift_out, sign[-1]))
        return m
