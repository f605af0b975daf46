"""Functional coverage: named points, what hits them, and how many were hit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from vanallen.rtl.commands import ErrorCode, Opcode
from vanallen.rtl.config import Config
from vanallen.sw.golden.accelerator import GoldenJob, GoldenLayer

from .jobs import Job

__all__ = ["BUS_POINTS", "Coverage", "job_points", "measure", "points"]

_Test = Callable[[Mapping[str, int], Config], bool]


def _plain(fields: Mapping[str, int]) -> bool:
    return not fields.get("pad_top", 0) and not fields.get("pad_left", 0)


def _strides(fields: Mapping[str, int]) -> int:
    return max(fields["stride_height"], fields["stride_width"])


def _blocks(fields: Mapping[str, int]) -> int:
    return -(-fields["rows"] // fields["block_rows"])


def _tiles(fields: Mapping[str, int]) -> int:
    return fields["kernel_height"] * fields["kernel_width"] * fields["input_groups"]


def _parameters(fields: Mapping[str, int], config: Config) -> int:
    return fields["output_groups"] * config.steps_per_word


def _weights(fields: Mapping[str, int], config: Config) -> int:
    return fields["column_blocks"] * _tiles(fields) * config.rows


def _lines(fields: Mapping[str, int]) -> int:
    return fields["rows"] // fields["output_width"]


def _below(fields: Mapping[str, int]) -> bool:
    bottom = (_lines(fields) - 1) * fields["stride_height"] - fields.get("pad_top", 0) + fields["kernel_height"]
    return bottom > fields["input_height"]


def _right(fields: Mapping[str, int]) -> bool:
    right = (fields["output_width"] - 1) * fields["stride_width"] - fields.get("pad_left", 0) + fields["kernel_width"]
    return right > fields["input_width"]


_FIELD_POINTS: dict[str, _Test] = {
    "opcode.matmul": lambda f, c: f["opcode"] == Opcode.MATMUL,
    "opcode.convolution": lambda f, c: f["opcode"] == Opcode.CONVOLUTION,
    "packed_input": lambda f, c: f.get("packed_input", 0) == 1,
    **{f"kernel_height.{n}": lambda f, c, n=n: f["kernel_height"] == n for n in range(1, 8)},  # type: ignore[misc]
    **{f"kernel_width.{n}": lambda f, c, n=n: f["kernel_width"] == n for n in range(1, 8)},  # type: ignore[misc]
    **{f"stride_height.{n}": lambda f, c, n=n: f["stride_height"] == n for n in range(1, 5)},  # type: ignore[misc]
    **{f"stride_width.{n}": lambda f, c, n=n: f["stride_width"] == n for n in range(1, 5)},  # type: ignore[misc]
    "kernel.not_square": lambda f, c: f["kernel_height"] != f["kernel_width"],
    "stride.over_kernel": lambda f, c: f["stride_width"] > f["kernel_width"],
    "padding.none": lambda f, c: _plain(f) and not _below(f) and not _right(f),
    "padding.top": lambda f, c: f.get("pad_top", 0) > 0,
    "padding.left": lambda f, c: f.get("pad_left", 0) > 0,
    "padding.bottom": lambda f, c: _below(f),
    "padding.right": lambda f, c: _right(f),
    "padding.beyond_kernel": lambda f, c: f.get("pad_top", 0) >= f["kernel_height"],
    "padding.zero_point": lambda f, c: not _plain(f) and f["input_zero_point"] != 0,
    "padding.strided": lambda f, c: not _plain(f) and _strides(f) > 1,
    "padding.many_groups": lambda f, c: not _plain(f) and f["input_groups"] > 1,
    "rows.one": lambda f, c: f["rows"] == 1,
    "rows.below_array": lambda f, c: 1 < f["rows"] < c.rows,
    "rows.many": lambda f, c: f["rows"] > 4 * c.rows,
    "block_rows.one": lambda f, c: f["block_rows"] == 1 and f["rows"] > 1,
    "block_rows.below_array": lambda f, c: 1 < f["block_rows"] < c.rows and f["rows"] > c.rows,
    "block_rows.full_bank": lambda f, c: f["block_rows"] == c.accumulator_rows and f["rows"] >= c.accumulator_rows,
    "block_rows.over_rows": lambda f, c: f["block_rows"] > f["rows"],
    "blocks.one": lambda f, c: _blocks(f) == 1,
    "blocks.two": lambda f, c: _blocks(f) == 2,
    "blocks.many": lambda f, c: _blocks(f) > 2,
    "blocks.last_partial": lambda f, c: _blocks(f) > 1 and f["rows"] % f["block_rows"] != 0,
    "blocks.within_line": lambda f, c: _blocks(f) > 1 and _lines(f) > 1 and f["block_rows"] % f["output_width"] != 0,
    "tiles.one": lambda f, c: _tiles(f) == 1,
    "tiles.two": lambda f, c: _tiles(f) == 2,
    "tiles.many": lambda f, c: _tiles(f) > 16,
    "columns.one": lambda f, c: f["column_blocks"] == 1,
    "columns.many": lambda f, c: f["column_blocks"] > 2,
    "columns.and_blocks": lambda f, c: f["column_blocks"] > 1 and _blocks(f) > 1,
    "columns.one_tile": lambda f, c: f["column_blocks"] > 1 and _tiles(f) == 1,
    "columns.last_partial": lambda f, c: f["output_groups"] % c.words_per_column_block != 0,
    "groups.one": lambda f, c: f["input_groups"] == 1,
    "groups.many": lambda f, c: f["input_groups"] > 2,
    "input.below_output": lambda f, c: f["input_base"] < f["output_base"],
    "input.above_output": lambda f, c: f["input_base"] > f["output_base"],
    "input.first_word": lambda f, c: f["input_base"] == 0,
    "input.last_word": lambda f, c: f["input_base"] + f["input_words"] == c.activation_words,
    "output.first_word": lambda f, c: f["output_base"] == 0,
    "output.last_word": lambda f, c: f["output_base"] + f["rows"] * f["output_groups"] == c.activation_words,
    "address.wraps": lambda f, c: f["first_address"] > f["input_base"] + f["input_words"],
    "weights.first_word": lambda f, c: f["weight_base"] == 0,
    "weights.last_word": lambda f, c: f["weight_base"] + _weights(f, c) == c.weight_words,
    "parameters.first_row": lambda f, c: f["parameter_base"] == 0,
    "parameters.last_row": lambda f, c: f["parameter_base"] + _parameters(f, c) == c.parameter_rows,
    "zero_point.low": lambda f, c: f["output_zero_point"] == -128,
    "zero_point.high": lambda f, c: f["output_zero_point"] == 127,
    "zero_point.zero": lambda f, c: f["output_zero_point"] == 0,
    "clamp.none": lambda f, c: (f["clamp_low"], f["clamp_high"]) == (-128, 127),
    "clamp.relu": lambda f, c: (f["clamp_low"], f["clamp_high"]) == (0, 127),
    "clamp.narrow": lambda f, c: f["clamp_high"] - f["clamp_low"] < 100,
    "matmul.rows_apart": lambda f, c: f["opcode"] == Opcode.MATMUL and f["pixel_step"] > f["input_groups"],
    "matmul.many_columns": lambda f, c: f["opcode"] == Opcode.MATMUL and f["column_blocks"] > 1,
    "convolution.strided_columns": lambda f, c: _tiles(f) > 2 and _strides(f) > 1 and f["column_blocks"] > 1,
    "convolution.strided_blocks": lambda f, c: _tiles(f) > 2 and _strides(f) > 1 and _blocks(f) > 1,
}

_VALUE_POINTS = (
    "saturation.low", "saturation.high", "saturation.none", "sum.beyond_24_bits", "sum.wraps", "sum.zero",
    "sum.negative", "scale.smallest_normal", "scale.subnormal", "scale.zero", "scale.huge", "scale.power_of_two",
    "scale.typical", "bias.smallest", "bias.largest", "bias.zero", "accumulator.beyond_24_bits", "round.tie",
    "channels.partial",
)  # fmt: skip
_JOB_POINTS = (
    "job.one_command", "job.many_commands", "job.first_command", "job.last_command", "job.reads_own_output",
    "stall.some", "stall.none", "steal.some", "steal.none", "steal.smallest_interval",
)  # fmt: skip
BUS_POINTS = (
    "idle.aw", "idle.w", "idle.ar", "pressure.b", "pressure.r", "pause.all", "pause.job",
    "bus.writes_back_to_back", "bus.reads_back_to_back", "bus.both_at_once",
    "refused.write_while_busy", "refused.read_while_busy", "refused.start_while_busy", "refused.partial_strobe",
    "refused.unmapped_write", "refused.unmapped_read", "refused.read_only", "refused.write_only", "refused.filling",
    "reset.while_busy", "reset.while_idle", "interrupt.enabled", "interrupt.disabled", "interrupt.acknowledged",
    "counters.cleared", "status.job_number", "start.defined",
)  # fmt: skip
_UNREACHABLE = {"start.defined": "icarus"}
"""Points that one simulator alone can hit: Verilator knows no X."""


@dataclass(frozen=True)
class Coverage:
    """Number of points, of those hit, and the names of the rest."""

    points: int
    hit: int
    missed: tuple[str, ...]


def points(config: Config, simulator: str) -> tuple[str, ...]:
    """The points of a configuration, in order. Errors of the hardware, ``COLLISION`` and above, are no points: no
    command provokes them."""
    errors = [f"error.{code.name.lower()}" for code in ErrorCode if ErrorCode.NONE < code < ErrorCode.COLLISION]
    everything = [*_FIELD_POINTS, *_VALUE_POINTS, *_JOB_POINTS, *errors, *BUS_POINTS]
    impossible = {"columns.last_partial"} if config.words_per_column_block == 1 else set()
    impossible |= {name for name, only in _UNREACHABLE.items() if only != simulator}
    return tuple(name for name in everything if name not in impossible)


def measure(config: Config, simulator: str, files: Iterable[Path]) -> Coverage:
    """Coverage from the files that the cases wrote; raises ValueError if one notes a point that doesn't exist."""
    known = points(config, simulator)
    hit: set[str] = set()
    for path in files:
        hit |= set(json.loads(path.read_text(encoding="utf-8")))
    unknown = hit - set(known) - set(points(config, "icarus"))
    if unknown:
        raise ValueError(f"coverage points must be known, not {', '.join(sorted(unknown))}")
    missed = tuple(name for name in known if name not in hit)
    return Coverage(len(known), len(known) - len(missed), missed)


def job_points(job: Job, outcome: GoldenJob, *, stalled: int, stolen: int) -> set[str]:
    """The points that a job hit which agreed with the golden model; ``stalled`` and ``stolen`` are its counters."""
    config, found = job.config, set()
    for fields in job.layers:
        found |= {name for name, test in _FIELD_POINTS.items() if test(fields, config)}
    for layer in outcome.layers:
        found |= _value_points(job, layer)
    last = job.first + len(job.layers)
    reads_own = any(
        before["output_base"] < after["input_base"] + after["input_words"]
        and after["input_base"] < before["output_base"] + before["rows"] * before["output_groups"]
        for before, after in pairwise(job.layers)
    )
    tests = {
        "job.one_command": len(job.layers) == 1, "job.many_commands": len(job.layers) > 4,
        "job.first_command": job.first == 0, "job.last_command": last == config.commands,
        "job.reads_own_output": reads_own, "stall.some": stalled > 0, "stall.none": stalled == 0,
        "steal.some": stolen > 0, "steal.none": stolen == 0,
        "steal.smallest_interval": stolen > 0 and job.steal_interval == 16,
    }  # fmt: skip
    found |= {name for name, hit in tests.items() if hit}
    return found & set(points(config, "icarus"))


def _value_points(job: Job, layer: GoldenLayer) -> set[str]:
    """Points of the numbers of a layer."""
    config, fields = job.config, layer.fields
    first = fields["parameter_base"] - job.arena.parameter.start
    rows = slice(first, first + fields["output_groups"] * config.steps_per_word)
    bias, scale = job.bias[rows].reshape(-1).astype(np.int64), job.scale[rows].reshape(-1)
    accumulators = layer.accumulators[:, : len(bias)].astype(np.int64)
    exact = accumulators + bias
    total = exact.astype(np.int32).astype(np.int64)
    with np.errstate(over="ignore", under="ignore"):
        scaled = np.clip((total.astype(np.float32) * scale).astype(np.float64), -1000, 1000)
    rounded = np.rint(scaled) + fields["output_zero_point"]
    low, high = fields["clamp_low"], fields["clamp_high"]
    mantissa = np.frexp(scale)[0]
    normal = np.abs(total) > 1 << 24
    weight_first = fields["weight_base"] - job.arena.weight.start
    tests = {
        "saturation.low": (rounded < low).any(), "saturation.high": (rounded > high).any(),
        "saturation.none": ((rounded > low) & (rounded < high)).any(),
        "sum.beyond_24_bits": normal.any(), "sum.wraps": (exact != total).any(),
        "sum.zero": (total == 0).any(), "sum.negative": (total < 0).any(),
        "scale.smallest_normal": (scale == np.float32(2.0**-126)).any(),
        "scale.subnormal": ((scale > 0) & (scale < np.float32(2.0**-126))).any(), "scale.zero": (scale == 0).any(),
        "scale.huge": (scale > 1e29).any(), "scale.power_of_two": ((mantissa == 0.5) & (scale > 1e-30)).any(),
        "scale.typical": ((scale > 1e-6) & (scale < 1e-2)).any(),
        "bias.smallest": (bias == -(1 << 31)).any(), "bias.largest": (bias == (1 << 31) - 1).any(),
        "bias.zero": (bias == 0).any(), "accumulator.beyond_24_bits": (np.abs(accumulators) > 1 << 24).any(),
        "round.tie": ((np.abs(scaled) < 200) & (np.abs(scaled % 1) == 0.5)).any(),
        "channels.partial": not job.weight[weight_first : weight_first + config.rows, -1].any(),
    }  # fmt: skip
    return {name for name, hit in tests.items() if hit}
