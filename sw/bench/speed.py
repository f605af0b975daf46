"""How fast the chip is simulated, in cycles a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from vanallen.rtl.config import Config
from vanallen.sw.compiler import compile_model
from vanallen.sw.driver import Driver, SimulationTarget
from vanallen.sw.session import Session

from .workloads import workload

__all__ = ["InProcess", "measure_in_process"]

_SECONDS = 2.0


@dataclass(frozen=True)
class InProcess:
    """Cycles a second of the Verilator model in this process, while ``gemm-resident`` runs on it.

    ``bare_loop`` counts the C++ loop that does nothing but clock the model until the job's interrupt; ``in_process``
    all of an inference: the driver's transfers and Python's work too.
    """

    in_process: float
    bare_loop: float


class _TimedTarget:
    """A simulated chip that notes how long it took to let cycles pass."""

    def __init__(self, target: SimulationTarget) -> None:
        self.target = target
        self.cycles = 0
        self.seconds = 0.0

    def write(self, address: int, data: int) -> None:
        self.target.write(address, data)

    def read(self, address: int) -> int:
        return self.target.read(address)

    def write_block(self, address: int, data: npt.NDArray[np.uint64]) -> None:
        self.target.write_block(address, data)

    def read_block(self, address: int, count: int) -> npt.NDArray[np.uint64]:
        return self.target.read_block(address, count)

    def wait(self, cycles: int) -> None:
        before, start = self.target.cycles, time.perf_counter()
        self.target.wait(cycles)
        self.seconds += time.perf_counter() - start
        self.cycles += self.target.cycles - before

    def close(self) -> None:
        self.target.close()


def measure_in_process(
    config: Config, *, seconds: float = _SECONDS, report: Callable[[str], None] | None = None
) -> InProcess:
    """Runs ``gemm-resident`` on the simulated chip again and again for ``seconds``.

    ``report`` is called with a line before the simulated chip is built, which takes a while.

    Raises
    ------
    ToolMissing, BuildError
        If the simulated chip can't be built.
    """
    work = workload("gemm-resident", config, seed=1)
    assert isinstance(work.model, onnx.ModelProto) and not isinstance(work.inputs, str)
    target = SimulationTarget(config, report=report)
    try:
        return _measure(work.model, work.inputs, config, target, seconds)
    finally:
        target.close()


def _measure(
    model: onnx.ModelProto,
    inputs: dict[str, npt.NDArray[Any]],
    config: Config,
    target: SimulationTarget,
    seconds: float,
) -> InProcess:
    timed = _TimedTarget(target)
    session = Session(compile_model(model, config), Driver(timed, config=config))
    timed.cycles, timed.seconds = 0, 0.0
    before, start = target.cycles, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        session.run(inputs)
    return InProcess(in_process=(target.cycles - before) / elapsed, bare_loop=timed.cycles / timed.seconds)
