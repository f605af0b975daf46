"""A model as the compiler reads it: nodes, who makes and who uses each value, constants, shapes and types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from .errors import InputError
from .onnx_tools import constants_of, label_of, used_values
from .onnxruntime_session import open_session, run_session
from .values import TensorType

__all__ = ["Graph", "check_operators"]


class Graph:
    """A model whose shapes are all known.

    Shapes, types and folded constants are not inferred but seen: onnxruntime runs the model once on zeros.

    Parameters
    ----------
    model : onnx.ModelProto
        The model, in integer form.
    batch : int
        What a symbolic first dimension of an input is taken as.
    shapes : mapping
        Shapes of inputs that have other symbolic dimensions.

    Attributes
    ----------
    nodes : list[onnx.NodeProto]
        In an order in which they can be computed.
    inputs, outputs : tuple[str, ...]
        Names of the model's.
    types : dict[str, TensorType]
        Of every value.
    constants : dict[str, numpy.ndarray]
        Values that depend on no input.
    producers : dict[str, int]
        Index of the node that makes a value.
    users : dict[str, list[int]]
        Indices of the nodes that use a value.
    batch : int, optional
        What the parameter says, if the inputs' first dimension is symbolic.

    Raises
    ------
    InputError
        If the model has no inputs or outputs, an operator or a dimension is unknown, the first dimension is symbolic in
        some inputs or outputs only, or onnxruntime can't run it.
    """

    def __init__(self, model: onnx.ModelProto, *, batch: int, shapes: Mapping[str, tuple[int, ...]]) -> None:
        check_operators(model)
        self.model = model
        self.nodes = list(model.graph.node)
        given = {tensor.name for tensor in model.graph.initializer}
        declared = [value for value in model.graph.input if value.name not in given]
        self.inputs = tuple(value.name for value in declared)
        self.outputs = tuple(value.name for value in model.graph.output)
        if not self.inputs or not self.outputs:
            raise InputError("the model has no inputs or no outputs: it computes nothing to run")
        self.batch = batch if any(_is_symbolic(value, 0) for value in declared) else None
        self.producers = {name: index for index, node in enumerate(self.nodes) for name in node.output if name}
        self.users: dict[str, list[int]] = {}
        for index, node in enumerate(self.nodes):
            for name in used_values(node):
                self.users.setdefault(name, []).append(index)
        feeds = {value.name: _zeros(value, batch, shapes) for value in declared}
        self._run(feeds)
        self._check_batch(declared)

    def _check_batch(self, declared: Sequence[onnx.ValueInfoProto]) -> None:
        """Whether inputs and outputs can be cut into inferences along their first dimension."""
        if self.batch is None:
            return
        fixed = [value.name for value in declared if not _is_symbolic(value, 0)]
        fixed += [name for name in self.outputs if self.types[name].shape[:1] != (self.batch,)]
        if fixed:
            raise InputError(
                f"the first dimension is open in some inputs and outputs but not in {', '.join(fixed)}: "
                "fix the batch when exporting the model"
            )

    def _run(self, feeds: dict[str, npt.NDArray[Any]]) -> None:
        names = list(self.producers)
        probe = onnx.ModelProto()
        probe.CopyFrom(self.model)
        missing = [name for name in names if name not in self.outputs]
        probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in missing)
        values = dict(zip(names, run_session(open_session(probe, optimize=False), names, feeds), strict=True))
        self.constants = constants_of(self.model)
        varying = set(self.inputs)
        for node in self.nodes:
            if varying.intersection(used_values(node)) or node.op_type.startswith("Random"):
                varying.update(node.output)
            else:
                self.constants.update({name: np.asarray(values[name]) for name in node.output if name})
        self.types = {
            name: TensorType(tuple(np.shape(value)), np.asarray(value).dtype)
            for name, value in {**self.constants, **values, **feeds}.items()
        }

    def label(self, index: int) -> str:
        """What to call a node."""
        return label_of(self.nodes[index])

    def only_user(self, value: str) -> int | None:
        """The node that uses ``value`` if it is the only one and the model doesn't return the value."""
        users = self.users.get(value, [])
        return users[0] if len(users) == 1 and value not in self.outputs else None


def check_operators(model: onnx.ModelProto) -> None:
    """InputError if an operator of the standard domain is none of ONNX; onnxruntime judges the other domains."""
    functions = {(function.domain, function.name) for function in model.functions}
    for node in model.graph.node:
        standard = node.domain in ("", "ai.onnx")
        if standard and not onnx.defs.has(node.op_type) and (node.domain, node.op_type) not in functions:
            raise InputError(
                f"operator {node.op_type} of node {label_of(node)} is unknown: "
                "express it by standard ONNX operators and export the model again"
            )


def _dimensions(value: onnx.ValueInfoProto) -> list[Any]:
    return list(value.type.tensor_type.shape.dim)


def _is_symbolic(value: onnx.ValueInfoProto, axis: int) -> bool:
    dimensions = _dimensions(value)
    return len(dimensions) > axis and not dimensions[axis].HasField("dim_value")


def _zeros(value: onnx.ValueInfoProto, batch: int, shapes: Mapping[str, tuple[int, ...]]) -> npt.NDArray[Any]:
    """Zeros of the input's type and shape."""
    kind = value.type.tensor_type
    if not value.type.HasField("tensor_type") or kind.elem_type in (TensorProto.UNDEFINED, TensorProto.STRING):
        raise InputError(f"input {value.name} is no tensor of numbers: only those can be run")
    if not kind.HasField("shape") and value.name not in shapes:
        raise InputError(f"input {value.name} has no shape: declare it when exporting the model")
    declared = [int(d.dim_value) if d.HasField("dim_value") else -1 for d in _dimensions(value)]
    shape = list(shapes.get(value.name, declared))
    if _is_symbolic(value, 0):
        shape[0] = batch
    if -1 in shape:
        name = _dimensions(value)[shape.index(-1)].dim_param or "?"
        raise InputError(f"input {value.name} has a symbolic dimension ({name}): fix it when exporting the model")
    return np.zeros(shape, helper.tensor_dtype_to_np_dtype(kind.elem_type))
