"""Random models of one quantized layer, for tests of the compiler and of the chip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from vanallen.rtl.config import Config

__all__ = ["RandomModel", "random_model"]

_SPREAD = 50.0
"""Typical size of an output before clamping; each model's own differs by up to a factor of ten."""


@dataclass(frozen=True)
class RandomModel:
    """A model of one layer that fits the configuration it was made for, its input, and what it is in words."""

    model: onnx.ModelProto
    inputs: dict[str, npt.NDArray[Any]]
    description: str


@dataclass(frozen=True)
class _Shape:
    """A layer to be: shapes of input, weights and output as the operator has them, and sizes as the chip counts."""

    op: str
    input: tuple[int, ...]
    weights: tuple[int, ...]
    output: tuple[int, ...]
    pixels_in: int
    pixels_out: int
    channels_in: int
    channels_out: int
    taps: int
    attributes: dict[str, Any]

    def fits(self, config: Config) -> bool:
        """Whether the configuration's memories hold it, whichever form the compiler chooses."""
        blocks = -(-self.channels_out // config.columns)
        words_in = self.pixels_in * -(-self.channels_in // config.rows)
        words_out = self.pixels_out * -(-self.channels_out // config.rows)
        return (
            self.pixels_out > 0
            and words_in + words_out <= config.activation_words
            and blocks * self.taps * -(-self.channels_in // config.rows) * config.rows <= config.weight_words
            and blocks * config.parameter_rows_per_column_block <= config.parameter_rows
        )


def random_model(rng: np.random.Generator, config: Config) -> RandomModel:
    """A QLinearConv or a QLinearMatMul that the chip can compute, int8 or uint8, one weight scale or one a channel.

    Convolutions have any kernel, stride, padding and ``auto_pad`` within the chip's limits, one or two axes, a bias or
    none. Values are random, at times extreme. The same state of ``rng`` gives the same model.
    """
    draw: Callable[[np.random.Generator], _Shape] = _matrix_product if rng.random() < 0.25 else _convolution
    shape = draw(rng)
    while not shape.fits(config):
        shape = draw(rng)
    return _build(rng, shape)


def _size(rng: np.random.Generator, largest: int) -> int:
    """From 1 to ``largest``, small ones more often."""
    return round(float(largest ** rng.random()))


def _matrix_product(rng: np.random.Generator) -> _Shape:
    depth = _size(rng, 2048)
    outputs = _size(rng, 200)
    before = [_size(rng, 300)] if rng.random() < 0.7 else [int(rng.integers(1, 4)), _size(rng, 40)]
    rows = prod(before)
    return _Shape(
        "QLinearMatMul", (*before, depth), (depth, outputs), (*before, outputs), rows, rows, depth, outputs, 1, {}
    )  # fmt: skip


def _convolution(rng: np.random.Generator) -> _Shape:
    axes = 1 if rng.random() < 0.1 else 2
    kernel = [int(rng.integers(1, 8)) for _ in range(axes)]
    stride = [int(rng.integers(1, 5)) for _ in range(axes)]
    size = [int(rng.integers(1, 25)) for _ in range(axes)]
    channels, outputs = _size(rng, 80), _size(rng, 80)
    attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": stride}
    mode = str(rng.choice(["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    pads = [int(rng.integers(0, 16 if rng.random() < 0.1 else kernel[axis % axes] + 1)) for axis in range(2 * axes)]
    if mode == "NOTSET":
        attributes["pads"] = pads
    else:
        attributes["auto_pad"] = mode
    output = [_output_size(mode, *sizes) for sizes in zip(size, kernel, stride, pads[:axes], pads[axes:], strict=True)]
    batch = 1 if rng.random() < 0.9 else int(rng.integers(2, 4))
    return _Shape(
        "QLinearConv", (batch, channels, *size), (outputs, channels, *kernel), (batch, outputs, *output),
        prod(size), prod(output), channels, outputs, prod(kernel), attributes,
    )  # fmt: skip


def _output_size(mode: str, size: int, kernel: int, stride: int, before: int, after: int) -> int:
    if mode.startswith("SAME"):
        return -(-size // stride)
    padding = before + after if mode == "NOTSET" else 0
    return max(0, (size + padding - kernel) // stride + 1)


def _values(rng: np.random.Generator, shape: Sequence[int], dtype: Any) -> npt.NDArray[Any]:
    limits = np.iinfo(dtype)
    if rng.random() < 0.15:
        return rng.choice(np.array([limits.min, limits.max], dtype), size=shape)
    return rng.integers(limits.min, limits.max, size=shape, dtype=dtype, endpoint=True)


def _scalar(rng: np.random.Generator, dtype: Any) -> npt.NDArray[Any]:
    """A zero point."""
    return np.array(rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, endpoint=True), dtype)


def _build(rng: np.random.Generator, shape: _Shape) -> RandomModel:
    dtype: Any = np.int8 if rng.random() < 0.5 else np.uint8
    weight_dtype: Any = np.uint8 if dtype == np.uint8 and rng.random() < 0.2 else np.int8
    per_channel, depth = bool(rng.random() < 0.6), shape.taps * shape.channels_in
    channels: tuple[int, ...] = (shape.channels_out,) if per_channel else ()
    input_scale = np.float32(rng.uniform(0.001, 0.1))
    weight_scale = rng.uniform(0.5, 2, channels).astype(np.float32) * np.float32(rng.uniform(0.001, 0.1))
    typical = float(input_scale) * float(np.mean(weight_scale)) * 5400 * depth**0.5
    output_scale = np.float32(typical / _SPREAD * 10 ** rng.uniform(-1, 1))
    constants = {
        "x_scale": input_scale, "x_zero_point": _scalar(rng, dtype), "w": _values(rng, shape.weights, weight_dtype),
        "w_scale": weight_scale,
        "w_zero_point": np.full(channels, 128 if weight_dtype == np.uint8 else 0, weight_dtype),
        "y_scale": output_scale, "y_zero_point": _scalar(rng, dtype),
    }  # fmt: skip
    if shape.op == "QLinearConv" and rng.random() < 0.5:
        largest = max(1, int(5400 * depth**0.5)) if rng.random() < 0.9 else 2**31 - 1
        constants["b"] = rng.integers(-largest, largest, shape.channels_out, dtype=np.int32)
    node = helper.make_node(shape.op, ["x", *constants], ["y"], shape.op.lower(), **shape.attributes)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    graph = helper.make_graph(
        [node], "random",
        [helper.make_tensor_value_info("x", kind, shape.input)],
        [helper.make_tensor_value_info("y", kind, shape.output)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    description = (
        f"{shape.op} {np.dtype(dtype)} {shape.input} by {shape.weights} {np.dtype(weight_dtype)}, "
        f"{'a scale per channel' if per_channel else 'one scale'}, {'bias' if 'b' in constants else 'no bias'}, "
        f"{shape.attributes}"
    )
    return RandomModel(model, {"x": _values(rng, shape.input, dtype)}, description)
