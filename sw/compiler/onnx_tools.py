"""Small readers of ONNX structures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

__all__ = ["attributes_of", "constants_of", "label_of", "one_line", "opset_of", "used_values"]


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """The node's attributes; strings as str."""
    values = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in values.items()}


def constants_of(model: onnx.ModelProto) -> dict[str, npt.NDArray[Any]]:
    """Initializers and the outputs of Constant nodes (tensors and plain numbers) by name."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute:
            attribute = node.attribute[0]
            value = helper.get_attribute_value(attribute)
            if attribute.name == "value":
                constants[node.output[0]] = numpy_helper.to_array(value)
            elif attribute.name in ("value_float", "value_floats"):
                constants[node.output[0]] = np.asarray(value, np.float32)
            elif attribute.name in ("value_int", "value_ints"):
                constants[node.output[0]] = np.asarray(value, np.int64)
    return constants


def label_of(node: onnx.NodeProto) -> str:
    """What to call a node: its name, else its first output's."""
    return node.name or next((name for name in node.output if name), node.op_type)


def one_line(error: BaseException) -> str:
    """The first line of an error's message without the location onnxruntime puts in front."""
    text = " ".join(str(error).split())
    if text.startswith("[ONNXRuntimeError]"):
        text = text.split(" : ", 3)[-1]
    return text if len(text) <= 300 else text[:297] + "..."


def opset_of(model: onnx.ModelProto) -> int:
    """Version of the standard operators that the model imports."""
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=1)


def used_values(node: onnx.NodeProto) -> Iterator[str]:
    """Values that the node reads, those read from within its subgraphs included."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        graphs = [attribute.g] if attribute.HasField("g") else list(attribute.graphs)
        for graph in graphs:
            own = {tensor.name for tensor in graph.initializer} | {value.name for value in graph.input}
            for inner in graph.node:
                yield from (name for name in used_values(inner) if name not in own)
                own.update(inner.output)
            yield from (value.name for value in graph.output if value.name not in own)
