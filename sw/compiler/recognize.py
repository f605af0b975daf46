"""Which of a model's nodes the chip can compute: layers, aliases, and for the rest the reason why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from .graph import Graph
from .layer import Alias, HostReason, QuantizedLayer
from .onnx_tools import used_values
from .qdq import dequantized_source, quantized_result, read_qdq
from .qoperator import read_qoperator

__all__ = ["HostNode", "Item", "recognize"]


@dataclass(frozen=True)
class HostNode:
    """A node that the host computes, and why."""

    name: str
    op: str
    node: int
    why: str


Item = QuantizedLayer | Alias | HostNode
_RESHAPES = ("Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity")
_LAYERS: dict[str, Callable[[Graph, int], QuantizedLayer]] = {
    "QLinearConv": read_qoperator,
    "QLinearMatMul": read_qoperator,
    "QGemm": read_qoperator,
    "Conv": read_qdq,
    "Gemm": read_qdq,
    "MatMul": read_qdq,
}


@dataclass
class _Found:
    layers: list[QuantizedLayer] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)


def recognize(graph: Graph, samples: int) -> list[Item]:
    """What computes the model's outputs, in the order of its nodes: layers and aliases of the chip, nodes of the host.

    Nodes whose results nobody needs (a Dequantize before a layer of the chip, say) and constants are left out. If
    ``samples`` is above 1, the chip computes as many samples one by one: the first dimension of all its values.
    """
    found = _Found()
    for index, node in enumerate(graph.nodes):
        if all(name in graph.constants for name in node.output if name):
            continue
        try:
            if node.op_type in _LAYERS:
                layer = _with_clip(graph, _LAYERS[node.op_type](graph, index))
                _check_shapes(graph, layer, samples)
                found.layers.append(layer)
            elif node.op_type in _RESHAPES:
                alias = _alias(graph, index)
                _check_shapes(graph, alias, samples)
                found.aliases.append(alias)
        except HostReason as reason:
            found.reasons[index] = str(reason)
    return _needed(graph, found)


def _check_shapes(graph: Graph, item: QuantizedLayer | Alias, samples: int) -> None:
    for value in (item.input, item.output):
        shape = graph.types[value].shape
        if 0 in shape:
            raise HostReason("it has nothing to compute")
        if samples > 1 and shape[:1] != (samples,):
            raise HostReason(f"its first dimension is not the batch of {samples}")


def _with_clip(graph: Graph, layer: QuantizedLayer) -> QuantizedLayer:
    """The layer with the integer Clip that alone uses its output, if there is one, folded into its clamp."""
    user = graph.only_user(layer.output)
    if user is None or graph.nodes[user].op_type != "Clip":
        return layer
    node = graph.nodes[user]
    bounds = list(layer.clamp)
    for position, name in enumerate(node.input[1:3]):
        if name and name not in graph.constants:
            return layer
        if name:
            bounds[position] = int(np.clip(graph.constants[name].reshape(()), *layer.clamp))
    if bounds[0] > bounds[1]:
        return layer
    return replace(layer, nodes=(*layer.nodes, user), output=node.output[0], clamp=(bounds[0], bounds[1]))


def _alias(graph: Graph, index: int) -> Alias:
    """A node of the reshaping kind on a quantized value, or between Dequantize and Quantize of one quantization."""
    node = graph.nodes[index]
    label = graph.label(index)
    if graph.types[node.input[0]].dtype in (np.int8, np.uint8):
        return Alias(label, node.op_type, (index,), node.input[0], node.output[0])
    value, source = dequantized_source(graph, node.input[0])
    quantize, output, result = quantized_result(graph, node.output[0])
    if source != result:
        raise HostReason("its input and output are quantized differently")
    return Alias(label, node.op_type, (index, quantize), value, output)


def _needed(graph: Graph, found: _Found) -> list[Item]:
    """Walks back from the model's outputs and keeps what they need."""
    makers: dict[str, QuantizedLayer | Alias] = {layer.output: layer for layer in found.layers}
    makers.update({alias.output: alias for alias in found.aliases})
    kept: dict[int, Item] = {}
    wanted = list(graph.outputs)
    seen: set[str] = set()
    while wanted:
        value = wanted.pop()
        if value in seen:
            continue
        seen.add(value)
        if value in makers:
            item = makers[value]
            kept[item.nodes[-1]] = item
            wanted.append(item.input)
        elif value in graph.producers and value not in graph.constants:
            index = graph.producers[value]
            kept[index] = _host_node(graph, index, found.reasons.get(index))
            wanted.extend(used_values(graph.nodes[index]))
    return [kept[index] for index in sorted(kept)]


def _host_node(graph: Graph, index: int, reason: str | None) -> HostNode:
    node = graph.nodes[index]
    if reason is None:
        reason = {
            "QuantizeLinear": "makes integers of the float values it is given",
            "DequantizeLinear": "makes float values, which the chip doesn't have",
        }.get(node.op_type, "the chip has no such operator")
    return HostNode(graph.label(index), node.op_type, index, reason)
