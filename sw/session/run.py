"""The Python interface behind ``vanallen run``."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from vanallen.rtl.config import Config, preset
from vanallen.rtl.link.rmap import BAUD
from vanallen.sw.compiler import CapacityError, InputError, Program, compile_model
from vanallen.sw.models import InputSet, load_input, load_model

from .check import Comparison
from .injection import injection_points, run_injections
from .inputs import bind_inputs, name_inputs, open_shapes
from .report import compare_outputs, layer_results
from .result import RunResult
from .session import Session
from .targets import open_driver

__all__ = ["Progress", "compile_for", "run_model"]

Arrays = dict[str, npt.NDArray[Any]]
Progress = Callable[[int, int], None]


def run_model(
    model: str | Path | onnx.ModelProto,
    inputs: str | Path | InputSet,
    *,
    config: str | Config = "cubesat",
    target: str = "golden",
    check: bool = False,
    limit: int | None = None,
    inject: Sequence[str] = (),
    baud: int = BAUD,
    waves: Path | None = None,
    progress: Progress | None = None,
    report: Callable[[str], None] | None = None,
    folder: Path = Path("build/run"),
) -> RunResult:
    """Compiles a model, runs it on a target and writes its outputs.

    Parameters
    ----------
    model, inputs : str, Path, or what is read from them
        A file or the name of a shipped model (``digits``) or set (``digits:test``).
    config : str or Config
        A preset's name or sizes of one's own.
    target : str
        ``"golden"``, ``"sim"``, or ``"serial:PORT"``.
    check : bool
        Compare every layer with the golden model and the outputs with onnxruntime.
    limit : int, optional
        Use the first samples only.
    inject : sequence of str
        Points at which a protected chip flips a bit, each in an inference of its own behind the others.
    baud : int
        Bits a second of the serial port.
    waves : Path, optional
        VCD file that the simulated chip writes.
    progress : callable, optional
        Called with inferences done and all.
    report : callable, optional
        Called with a line to show before something is built, which takes a while.
    folder : Path
        Where the ``.npz`` of the outputs goes.

    Raises
    ------
    InputError
        If model, input, configuration, target or injection point can't be used.
    JobFailed, TransferFailed
        If the chip gives a job up, or a transfer always differs: there are no outputs.
    """
    sizes = _config(config)
    points = injection_points(inject, sizes, target)
    name = "model" if isinstance(model, onnx.ModelProto) else Path(model).stem
    graph = model if isinstance(model, onnx.ModelProto) else load_model(model)
    chosen = inputs if isinstance(inputs, InputSet) else load_input(inputs)
    arrays, labels = _limited(name_inputs(graph, chosen.arrays), chosen.labels, limit)
    program = compile_for(graph, sizes, arrays)
    with open_driver(target, sizes, baud=baud, waves=waves, report=report) as driver:
        session = Session(program, driver, check=check)
        start = time.perf_counter()
        outputs = session.run(arrays, progress)
        seconds = time.perf_counter() - start
        cycles, inferences, checker = session.cycles, session.inferences, session.checker
        session.checker = None
        injections = run_injections(session, points, arrays)
    comparison = None
    if checker is not None:
        comparison = Comparison(checker.layers, compare_outputs(graph, arrays, outputs))
    return RunResult(
        model=name, config=sizes.name, protection=sizes.protection, target=target, arrays=outputs,
        outputs=_write(folder / f"{name}-{sizes.name}-{target.partition(':')[0]}.npz", outputs),
        inferences=inferences, samples=_samples(program, arrays),
        comparison=comparison, layers=layer_results(program, cycles, comparison),
        total_cycles=sum(cycles.values()) if cycles else None,
        macs_on_chip_share=program.macs_on_chip_share, accuracy=_accuracy(outputs, labels),
        health=session.health, injections=injections, seconds=seconds,
    )  # fmt: skip


def compile_for(model: onnx.ModelProto, config: Config, arrays: Mapping[str, npt.NDArray[Any]]) -> Program:
    """Compiles for the shapes of ``arrays``, which are checked.

    Where the model leaves the first dimension open and is made of matrix products alone, as many samples as fit are the
    rows of one inference; else each is an inference.

    Raises
    ------
    InputError
        As :func:`vanallen.sw.compiler.compile_model`, or if the arrays aren't the model's inputs.
    """
    shapes = open_shapes(model, arrays)
    program = compile_model(model, config, shapes=shapes)
    bind_inputs(program, arrays)
    samples = _samples(program, arrays)
    if any(layer.convolution for layer in program.layers):
        return program
    for batch in range(samples, 1, -1):
        if samples % batch == 0:
            try:
                larger = compile_model(model, config, batch=batch, shapes=shapes)
            except CapacityError:
                continue
            if larger.samples == 1:
                return larger
    return program


def _samples(program: Program, arrays: Mapping[str, npt.NDArray[Any]]) -> int:
    """The first dimension of the inputs, 1 if the model fixes it."""
    return len(next(iter(arrays.values()))) if program.batch is not None else 1


def _config(config: str | Config) -> Config:
    if isinstance(config, Config):
        return config
    try:
        return preset(config)
    except ValueError as error:
        raise InputError(str(error)) from error


def _limited(
    arrays: Arrays, labels: npt.NDArray[np.int64] | None, limit: int | None
) -> tuple[Arrays, npt.NDArray[np.int64] | None]:
    if limit is None:
        return arrays, labels
    if limit < 1:
        raise InputError(f"limit must be at least 1, not {limit}")
    limited = {name: array[:limit] if array.ndim else array for name, array in arrays.items()}
    return limited, None if labels is None else labels[:limit]


def _accuracy(outputs: Arrays, labels: npt.NDArray[np.int64] | None) -> float | None:
    """Share of samples whose largest score is the label's, where there is one output [samples, classes]."""
    scores = next(iter(outputs.values()))
    if labels is None or len(outputs) != 1 or scores.ndim != 2 or len(scores) != len(labels):
        return None
    return float(np.mean(np.argmax(scores, axis=1) == labels))


def _write(path: Path, arrays: Arrays) -> Path:
    """An ``.npz`` with one array per output, whatever its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as stream:
                np.lib.format.write_array(stream, np.asanyarray(array), allow_pickle=False)
    return path
