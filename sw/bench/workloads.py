"""The fixed workloads: names that stay, and the model and input behind each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from vanallen.rtl.config import Config

__all__ = ["WORKLOADS", "Workload", "resident_size", "workload"]

WORKLOADS = ("digits", "gemm-resident", "conv-3x3")
"""Names of the workloads, in the order in which they are run."""

_OPSET = 13
_IR_VERSION = 8


@dataclass(frozen=True)
class Workload:
    """A model (or the name of a shipped one), its inputs (or the name of a shipped set) and how many samples to use."""

    name: str
    model: str | onnx.ModelProto
    inputs: str | dict[str, npt.NDArray[Any]]
    samples: int | None = None


def resident_size(config: Config) -> int:
    """The size of ``gemm-resident``: the largest M = K = N, a multiple of ``columns``, that stays in the memories.

    Input and output (M x K and M x N bytes) fit activation RAM together, and the weights (K x N bytes) fit weight RAM.
    """
    blocks = 0
    while _fits(config, (blocks + 1) * config.columns):
        blocks += 1
    return blocks * config.columns


def _fits(config: Config, size: int) -> bool:
    return 2 * size * size <= config.activation_bytes and size * size <= config.weight_bytes


def workload(name: str, config: Config, *, seed: int) -> Workload:
    """The workload called ``name`` for ``config``; weights and inputs that are random are drawn from ``seed``.

    Raises
    ------
    ValueError
        If there is no workload of that name.
    """
    rng = np.random.default_rng(seed)
    if name == "digits":
        return Workload(name, "digits", "digits:test", samples=1)
    if name == "gemm-resident":
        size = resident_size(config)
        inputs = {"x": rng.integers(-128, 128, (size, size), np.int8)}
        return Workload(name, _matrix_product(rng, size), inputs)
    if name == "conv-3x3":
        inputs = {"x": rng.integers(-128, 128, (1, 16, 32, 32), np.int8)}
        return Workload(name, _convolution(rng, channels=16, image=32), inputs)
    raise ValueError(f"workload must be one of {', '.join(WORKLOADS)}, not {name!r}")


def _model(
    node: onnx.NodeProto, shape: tuple[int, ...], result: tuple[int, ...], constants: dict[str, npt.NDArray[Any]]
) -> onnx.ModelProto:
    graph = helper.make_graph(
        [node],
        node.name,
        [helper.make_tensor_value_info("x", TensorProto.INT8, shape)],
        [helper.make_tensor_value_info("y", TensorProto.INT8, result)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opset = helper.make_opsetid("", _OPSET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)


def _quantization(products: int) -> dict[str, npt.NDArray[Any]]:
    """Scales for which a sum of ``products`` random int8 products fills the output's range, and zero points."""
    spread = 74.0 * 74.0 * np.sqrt(products)
    zero_points = {name: np.array(0, np.int8) for name in ("x_zero_point", "w_zero_point", "y_zero_point")}
    scales = {"x_scale": 1.0, "w_scale": 1.0, "y_scale": spread / 64.0}
    return zero_points | {name: np.array(value, np.float32) for name, value in scales.items()}


def _matrix_product(rng: np.random.Generator, size: int) -> onnx.ModelProto:
    operands = ["x", "x_scale", "x_zero_point", "w", "w_scale", "w_zero_point", "y_scale", "y_zero_point"]
    node = helper.make_node("QLinearMatMul", operands, ["y"], "product")
    weights = rng.integers(-127, 128, (size, size), np.int8)
    return _model(node, (size, size), (size, size), {"w": weights, **_quantization(size)})


def _convolution(rng: np.random.Generator, *, channels: int, image: int) -> onnx.ModelProto:
    operands = ["x", "x_scale", "x_zero_point", "w", "w_scale", "w_zero_point", "y_scale", "y_zero_point"]
    node = helper.make_node("QLinearConv", operands, ["y"], "convolution", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    weights = rng.integers(-127, 128, (channels, channels, 3, 3), np.int8)
    shape = (1, channels, image, image)
    return _model(node, shape, shape, {"w": weights, **_quantization(9 * channels)})
