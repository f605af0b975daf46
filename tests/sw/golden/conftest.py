"""Commands to test the golden accelerator with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from vanallen.rtl.commands import Opcode
from vanallen.rtl.config import Config


def random_layer(rng: np.random.Generator, config: Config) -> dict[str, Any]:
    """Shape of a random convolution that fits ``config``: everything but the command's derived fields."""
    while True:
        kernel, stride = rng.integers(1, 8, 2), rng.integers(1, 5, 2)
        pads = rng.integers(0, 4, 4)
        size = rng.integers(1, 12, 2)
        out = (size + pads[:2] + pads[2:] - kernel) // stride + 1
        if (out < 1).any() or (size + pads[:2] + pads[2:] < kernel).any():
            continue
        channels, outputs = (int(value) for value in rng.integers(1, 2 * config.columns + 2, 2))
        groups, blocks = -(-channels // config.rows), -(-outputs // config.columns)
        output_groups = -(-outputs // config.rows)
        words = int(size[0] * size[1]) * groups, int(out[0] * out[1]) * output_groups
        weights = int(kernel[0] * kernel[1]) * groups * config.rows * blocks
        if sum(words) <= config.activation_words and weights <= config.weight_words:
            return {"kernel": kernel, "stride": stride, "pads": pads, "size": size, "out": out, "channels": channels,
                    "outputs": outputs, "groups": groups, "blocks": blocks, "output_groups": output_groups,
                    "words": words, "weights": weights}  # fmt: skip


def command_fields(rng: np.random.Generator, config: Config, layer: Mapping[str, Any]) -> dict[str, int]:
    """The legal command of ``layer``, its regions, weights and parameters at random places."""
    (height, width), (top, left) = layer["size"], layer["pads"][:2]
    (kernel_h, kernel_w), (stride_h, stride_w), groups = layer["kernel"], layer["stride"], layer["groups"]
    gap = rng.integers(0, config.activation_words - sum(layer["words"]) + 1)
    bases = (gap, gap + layer["words"][0]) if rng.random() < 0.5 else (gap + layer["words"][1], gap)
    parameters = layer["blocks"] * config.columns // config.lanes
    low, high = np.sort(rng.integers(-128, 128, 2))
    values = {
        "opcode": Opcode.CONVOLUTION,
        "input_zero_point": rng.integers(-128, 128), "output_zero_point": rng.integers(-128, 128),
        "clamp_low": low, "clamp_high": high,
        "input_base": bases[0], "input_words": layer["words"][0],
        "output_base": bases[1], "output_words": layer["words"][1],
        "weight_base": rng.integers(0, config.weight_words - layer["weights"] + 1),
        "parameter_base": rng.integers(0, config.parameter_rows - parameters + 1),
        "column_blocks": layer["blocks"], "output_groups": layer["output_groups"],
        "rows": layer["out"][0] * layer["out"][1], "block_rows": rng.integers(1, config.accumulator_rows + 1),
        "output_width": layer["out"][1], "input_groups": groups, "input_height": height, "input_width": width,
        "kernel_height": kernel_h, "kernel_width": kernel_w, "stride_height": stride_h, "stride_width": stride_w,
        "pad_top": top, "pad_left": left,
        "first_address": (bases[0] - (top * width + left) * groups) % (1 << 16),
        "pixel_step": stride_w * groups,
        "line_step": (stride_h * width - (layer["out"][1] - 1) * stride_w) * groups % (1 << 16),
        "tap_line_step": ((width - kernel_w) * groups + 1) % (1 << 16),
    }  # fmt: skip
    return {name: int(value) for name, value in values.items()}


def product_fields(config: Config, rows: int, depth: int, columns: int) -> dict[str, int]:
    """A matrix product of whole words: input at 0, output after it, weights and parameters at 0."""
    groups, output_groups = depth // config.rows, columns // config.rows
    words = rows * groups, rows * output_groups
    return {
        "opcode": Opcode.MATMUL, "clamp_low": -128, "clamp_high": 127,
        "input_base": 0, "input_words": words[0], "output_base": words[0], "output_words": words[1],
        "column_blocks": columns // config.columns, "output_groups": output_groups, "rows": rows,
        "block_rows": min(rows, config.accumulator_rows), "output_width": rows, "input_groups": groups,
        "input_height": 1, "input_width": rows, "kernel_height": 1, "kernel_width": 1, "stride_height": 1,
        "stride_width": 1, "pixel_step": groups, "line_step": groups, "tap_line_step": 1,
    }  # fmt: skip


@pytest.fixture
def convolution() -> Callable[[np.random.Generator, Config], tuple[dict[str, int], dict[str, Any]]]:
    """A random convolution that fits a configuration: the command's fields, and the layer's shape."""

    def make(rng: np.random.Generator, config: Config) -> tuple[dict[str, int], dict[str, Any]]:
        layer = random_layer(rng, config)
        return command_fields(rng, config, layer), layer

    return make


@pytest.fixture
def matmul() -> Callable[[Config, int, int, int], dict[str, int]]:
    """The fields of a matrix product by configuration, rows, depth and columns."""
    return product_fields
