"""A part of a model as a model of its own, for onnxruntime."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import onnx
from onnx import helper, numpy_helper

from .graph import Graph
from .onnx_tools import used_values

__all__ = ["extract"]


def extract(
    graph: Graph, available: Collection[str], outputs: Sequence[str]
) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """The model that computes the values ``outputs`` from ``available`` ones, and the names of its inputs.

    Walks back from the outputs up to available values and constants; constants become initializers.
    """
    inputs: dict[str, None] = {}
    constants: dict[str, None] = {}
    nodes: set[int] = set()
    wanted = [name for name in outputs]
    while wanted:
        name = wanted.pop()
        if name in graph.constants:
            constants[name] = None
        elif name in available:
            inputs[name] = None
        elif graph.producers[name] not in nodes:
            nodes.add(graph.producers[name])
            wanted.extend(used_values(graph.nodes[graph.producers[name]]))
    body = helper.make_graph(
        [graph.nodes[index] for index in sorted(nodes)],
        "host",
        [_value_info(graph, name) for name in inputs],
        [_value_info(graph, name) for name in outputs],
        [numpy_helper.from_array(graph.constants[name], name) for name in constants],
    )
    model = helper.make_model(body, opset_imports=graph.model.opset_import, functions=graph.model.functions)
    model.ir_version = graph.model.ir_version
    return model, tuple(inputs)


def _value_info(graph: Graph, name: str) -> onnx.ValueInfoProto:
    kind = graph.types[name]
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(kind.dtype), kind.shape)
