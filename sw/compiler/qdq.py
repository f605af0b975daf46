"""Layers written as Conv, Gemm or MatMul between DequantizeLinear and QuantizeLinear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from .graph import Graph
from .layer import HostReason, QuantizedLayer
from .onnx_tools import attributes_of
from .operands import convolution_geometry, output_scale, per_tensor, signed_weights
from .qoperator import convolution_weights, full_range, matrix_weights
from .values import Quantization

__all__ = ["dequantized_source", "quantized_result", "read_qdq"]

_BIAS_TOLERANCE = 1e-5
"""Relative difference between the bias' scale and input scale times weight scale, which it must be."""


@dataclass(frozen=True)
class _Weights:
    values: npt.NDArray[np.int8]
    scale: npt.NDArray[np.float32]


def read_qdq(graph: Graph, index: int) -> QuantizedLayer:
    """The layer of node ``index``, a Conv, Gemm or MatMul; HostReason if it is float or the chip can't compute it."""
    node = graph.nodes[index]
    value, source = dequantized_source(graph, node.input[0])
    quantize, output, result = quantized_result(graph, node.output[0])
    if source.dtype != result.dtype:
        raise HostReason(f"its input is {source.dtype} and its output {result.dtype}: onnxruntime computes it in float")
    attributes = attributes_of(node)
    geometry, transposed = None, node.op_type == "Conv" or bool(attributes.get("transB", 0))
    if node.op_type == "Gemm":
        _check_gemm(attributes)
    stored = _dequantized_weights(graph, node.input[1], axis=0 if transposed else 1)
    if node.op_type == "Conv":
        size = graph.types[value].shape[2:]
        weights = convolution_weights(stored.values)
        geometry = convolution_geometry(attributes, size, stored.values.shape[2:])
    else:
        weights = matrix_weights(stored.values, transposed=transposed)
    bias = _dequantized_bias(graph, node, source, stored.scale, len(weights))
    return QuantizedLayer(
        name=graph.label(index), op=node.op_type, nodes=(index, quantize), input=value, output=output,
        weights=weights, bias=bias, scale=output_scale(source, stored.scale, result, len(weights)),
        source=source, result=result, clamp=full_range(result), geometry=geometry,
    )  # fmt: skip


def dequantized_source(graph: Graph, value: str) -> tuple[str, Quantization]:
    """The quantized value that the float ``value`` is the Dequantize of."""
    node = _producer(graph, value, "DequantizeLinear")
    if node is None:
        raise HostReason("its input is float: nothing dequantizes it")
    return node.input[0], per_tensor(graph, list(node.input), 1, "input")


def quantized_result(graph: Graph, value: str) -> tuple[int, str, Quantization]:
    """Index of the Quantize that alone uses the float ``value``, its output and quantization."""
    user = graph.only_user(value)
    if user is None:
        raise HostReason("its float output is used more than once" if value in graph.users else "its output is float")
    node = graph.nodes[user]
    if node.op_type != "QuantizeLinear":
        raise HostReason(f"its output is float: {node.op_type} uses it and nothing quantizes it")
    return user, node.output[0], per_tensor(graph, list(node.input), 1, "output")


def _producer(graph: Graph, value: str, op: str) -> onnx.NodeProto | None:
    index = graph.producers.get(value)
    node = None if index is None else graph.nodes[index]
    return node if node is not None and node.op_type == op else None


def _check_gemm(attributes: Mapping[str, Any]) -> None:
    if attributes.get("transA", 0):
        raise HostReason("it transposes its input")
    if attributes.get("alpha", 1.0) != 1.0 or attributes.get("beta", 1.0) != 1.0:
        raise HostReason("its alpha or beta is not 1")


def _dequantized_weights(graph: Graph, value: str, *, axis: int) -> _Weights:
    """Constant weights behind a Dequantize, with one scale or one for each output channel (``axis``)."""
    node = _producer(graph, value, "DequantizeLinear")
    if node is None or node.input[0] not in graph.constants:
        raise HostReason("its weights are not quantized constants")
    attributes = attributes_of(node)
    stored, scale = graph.constants[node.input[0]], graph.constants.get(node.input[1])
    if scale is None or attributes.get("block_size", 0):
        raise HostReason("its weights are quantized in blocks or by a scale that is not a constant")
    if scale.size > 1 and attributes.get("axis", 1) % stored.ndim != axis:
        raise HostReason("its weights are not quantized per output channel")
    zero_point = None
    if len(node.input) > 2 and node.input[2]:
        if node.input[2] not in graph.constants:
            raise HostReason("its weight zero point is not a constant")
        zero_point = graph.constants[node.input[2]]
    return _Weights(signed_weights(stored, zero_point), scale)


def _dequantized_bias(
    graph: Graph, node: onnx.NodeProto, source: Quantization, weight_scale: npt.NDArray[np.float32], outputs: int
) -> npt.NDArray[np.int32]:
    """The int32 bias behind a Dequantize whose scale is input scale times weight scale."""
    if len(node.input) < 3 or not node.input[2]:
        return np.zeros(outputs, np.int32)
    dequantize = _producer(graph, node.input[2], "DequantizeLinear")
    if dequantize is None or any(name not in graph.constants for name in dequantize.input if name):
        raise HostReason("its bias is not a quantized constant")
    bias, scale = graph.constants[dequantize.input[0]], graph.constants[dequantize.input[1]].reshape(-1)
    zero_point = graph.constants[dequantize.input[2]] if len(dequantize.input) > 2 else np.zeros(1)
    expected = source.scale * weight_scale.reshape(-1)
    if bias.dtype != np.int32 or np.any(zero_point != 0) or bias.size not in (1, outputs):
        raise HostReason("its bias is not int32 with zero point 0, one value for each output channel")
    if scale.size not in (1, expected.size) and expected.size != 1:
        raise HostReason(f"its bias has {scale.size} scales, its weights {expected.size}")
    if not np.allclose(scale, expected, rtol=_BIAS_TOLERANCE, atol=0):
        raise HostReason("its bias is not quantized by input scale times weight scale")
    return np.ascontiguousarray(np.broadcast_to(bias.reshape(-1), (outputs,)))
