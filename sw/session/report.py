"""What a run found, in figures: the comparison and the layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from vanallen.sw.compiler import Layer, Program, reference_session
from vanallen.sw.compiler.onnxruntime_session import run_session
from vanallen.sw.golden.cycles import layer_cycles

from .check import Comparison, Differences, compare
from .result import LayerResult

__all__ = ["compare_outputs", "layer_results"]

Arrays = Mapping[str, npt.NDArray[Any]]


def compare_outputs(model: onnx.ModelProto, inputs: Arrays, outputs: Arrays) -> dict[str, Differences]:
    """The differences of ``outputs`` from onnxruntime's for ``inputs``, by output."""
    reference = run_session(reference_session(model), list(outputs), dict(inputs))
    return {name: compare(name, outputs[name], np.asarray(want)) for name, want in zip(outputs, reference, strict=True)}


def layer_results(
    program: Program, cycles: Mapping[int, int], comparison: Comparison | None
) -> tuple[LayerResult, ...]:
    """The program's layers with their cycles by command, what the cycle model says, and what the comparison found."""
    return tuple(_layer_result(program, layer, cycles, comparison) for layer in program.layers)


def _layer_result(
    program: Program, layer: Layer, cycles: Mapping[int, int], comparison: Comparison | None
) -> LayerResult:
    if layer.command is None or layer.fields is None:
        return LayerResult(layer.name, layer.op, layer.where, layer.why, layer.macs)
    model = layer_cycles(program.config, layer.fields, macs=layer.macs // layer.runs, weights=layer.weights)
    measured, ideal = cycles.get(layer.command), model.ideal * layer.runs
    found = None if comparison is None else comparison.layers.get(layer.command)
    return LayerResult(
        layer.name, layer.op, layer.where, layer.why, layer.macs,
        cycles=measured, ideal_cycles=ideal, model_cycles=model.cycles * layer.runs, bound=model.bound,
        utilization=ideal / measured if measured else None,
        differing_values=None if found is None else found.differing,
    )  # fmt: skip
