"""Cycles of the fixed workloads on the chip, against the ideal and the cycle model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vanallen.rtl.config import Config
from vanallen.sw.compiler import CapacityError
from vanallen.sw.models import InputSet
from vanallen.sw.session import LayerResult, run_model

from .workloads import WORKLOADS, workload

__all__ = ["CycleReport", "Skipped", "WorkloadCycles", "figures", "measure_cycles"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class WorkloadCycles:
    """A workload's figures, all of one inference; layers on the host count in none of them.

    ``bound`` says which bound makes most of ``ideal_cycles``: ``"multiply"`` or ``"weight"``. ``utilization`` is ideal
    over measured. ``bit_exact``: every value equals the golden model's and onnxruntime's.
    """

    name: str
    macs: int
    cycles: int
    ideal_cycles: int
    model_cycles: int
    bound: str
    utilization: float
    bit_exact: bool

    @property
    def good(self) -> bool:
        """The values are right and the cycles are the cycle model's."""
        return self.bit_exact and self.cycles == self.model_cycles


@dataclass(frozen=True)
class Skipped:
    """A workload that the configuration can't run, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class CycleReport:
    """What :func:`measure_cycles` found, in the order of the workloads."""

    workloads: tuple[WorkloadCycles, ...]
    skipped: tuple[Skipped, ...]


def measure_cycles(
    config: Config,
    *,
    seed: int,
    names: Sequence[str] = WORKLOADS,
    progress: Progress | None = None,
) -> CycleReport:
    """Runs each workload of ``names`` on the simulated chip, every value checked; those that don't fit are skipped.

    ``progress`` is called with the workloads done and all.

    Raises
    ------
    ValueError
        If a name is no workload's.
    ToolMissing, BuildError
        If the simulated chip can't be built.
    """
    measured, skipped = [], []
    for index, name in enumerate(names):
        if progress is not None:
            progress(index, len(names))
        try:
            measured.append(_measure(name, config, seed))
        except CapacityError as error:
            skipped.append(Skipped(name, str(error)))
    if progress is not None:
        progress(len(names), len(names))
    return CycleReport(tuple(measured), tuple(skipped))


def _measure(name: str, config: Config, seed: int) -> WorkloadCycles:
    work = workload(name, config, seed=seed)
    inputs = work.inputs if isinstance(work.inputs, str) else InputSet(name, work.inputs, None)
    result = run_model(
        work.model, inputs, config=config, target="sim", check=True, limit=work.samples, folder=Path("build/bench")
    )
    return figures(name, [layer for layer in result.layers if layer.where == "chip"], bit_exact=bool(result.bit_exact))


def figures(name: str, layers: Sequence[LayerResult], *, bit_exact: bool) -> WorkloadCycles:
    """The sum of a workload's ``layers`` on the chip."""
    cycles = sum(layer.cycles or 0 for layer in layers)
    ideal: Counter[str] = Counter()
    for layer in layers:
        assert layer.bound is not None and layer.ideal_cycles is not None, "layers on the chip have both"
        ideal[layer.bound] += layer.ideal_cycles
    return WorkloadCycles(
        name=name,
        macs=sum(layer.macs for layer in layers),
        cycles=cycles,
        ideal_cycles=ideal.total(),
        model_cycles=sum(layer.model_cycles or 0 for layer in layers),
        bound=ideal.most_common(1)[0][0],
        utilization=ideal.total() / cycles,
        bit_exact=bit_exact,
    )
