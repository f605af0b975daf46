"""The requantizer lane against its golden function by random vectors, in a Verilator model in this process."""

import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import cffi
import numpy as np
from amaranth.hdl import Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import NDArray

from vanallen.rtl.requant.lane import Lane
from vanallen.rtl.verilog import convert
from vanallen.sw.driver.library import build_library
from vanallen.sw.golden.arithmetic import requantize

from .proof import Result

__all__ = ["VECTORS", "Batch", "LaneTop", "check_vectors", "random_batch"]

VECTORS = 10_000_000
"""Vectors of a whole run."""

BATCH = 50_000
"""Vectors with the same zero point and clamp, which are constant for a layer."""

CACHE = Path("build/prove/libraries")

_INTERFACE = """
void chip_run(size_t count, size_t latency, const int32_t *accumulator, const int32_t *bias, const uint32_t *scale,
              int8_t zero_point, int8_t low, int8_t high, int8_t *value);
"""


class LaneTop(wiring.Component):
    """A lane with flat ports; ``scale`` has the bits of a float32."""

    accumulator: In(32)
    bias: In(32)
    scale: In(32)
    zero_point: In(signed(8))
    low: In(signed(8))
    high: In(signed(8))
    value: Out(signed(8))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.lane = lane = Lane()
        m.d.comb += [
            lane.accumulator.eq(self.accumulator),
            lane.parameter.bias.eq(self.bias),
            lane.parameter.as_value()[32:].eq(self.scale),
            lane.zero_point.eq(self.zero_point),
            lane.low.eq(self.low),
            lane.high.eq(self.high),
            self.value.eq(lane.value),
        ]
        return m


@dataclass(frozen=True)
class Batch:
    """Vectors for one layer's constants."""

    accumulator: NDArray[np.int32]
    bias: NDArray[np.int32]
    scale: NDArray[np.float32]
    zero_point: int
    low: int
    high: int


def _uniform(rng: np.random.Generator, count: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Sums and scales of any magnitude: bits, so that exponents are uniform; scales of every finite float32."""
    total = rng.integers(-(1 << 31), 1 << 31, count) >> rng.integers(0, 32, count)
    scale = rng.integers(0, 0x7F800000, count, dtype=np.uint32).view(np.float32)
    usual = (2.0 ** rng.uniform(-34, 10, count)).astype(np.float32)
    return total.astype(np.int32), np.where(rng.random(count) < 0.8, usual, scale).astype(np.float32)


def _boundary(rng: np.random.Generator, count: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Sums whose scaled value is within a few steps of a half, and sums at the ties of the conversion to float32."""
    scale = (2.0 ** rng.uniform(-24, 1, count)).astype(np.float32)
    scale = np.where(rng.random(count) < 0.3, np.exp2(np.rint(np.log2(scale))), scale).astype(np.float32)
    near_half = (rng.integers(-140, 140, count) + 0.5) / scale.astype(np.float64) + rng.integers(-2, 3, count)
    places = rng.integers(24, 31, count)
    step = np.left_shift(1, places - 23)
    tie = np.left_shift(1, places) + rng.integers(0, 1 << 23, count) * step + step // 2 + rng.integers(-1, 2, count)
    power = np.left_shift(1, rng.integers(0, 32, count)) + rng.integers(-2, 3, count)
    kind, sign = rng.random(count), rng.choice([-1, 1], count)
    total = np.where(kind < 0.7, np.rint(near_half), np.where(kind < 0.9, sign * tie, sign * power))
    return np.clip(total, -(1 << 31), (1 << 31) - 1).astype(np.int64).astype(np.int32), scale


def random_batch(rng: np.random.Generator, count: int) -> Batch:
    """Half the vectors anywhere, half at boundaries; the bias is anything, so that sums wrap."""
    halves = _uniform(rng, count // 2), _boundary(rng, count - count // 2)
    total, scale = (np.concatenate(part) for part in zip(*halves, strict=True))
    bias = (rng.integers(-(1 << 31), 1 << 31, count) >> rng.integers(0, 32, count)).astype(np.int32)
    low, high = sorted(int(limit) for limit in rng.choice([-128, 127, *rng.integers(-128, 128, 6)], 2))
    return Batch((total.astype(np.int64) - bias).astype(np.int32), bias, scale,
                 int(rng.integers(-128, 128)), low, high)  # fmt: skip


def _lane_library(cache: Path) -> tuple[Any, Any]:
    shim = resources.files(__package__).joinpath("lane.cpp").read_text()
    ffi: Any = cffi.FFI()
    ffi.cdef(_INTERFACE)
    return ffi, ffi.dlopen(str(build_library(convert(LaneTop(), "lane"), "lane", cache, shim=shim)))


def _simulate(ffi: Any, library: Any, batch: Batch) -> NDArray[np.int8]:
    value = np.empty(len(batch.accumulator), dtype=np.int8)
    scale = batch.scale.view(np.uint32)
    pointers = [ffi.from_buffer(f"{kind}[]", array) for kind, array in
                (("int32_t", batch.accumulator), ("int32_t", batch.bias), ("uint32_t", scale))]  # fmt: skip
    library.chip_run(len(value), Lane.latency, *pointers, batch.zero_point, batch.low, batch.high,
                     ffi.from_buffer("int8_t[]", value, require_writable=True))  # fmt: skip
    return value


def check_vectors(name: str, *, vectors: int = VECTORS, seed: int = 1, cache: Path = CACHE) -> Result:
    """Compares ``vectors`` random vectors; the reason of a failure is the first that differs.

    Raises
    ------
    ToolMissing
        If what builds the model isn't installed.
    """
    ffi, library = _lane_library(cache)
    rng, start, left, reason = np.random.default_rng(seed), time.monotonic(), vectors, ""
    while left and not reason:
        batch = random_batch(rng, min(left, BATCH))
        left -= len(batch.accumulator)
        got = _simulate(ffi, library, batch)
        want = requantize(batch.accumulator, batch.bias, batch.scale, batch.zero_point, batch.low, batch.high)
        wrong = np.flatnonzero(got != want)
        if len(wrong):
            at = int(wrong[0])
            reason = (
                f"seed {seed}: accumulator {batch.accumulator[at]}, bias {batch.bias[at]}, scale {batch.scale[at]!r}, "
                f"zero point {batch.zero_point}, clamp {batch.low} to {batch.high}: {got[at]}, not {want[at]}"
            )
    return Result(name=name, mode="random", depth=vectors, outcome="fail" if reason else "pass",
                  seconds=round(time.monotonic() - start, 2), reason=reason)  # fmt: skip
