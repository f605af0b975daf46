"""The accelerator's arithmetic: the one definition that hardware tests, golden model and compiler share. numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["matrix_product", "requantize", "requantize_integer", "wrap_int32"]

_SATURATED = 1 << 16
"""Larger than any rounded product that zero point and clamp can tell apart (2^8 would do)."""

_EXACT_IN_FLOAT32 = 1024
"""Longest sum of products of int8 (at most 2^14 each) whose partial sums float32 holds exactly."""


def wrap_int32(values: ArrayLike) -> NDArray[np.int32]:
    """``values`` (integers of any size that int64 holds) modulo 2^32, as int32."""
    return np.asarray(values, dtype=np.int64).astype(np.int32)


def matrix_product(activations: NDArray[np.int8], weights: NDArray[np.int8]) -> NDArray[np.int32]:
    """``activations`` [M, K] times ``weights`` [K, N], int8, summed modulo 2^32 into int32 [M, N].

    Runs in floating point, where it is exact: a sum of K products is at most K * 2^14, and K is at most 2^39.

    Raises
    ------
    TypeError
        If an operand is not int8.
    """
    for name, operand in (("activations", activations), ("weights", weights)):
        if operand.dtype != np.int8:
            raise TypeError(f"{name} must be int8, not {operand.dtype}")
    kind: Any = np.float32 if weights.shape[0] <= _EXACT_IN_FLOAT32 else np.float64
    return wrap_int32(activations.astype(kind) @ weights.astype(kind))


def requantize(
    accumulator: ArrayLike, bias: ArrayLike, scale: ArrayLike, zero_point: int, low: int, high: int
) -> NDArray[np.int8]:
    """Accumulators to int8: ``clamp(round_even(f32(accumulator + bias) * scale) + zero_point, low, high)``.

    The sum wraps modulo 2^32 and is rounded to float32 (nearest even); the product is one float32 multiplication. This
    is what onnxruntime computes in QLinearConv, QLinearMatMul and QGemm. ``accumulator``, ``bias`` (int32) and
    ``scale`` (float32) broadcast against each other. The clamp tests ``low`` first: what is below it becomes ``low``,
    even where ``low`` is above ``high``.

    Raises
    ------
    ValueError
        If a scale is negative, infinite or not a number.
    """
    scale32 = np.asarray(scale, dtype=np.float32)
    if not bool(np.all(np.isfinite(scale32) & (scale32 >= 0))):
        raise ValueError("scale must be finite and at least 0, not negative, infinite or NaN")
    total = wrap_int32(np.asarray(accumulator, dtype=np.int64) + np.asarray(bias, dtype=np.int64))
    with np.errstate(over="ignore", under="ignore"):
        product = total.astype(np.float32) * scale32
    rounded = np.rint(np.clip(product, -_SATURATED, _SATURATED)).astype(np.int32) + np.int32(zero_point)
    return np.where(rounded < low, low, np.minimum(rounded, high)).astype(np.int8)


def _round_even(value: int, drop: int) -> int:
    """``value / 2**drop``, rounded to the nearest integer, ties to even; ``value`` is not negative."""
    if drop == 0:
        return value
    kept, rest, half = value >> drop, value & (1 << drop) - 1, 1 << drop - 1
    return kept + (rest > half or (rest == half and kept & 1))


def _scaled_magnitude(magnitude: int, scale_bits: int) -> int:
    """``round_even(f32(magnitude) * scale)`` from integers only; at least 512 where it saturates."""
    exponent = scale_bits >> 23 & 0xFF
    if magnitude == 0 or exponent == 0:
        return 0
    leading_zeros = 32 - magnitude.bit_length()
    mantissa = _round_even(magnitude << leading_zeros, 8)  # 24 bits, or 2^24 after a carry
    power = 8 - leading_zeros
    if mantissa >> 24:
        mantissa, power = mantissa >> 1, power + 1
    product = mantissa * (scale_bits & 0x7FFFFF | 0x800000)  # 47 or 48 bits
    power += exponent - 127 - 23
    if not product >> 47:
        product, power = product << 1, power - 1
    significand, power = _round_even(product, 24), power + 24  # 24 bits, or 2^24, which shifts like any other
    shift = -power
    if shift > 25:
        return 0
    if shift < 15:
        return _SATURATED
    return _round_even(significand, shift)


def requantize_integer(
    accumulator: int, bias: int, scale: float | np.float32, zero_point: int, low: int, high: int
) -> int:
    """:func:`requantize` of one value by integers only, in the steps of the hardware's lane.

    Absolute value, normalise, round to even to 24 bits, 24 x 24 multiply, one-bit normalise, round to even to 24 bits,
    right shift by 15 to 25 and round to even (a longer shift gives 0, a shorter one saturates), sign, zero point,
    clamp. A subnormal or zero scale gives 0 before the zero point: not even 2^31 times a subnormal reaches 1/2. The
    algorithm is that of an IEEE 754 binary32 multiplication without subnormals.

    Raises
    ------
    ValueError
        If the scale is negative, infinite or not a number.
    """
    scale32 = np.float32(scale)
    if not (np.isfinite(scale32) and scale32 >= 0):
        raise ValueError(f"scale must be finite and at least 0, not {scale!r}")
    total = (int(accumulator) + int(bias) + (1 << 31)) % (1 << 32) - (1 << 31)
    magnitude = _scaled_magnitude(abs(total), int(scale32.view(np.uint32)))
    rounded = (-magnitude if total < 0 else magnitude) + int(zero_point)
    return low if rounded < low else min(rounded, high)
