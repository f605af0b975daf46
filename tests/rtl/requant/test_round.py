"""The lane's last part on its own: products that random accumulators hardly ever meet."""

import numpy as np
import pytest

from vanallen.rtl.requant.round import Round

LOW_BITS = [0, 1, 1 << 20, 1 << 21, (1 << 22) - 1, 1 << 22, (1 << 22) + 1, (1 << 22) | (1 << 21), (1 << 23) - 1]
"""Below the significand: none, sticky alone, just below, at and above half of its last place."""


def products(rng, distance):
    """24-bit significands next to an integer and a half after a right shift by ``distance``, with what may follow."""
    kept = 24 - distance  # bits of the integer
    integers = rng.integers(1 << max(kept - 1, 0), 1 << kept, 4) if kept else np.array([0])
    halves = (integers << distance) + (1 << distance - 1)
    near = np.concatenate([halves - 1, halves, halves + 1, [(1 << 24) - 1, (1 << 24) - 2, 1 << 23]])
    near = near[(near >= 1 << 23) & (near < 1 << 24)]
    narrow = [(int(value) << 23) + low for value in near for low in LOW_BITS]  # 47 bits
    wide = [(int(value) << 24) + 2 * low + odd for value in near for low in LOW_BITS for odd in (0, 1)]  # 48 bits
    return narrow, wide


def golden(product, distance, sign, zero, zero_point, low, high):
    """In float32: the conversion rounds the 48-bit product, the power of two is exact."""
    value = 0.0 if zero else float(np.float32(product)) * 2.0 ** -(distance + 23)
    rounded = int(np.rint(np.clip(-value if sign else value, -1e6, 1e6))) + zero_point
    return min(max(rounded, low), high)


@pytest.mark.parametrize("distance", range(15, 27))
def test_both_roundings(trace, distance):
    rng = np.random.default_rng(distance)
    narrow, wide = products(rng, min(distance, 24))
    # a 48-bit product is shifted one place more for the same integer
    cases = [(product, distance) for product in narrow] + [(product, distance + 1) for product in wide]
    steps = [{"product": product, "distance": shift, "sign": int(rng.integers(2)), "zero": int(rng.random() < 0.05),
              "zero_point": -3, "low": -128, "high": 127} for product, shift in cases]  # fmt: skip
    outputs = trace(Round(), steps + [{}] * Round.latency, ["value"])
    for step, (got,) in zip(steps, outputs[Round.latency :], strict=True):
        assert got == golden(**step), step


def test_far_shifts(trace):
    """Every distance that a lane can make: large ones give zero, small and negative ones saturate."""
    steps = [{"product": product, "distance": distance, "sign": distance & 1, "zero": 0, "zero_point": 1, "low": -128,
              "high": 127} for distance in range(-137, 152) for product in (1 << 46, (1 << 48) - 1)]  # fmt: skip
    outputs = trace(Round(), steps + [{}] * Round.latency, ["value"])
    for step, (got,) in zip(steps, outputs[Round.latency :], strict=True):
        assert got == golden(**step), step
