"""Layers written with quantized operators: QLinearConv, QLinearMatMul, QGemm."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .graph import Graph
from .layer import HostReason, QuantizedLayer
from .onnx_tools import attributes_of
from .operands import bias_of, constant, convolution_geometry, output_scale, per_tensor, signed_weights
from .values import Quantization

__all__ = ["convolution_weights", "full_range", "matrix_weights", "read_qoperator"]


def read_qoperator(graph: Graph, index: int) -> QuantizedLayer:
    """The layer of node ``index``, one of the three operators; HostReason if the chip can't compute it."""
    return {"QLinearConv": _convolution, "QLinearMatMul": _matrix_product, "QGemm": _gemm}[graph.nodes[index].op_type](
        graph, index
    )


def full_range(result: Quantization) -> tuple[int, int]:
    """The clamp that clamps nothing but to the type."""
    limits = np.iinfo(result.dtype)
    return int(limits.min), int(limits.max)


def convolution_weights(weights: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """[outputs, inputs, kernel...] of one or two axes as [outputs, inputs, kernel height, kernel width]."""
    if weights.ndim not in (3, 4):
        raise HostReason(f"it is a convolution over {weights.ndim - 2} axes; the chip has one and two")
    return weights if weights.ndim == 4 else weights[:, :, np.newaxis, :]


def matrix_weights(weights: npt.NDArray[Any], *, transposed: bool) -> npt.NDArray[Any]:
    """[inputs, outputs] (``transposed``: [outputs, inputs]) as [outputs, inputs, 1, 1]."""
    if weights.ndim != 2:
        raise HostReason(f"its weights have {weights.ndim} dimensions; the chip multiplies with a matrix")
    return (weights if transposed else weights.T)[:, :, np.newaxis, np.newaxis]


def _weights(graph: Graph, names: list[str], position: int, zero_point: int) -> npt.NDArray[np.int8]:
    return signed_weights(constant(graph, names, position, "weights"),
                          constant(graph, names, zero_point, "weight zero point"))  # fmt: skip


def _convolution(graph: Graph, index: int) -> QuantizedLayer:
    node = graph.nodes[index]
    names = list(node.input)
    stored = _weights(graph, names, 3, 5)
    source, result = per_tensor(graph, names, 1, "input"), per_tensor(graph, names, 6, "output")
    weights = convolution_weights(stored)
    geometry = convolution_geometry(attributes_of(node), graph.types[names[0]].shape[2:], stored.shape[2:])
    return QuantizedLayer(
        name=graph.label(index), op=node.op_type, nodes=(index,), input=names[0], output=node.output[0],
        weights=weights, bias=bias_of(graph, names, 8, len(weights)),
        scale=output_scale(source, constant(graph, names, 4, "weight scale"), result, len(weights)),
        source=source, result=result, clamp=full_range(result), geometry=geometry,
    )  # fmt: skip


def _matrix_product(graph: Graph, index: int) -> QuantizedLayer:
    node = graph.nodes[index]
    names = list(node.input)
    source, result = per_tensor(graph, names, 1, "input"), per_tensor(graph, names, 6, "output")
    weights = matrix_weights(_weights(graph, names, 3, 5), transposed=False)
    return QuantizedLayer(
        name=graph.label(index), op=node.op_type, nodes=(index,), input=names[0], output=node.output[0],
        weights=weights, bias=np.zeros(len(weights), np.int32),
        scale=output_scale(source, constant(graph, names, 4, "weight scale"), result, len(weights)),
        source=source, result=result, clamp=full_range(result),
    )  # fmt: skip


def _gemm(graph: Graph, index: int) -> QuantizedLayer:
    node = graph.nodes[index]
    names = list(node.input)
    attributes = attributes_of(node)
    if attributes.get("transA", 0) or attributes.get("alpha", 1.0) != 1.0:
        raise HostReason("it transposes its input" if attributes.get("transA", 0) else "its alpha is not 1")
    if len(names) < 9 or not names[7] or not names[8]:
        raise HostReason("its output is float")
    source, result = per_tensor(graph, names, 1, "input"), per_tensor(graph, names, 7, "output")
    weights = matrix_weights(_weights(graph, names, 3, 5), transposed=bool(attributes.get("transB", 0)))
    return QuantizedLayer(
        name=graph.label(index), op=node.op_type, nodes=(index,), input=names[0], output=node.output[0],
        weights=weights, bias=bias_of(graph, names, 6, len(weights)),
        scale=output_scale(source, constant(graph, names, 4, "weight scale"), result, len(weights)),
        source=source, result=result, clamp=full_range(result),
    )  # fmt: skip
