"""The requantizer lane's steps as combinational formulas, written another way than the hardware computes them.

Rounding is one formula for all of them: to nearest, ties to even. Where the hardware halves and shifts, these choose
among every case.
"""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed

__all__ = ["Converted", "converted", "integer_of", "rounded"]


def rounded(value: Value, drop: int) -> Value:
    """``value / 2^drop`` to the nearest integer, ties to even; ``drop`` is a constant."""
    if drop == 0:
        return value
    if drop > len(value):
        return Const(0)
    half = 1 << drop - 1
    return (value + (half - 1) + (value[drop] if drop < len(value) else 0)) >> drop


@dataclass(frozen=True)
class Converted:
    """A sum as float32: ``significand * 2^(power - 23)`` times the sign, 24 bits with the highest one set."""

    sign: Value
    zero: Value
    significand: Value
    power: Value


def converted(m: Module, accumulator: Value, bias: Value) -> Converted:
    """``accumulator + bias`` modulo 2^32, converted to float32: each place of the leading one is a case of its own."""
    total, magnitude = Signal(32), Signal(32)
    m.d.comb += [total.eq(accumulator + bias), magnitude.eq(Mux(total[31], ~total + 1, total))]
    significand, power = Signal(25), Signal(6)
    for leading in range(32):
        with m.If((magnitude >> leading) == 1):
            if leading <= 23:
                m.d.comb += [significand.eq(magnitude << (23 - leading)), power.eq(leading)]
            else:
                near = rounded(magnitude, leading - 23)
                carries = near[24]
                m.d.comb += [significand.eq(Mux(carries, 1 << 23, near)), power.eq(leading + carries)]
    return Converted(sign=total[31], zero=total == 0, significand=significand[:24], power=power)


def integer_of(
    m: Module, product: Value, distance: Value, sign: Value, zero: Value, zero_point: Value, low: Value, high: Value
) -> Signal:
    """``product * 2^-(distance + 23)`` to float32, to an integer, signed, zero point added, clamped: int8.

    ``product`` is from 2^46 to below 2^48. Integers of 2^9 and more are as good as 2^9.
    """
    float_product, magnitude = Signal(49), Signal(10)
    # float32: 24 bits from the leading one, put back where they were
    m.d.comb += float_product.eq(Mux(product[47], rounded(product, 24) << 24, rounded(product, 23) << 23))
    m.d.comb += magnitude.eq(Mux(distance < 14, 1 << 9, 0))
    for places in range(14, 27):
        with m.If(distance == places):
            exact = Signal(49, name=f"integer_{places}")
            m.d.comb += [
                exact.eq(rounded(float_product, places + 23)),
                magnitude.eq(Mux(exact >= 1 << 9, 1 << 9, exact)),
            ]
    signed_integer, moved, value = Signal(signed(12)), Signal(signed(12)), Signal(signed(8))
    m.d.comb += [
        signed_integer.eq(Mux(zero, 0, Mux(sign, -magnitude, magnitude))),
        moved.eq(signed_integer + zero_point),
        value.eq(Mux(moved < low, low, Mux(moved > high, high, moved))),
    ]
    return value
