"""A user's arrays as the inputs of a program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from vanallen.sw.compiler import InputError, Program
from vanallen.sw.compiler.values import TensorType

__all__ = ["bind_inputs", "name_inputs", "open_shapes"]

Arrays = Mapping[str, npt.NDArray[Any]]


def name_inputs(model: onnx.ModelProto, arrays: Arrays) -> dict[str, npt.NDArray[Any]]:
    """``arrays`` by the names of the model's inputs; one without a name ("") belongs to the only input.

    Raises
    ------
    InputError
        If an input has no array or an array no input.
    """
    given = {tensor.name for tensor in model.graph.initializer}
    names = [value.name for value in model.graph.input if value.name not in given]
    if set(arrays) == {""} and len(names) == 1:
        return {names[0]: arrays[""]}
    missing, unknown = [n for n in names if n not in arrays], [n for n in arrays if n not in names]
    if missing or unknown:
        found = ", ".join(name or "one without a name" for name in arrays)
        raise InputError(
            f"the model's inputs are {', '.join(names)}, the arrays given are {found}: "
            "name them with numpy.savez(file, input_name=array)"
        )
    return {name: np.asarray(arrays[name]) for name in names}


def open_shapes(model: onnx.ModelProto, arrays: Arrays) -> dict[str, tuple[int, ...]]:
    """Shapes of inputs with open dimensions besides the first, taken from ``arrays``; an open first one becomes 1."""
    shapes = {}
    for value in model.graph.input:
        if value.name not in arrays:
            continue
        dimensions = list(value.type.tensor_type.shape.dim)
        shape = arrays[value.name].shape
        if len(shape) == len(dimensions) and any(not d.HasField("dim_value") for d in dimensions[1:]):
            first = (dimensions[0].dim_value,) if dimensions[0].HasField("dim_value") else (1,)
            shapes[value.name] = first + shape[1:]
    return shapes


def bind_inputs(program: Program, arrays: Arrays) -> int:
    """Checks types and shapes of ``arrays`` against the program's inputs; returns how many inferences they hold.

    Raises
    ------
    InputError
        If a type or shape isn't the program's, or the inputs' first dimensions differ.
    """
    counts = {_count(program, name, kind, arrays[name]) for name, kind in program.inputs.items()}
    if len(counts) != 1:
        raise InputError("the arrays' first dimensions differ: give every input the same number of samples")
    return counts.pop()


def _count(program: Program, name: str, kind: TensorType, array: npt.NDArray[Any]) -> int:
    if array.dtype != kind.dtype:
        raise InputError(
            f"input {name} must be {kind.dtype}, not {array.dtype}: convert it with array.astype('{kind.dtype}')"
        )
    batch = program.batch
    wanted = ("n", *kind.shape[1:]) if batch is not None else kind.shape
    fixed = slice(0 if batch is None else 1, None)
    if array.ndim != len(kind.shape) or array.shape[fixed] != kind.shape[fixed]:
        shown = "(" + ", ".join(map(str, wanted)) + ")"
        raise InputError(f"input {name} must have shape {shown}, not {array.shape}: reshape the array")
    if batch is None:
        return 1
    count, rest = divmod(len(array), batch)
    if rest or not count:
        raise InputError(f"input {name} must hold samples, a multiple of {batch} of them, not {len(array)}")
    return count
