"""Two small layers for exhaustive campaigns: few cycles, and all that steers the data path does something in them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.commands import Opcode
from vanallen.rtl.config import Config
from vanallen.tb.jobs import Job
from vanallen.tb.layers import Arena, Space

__all__ = ["LAYERS", "dense", "diagonal"]

_STEAL_INTERVAL = 16
"""Slots from one stolen to the next: the shortest, so that some are stolen."""


def dense(config: Config) -> Job:
    """A 2 x 1 convolution with padding above, below and at the left and stride 2: two tiles of weights, two blocks."""
    values = np.random.default_rng(1)
    fields = _convolution(config, size=(4, 6), kernel=(2, 1), stride=(2, 2), pads=(1, 1), output=(3, 4), block_rows=7)
    return _job(config, fields, _no_zeros((2 * config.rows, config.columns), values), values)


def diagonal(config: Config) -> Job:
    """A depthwise 2 x 2 convolution with padding above and at the left: four tiles of diagonal weights, two blocks."""
    values = np.random.default_rng(2)
    fields = _convolution(config, size=(3, 3), kernel=(2, 2), stride=(1, 1), pads=(1, 1), output=(3, 2), block_rows=4)
    groups = config.words_per_column_block
    tiles = _no_zeros((4, config.rows, config.columns), values) * np.tile(np.eye(config.rows, dtype=np.int8), groups)
    return _job(config, fields, tiles.reshape(-1, config.columns), values)


LAYERS = {"dense": dense, "diagonal": diagonal}
"""By name."""


def _no_zeros(shape: tuple[int, ...], values: np.random.Generator) -> NDArray[np.int8]:
    """Random int8 without zeros: a factor of zero hides a fault in the other one."""
    magnitude = values.integers(1, 128, shape)
    return np.where(values.random(shape) < 0.5, -magnitude, magnitude).astype(np.int8)


def _convolution(
    config: Config, *, size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int], pads: tuple[int, int],
    output: tuple[int, int], block_rows: int,
) -> dict[str, int]:  # fmt: skip
    """Fields of a convolution of one group of channels into as many channels as there are columns; sizes are (lines,
    pixels)."""
    (height, width), (lines, columns), base = size, output, 2
    groups = config.words_per_column_block
    return {
        "opcode": Opcode.CONVOLUTION, "input_zero_point": 11, "output_zero_point": -3, "clamp_low": -120,
        "clamp_high": 121, "input_base": base, "input_words": height * width,
        "output_base": base + height * width + 1, "output_words": lines * columns * groups, "weight_base": 3,
        "parameter_base": 1, "column_blocks": 1, "output_groups": groups, "rows": lines * columns,
        "block_rows": block_rows,
        "output_width": columns, "input_groups": 1, "input_height": height, "input_width": width,
        "kernel_height": kernel[0], "kernel_width": kernel[1], "stride_height": stride[0], "stride_width": stride[1],
        "pad_top": pads[0], "pad_left": pads[1], "pixel_step": stride[1],
        "first_address": (base - pads[0] * width - pads[1]) % (1 << 16),
        "line_step": (stride[0] * width - (columns - 1) * stride[1]) % (1 << 16),
        "tap_line_step": (width - kernel[1] + 1) % (1 << 16),
    }  # fmt: skip


def _job(config: Config, fields: Mapping[str, int], weights: NDArray[np.int8], values: np.random.Generator) -> Job:
    """The job of one layer, command 1; words around those it uses are loaded too."""
    first = fields["weight_base"]
    arena = Arena(Space(0, fields["output_base"] + fields["output_words"] + 2), Space(0, first + len(weights) + 2),
                  Space(0, fields["parameter_base"] + fields["output_groups"] * config.steps_per_word + 1))  # fmt: skip
    weight = _no_zeros((arena.weight.count, config.columns), values)
    weight[first : first + len(weights)] = weights
    shape = (arena.parameter.count, config.lanes)
    size = 3000 * np.sqrt(np.count_nonzero(weights, axis=0).mean())
    return Job(
        config=config, arena=arena, activation=_no_zeros((arena.activation.count, config.rows), values), weight=weight,
        bias=np.rint(values.normal(0, size / 2, shape)).astype(np.int32),
        scale=(values.uniform(20, 40, shape) / size).astype(np.float32), first=1, layers=(dict(fields),),
        steal_interval=_STEAL_INTERVAL,
    )  # fmt: skip
