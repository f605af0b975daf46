"""Running models through onnxruntime: the reference, and the host's share of a model.

Two options make onnxruntime's quantized arithmetic what the ONNX operators say on every x86 processor:
``session.x64quantprecision`` (without it, uint8 x int8 products saturate where the processor has no VNNI) and
``session.qdqisint8allowed`` (without it, some int8 layers between Dequantize and Quantize are summed in float).
Together they make onnxruntime 1.32 refuse int8 models ("Failed to find kernel for QLinearConv"), and int8 x int8
doesn't saturate: models with int8 activations get only the second, others both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

from .errors import InputError
from .integer_form import integer_form
from .onnx_tools import constants_of, one_line

__all__ = ["open_session", "reference_session", "run_session", "uses_int8_activations"]

_ERRORS: tuple[type[BaseException], ...] = (
    state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NotImplemented,
    state.RuntimeException, state.NoSuchFile, state.NoModel, state.EPFail, RuntimeError, ValueError,
)  # fmt: skip
"""What onnxruntime raises."""

_ACTIVATION_ZERO_POINTS = {
    "QLinearConv": (2, 7),
    "QLinearMatMul": (2, 7),
    "QGemm": (2, 8),
    "QuantizeLinear": (2,),
    "DequantizeLinear": (2,),
}


def uses_int8_activations(model: onnx.ModelProto) -> bool:
    """Whether a quantized activation of ``model`` is int8 (weights are not activations)."""
    constants = constants_of(model)
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in constants:
            continue
        for position in _ACTIVATION_ZERO_POINTS.get(node.op_type, ()):
            name = node.input[position] if position < len(node.input) else ""
            if name in constants and constants[name].dtype == np.int8:
                return True
    return False


def open_session(model: onnx.ModelProto, *, optimize: bool = True, int8: bool | None = None) -> Any:
    """An onnxruntime session of ``model`` on the processor, one thread, with the options above.

    Parameters
    ----------
    model : onnx.ModelProto
        What to run.
    optimize : bool
        False keeps every operator as it is written.
    int8 : bool, optional
        Whether activations are int8; found in the model when not given. A part of a model takes the whole's answer.

    Raises
    ------
    InputError
        If onnxruntime refuses the model.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    if not optimize:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    if not (uses_int8_activations(model) if int8 is None else int8):
        options.add_session_config_entry("session.x64quantprecision", "1")
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except _ERRORS as error:
        text = one_line(error)
        if "is not a registered function/op" in text:
            text = f"an operator is unknown to it: {text}"
        raise InputError(f"onnxruntime can't load the model: {text}") from error


def reference_session(model: onnx.ModelProto) -> Any:
    """The session that the chip's results are compared with: onnxruntime, in integers (see :func:`.integer_form`)."""
    return open_session(integer_form(model))


def run_session(session: Any, outputs: Sequence[str], inputs: dict[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    """The values of ``outputs`` for ``inputs``.

    Raises
    ------
    InputError
        If onnxruntime can't compute them.
    """
    try:
        return list(session.run(list(outputs), inputs))
    except _ERRORS as error:
        raise InputError(f"onnxruntime can't run the model: {one_line(error)}") from error
