"""The integer form of a model: activation functions moved behind the quantization they stand before.

onnxruntime computes a convolution or matrix product between Dequantize and Quantize in integers, but with a Relu or
Clip in between mostly in float, where a sum's rounding errors decide about ties. Quantize never falls, so

.. code-block:: text

    quantize(clip(y, a, b)) = clip(quantize(y), quantize(a), quantize(b))

and in that form the layer is an integer layer again, for onnxruntime and for the chip, whose clamp it becomes. Compiler
and reference both work on the integer form.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from .onnx_tools import constants_of, label_of, opset_of, used_values

__all__ = ["integer_form"]

Constants = dict[str, npt.NDArray[Any]]
_LAYERS = ("Conv", "Gemm", "MatMul")
_CLIP_OF_INT8 = 12
"""First operator set whose Clip takes int8 and uint8."""


def integer_form(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of ``model`` in integer form: the same function of real numbers (see above), the same names of inputs,
    outputs and layers. Models of operator sets before 12 are returned as they are."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    if opset_of(model) < _CLIP_OF_INT8:
        return result
    constants = constants_of(model)
    producers = {name: node for node in result.graph.node for name in node.output}
    uses = Counter(name for node in result.graph.node for name in used_values(node))
    uses.update(value.name for value in result.graph.output)
    for node in list(result.graph.node):
        if node.op_type == "QuantizeLinear" and _quantized_per_tensor(node, constants):
            _move_activations(result.graph, node, producers, uses, constants)
    return result


def _quantized_per_tensor(node: onnx.NodeProto, constants: Constants) -> bool:
    scale, zero_point = (constants.get(name) for name in (*node.input[1:3], "")[:2])
    return (
        scale is not None and scale.size == 1 and scale.dtype == np.float32
        and zero_point is not None and zero_point.size == 1 and zero_point.dtype in (np.int8, np.uint8)
    )  # fmt: skip


def _move_activations(
    graph: onnx.GraphProto, quantize: onnx.NodeProto, producers: dict[str, onnx.NodeProto], uses: Counter[str],
    constants: Constants,
) -> None:  # fmt: skip
    """Puts what the chain of Relu and Clip before ``quantize`` does behind it, if a layer stands before the chain."""
    low, high = -np.inf, np.inf
    chain: list[onnx.NodeProto] = []
    value = quantize.input[0]
    while (source := producers.get(value)) is not None and uses[value] == 1:
        bounds = _bounds(source, constants)
        if bounds is None:
            break
        low, high = (min(max(bound, low), high) for bound in bounds)
        chain.append(source)
        value = source.input[0]
    if not chain or source is None:
        return
    scale, zero_point = constants[quantize.input[1]].reshape(()), constants[quantize.input[2]].reshape(())
    clip = np.array([_quantize(bound, scale, zero_point) for bound in (low, high)], zero_point.dtype)
    if _undone_by(source, quantize, constants):
        _insert_clip(graph, quantize, source.input[0], quantize.output[0], clip)
        chain.append(quantize)
        if uses[value] == 1:
            chain.append(source)
    elif _is_integer_layer(source, producers, uses):
        quantize.input[0] = value
        limits = np.iinfo(zero_point.dtype)
        if clip.tolist() != [limits.min, limits.max]:
            result = quantize.output[0]
            quantize.output[0] = f"{result}_before_clip"
            _insert_clip(graph, quantize, quantize.output[0], result, clip)
    else:
        return
    for node in chain:
        graph.node.remove(node)


def _bounds(node: onnx.NodeProto, constants: Constants) -> tuple[float, float] | None:
    """The constant bounds that the node clips to, None if it isn't a Relu or such a Clip."""
    if node.op_type == "Relu":
        return 0.0, np.inf
    if node.op_type != "Clip":
        return None
    bounds = [-np.inf, np.inf]
    for position, name in enumerate(node.input[1:3]):
        if name and name not in constants:
            return None
        if name:
            bounds[position] = float(constants[name].reshape(()))
    return None if bounds[0] > bounds[1] else (bounds[0], bounds[1])


def _undone_by(node: onnx.NodeProto, quantize: onnx.NodeProto, constants: Constants) -> bool:
    """Whether ``node`` is the Dequantize of the scale and zero point of ``quantize``."""
    if node.op_type != "DequantizeLinear" or len(node.input) != 3:
        return False
    pairs = [(constants.get(a), constants.get(b)) for a, b in zip(node.input[1:], quantize.input[1:], strict=True)]
    return all(a is not None and b is not None and a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


def _is_integer_layer(node: onnx.NodeProto, producers: dict[str, onnx.NodeProto], uses: Counter[str]) -> bool:
    """Whether ``node`` is a layer whose operands all come from Dequantize and whose result only the chain reads."""
    if node.op_type not in _LAYERS or uses[node.output[0]] != 1:
        return False
    sources = [producers.get(name) for name in node.input if name]
    return all(source is not None and source.op_type == "DequantizeLinear" for source in sources)


def _quantize(value: float, scale: npt.NDArray[np.float32], zero_point: npt.NDArray[Any]) -> int:
    limits = np.iinfo(zero_point.dtype)
    with np.errstate(over="ignore"):
        quantized = np.rint(np.float32(value) / np.float32(scale)) + int(zero_point)
    return int(min(max(quantized, limits.min), limits.max))


def _insert_clip(
    graph: onnx.GraphProto, after: onnx.NodeProto, value: str, result: str, bounds: npt.NDArray[Any]
) -> None:
    """Puts ``result = clip(value, *bounds)`` behind the node ``after``."""
    names = [f"{result}_low", f"{result}_high"]
    graph.initializer.extend(numpy_helper.from_array(bound, name) for bound, name in zip(bounds, names, strict=True))
    clip = helper.make_node("Clip", [value, *names], [result], f"{label_of(after)}_clip")
    graph.node.insert(list(graph.node).index(after) + 1, clip)
