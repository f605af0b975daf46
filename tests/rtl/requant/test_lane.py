"""The requantizer lane against the golden arithmetic."""

import numpy as np
import pytest

from vanallen.rtl.requant.lane import Lane
from vanallen.sw.golden.arithmetic import requantize

INT32 = (-(1 << 31), (1 << 31) - 1)


def run_lane(trace, accumulators, biases, scales, zero_point, low, high):
    bits = np.asarray(scales, dtype=np.float32).view(np.uint32).tolist()
    steps = [{"zero_point": zero_point, "low": low, "high": high, "accumulator": int(accumulator),
              "parameter": {"bias": int(bias), "fraction": scale & 0x7FFFFF, "exponent": scale >> 23 & 0xFF,
                            "negative": 0}}
             for accumulator, bias, scale in zip(accumulators, biases, bits, strict=True)]  # fmt: skip
    outputs = trace(Lane(), steps + [{}] * Lane.latency, ["value"])
    return np.array([value for (value,) in outputs[Lane.latency :]])


def check(trace, accumulators, biases, scales, zero_point=0, low=-128, high=127):
    got = run_lane(trace, accumulators, biases, scales, zero_point, low, high)
    want = requantize(accumulators, biases, np.asarray(scales, dtype=np.float32), zero_point, low, high)
    different = np.flatnonzero(got != want)
    assert not different.size, [(accumulators[i], biases[i], float(scales[i]), got[i], want[i]) for i in different[:5]]


@pytest.mark.parametrize(
    ("zero_point", "low", "high"), [(0, -128, 127), (-128, -128, 127), (127, -50, 100), (5, 30, -30)]
)
def test_random(trace, zero_point, low, high):
    rng, count = np.random.default_rng(zero_point + 500), 1500
    accumulators = rng.integers(*INT32, count, endpoint=True) >> rng.integers(0, 31, count)
    biases = rng.integers(*INT32, count, endpoint=True) >> rng.integers(0, 31, count)
    check(trace, accumulators, biases, np.float32(2.0) ** rng.uniform(-30, 1, count), zero_point, low, high)


def test_accumulators_around_rounding_points(trace):
    """Products next to k + 1/2: the two integers on each side of (k + 1/2) / scale."""
    rng = np.random.default_rng(7)
    scales = np.repeat((2.0 ** rng.uniform(-23, 0, 60)).astype(np.float32), 24)
    halves = rng.integers(-130, 130, scales.size) + 0.5
    accumulators = np.floor(halves / scales).astype(np.int64) + np.tile([-1, 0, 1, 2], scales.size // 4)
    check(trace, np.clip(accumulators, *INT32), np.zeros_like(accumulators), scales)


def test_exact_ties_go_to_even(trace):
    """Powers of two as scales, where k + 1/2 is met exactly."""
    cases = [(odd << shift, 0, 2.0 ** -(shift + 1)) for odd in range(-255, 256, 2) for shift in (0, 3, 15)]
    check(trace, *zip(*cases, strict=True))


def test_the_conversion_to_float32_rounds(trace):
    """Sums beyond 24 bits, around the ties of their conversion, with scales that show the last place."""
    rng = np.random.default_rng(9)
    bits = rng.integers(24, 31, 1200)
    step = 1 << (bits - 23)
    accumulators = (rng.integers(1 << 23, 1 << 24, 1200) * step + step // 2 + rng.integers(-1, 2, 1200)) & INT32[1]
    halves = rng.integers(0, 128, 1200) + 0.5
    scales = (halves / accumulators.astype(np.float32)).astype(np.float32)
    signs = rng.choice([-1, 1], 1200)
    check(trace, accumulators * signs, np.zeros(1200, dtype=int), scales)


def test_extremes(trace):
    """The ends of int32 and of the sum's wrap, with zero, subnormal, smallest normal, ordinary and largest scales."""
    edges = [INT32[0], INT32[0] + 1, -(1 << 24) - 1, -1, 0, 1, (1 << 24) + 1, INT32[1] - 1, INT32[1]]
    scales = np.array([0, 1, 0x7FFFFF, 0x800000, 0x3F000000, 0x3F7FFFFF, 0x3F800000, 0x2F000000, 0x2F7FFFFF, 0x30000000,
                       0x7F7FFFFF], dtype=np.uint32).view(np.float32)  # fmt: skip
    cases = [(accumulator, bias, scale) for accumulator in edges for bias in edges for scale in scales]
    check(trace, *zip(*cases, strict=True), zero_point=3)
    check(trace, *zip(*cases, strict=True), zero_point=-128)
