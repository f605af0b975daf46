"""What a run gives: the figures of ``vanallen run`` and the outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from vanallen.sw.driver import Health

from .check import Comparison, Difference
from .injection import InjectionResult

__all__ = ["LayerResult", "RunResult"]


@dataclass(frozen=True)
class LayerResult:
    """One layer of a run; the figures of the chip are None for a layer on the host, ``differing_values`` without check.

    ``cycles`` are the chip's, ``model_cycles`` the cycle model's, ``ideal_cycles`` those of an array that never waits,
    all of one inference; ``bound`` says what the ideal is bound by, ``utilization`` is ideal over measured.
    """

    name: str
    op: str
    where: str
    why: str
    macs: int
    cycles: int | None = None
    ideal_cycles: int | None = None
    model_cycles: int | None = None
    bound: str | None = None
    utilization: float | None = None
    differing_values: int | None = None


@dataclass(frozen=True)
class RunResult:
    """A run of a model.

    Parameters
    ----------
    model, config, protection, target : str
        What ran, on which configuration, protected by what, on which target.
    arrays : mapping
        The outputs by name.
    outputs : Path
        The ``.npz`` that holds them.
    inferences, samples : int
        Runs of the program, and samples in the input: the first dimension where the model leaves it open.
    comparison : Comparison, optional
        What was compared and differs; None without check.
    layers : tuple[LayerResult, ...]
        In the order in which they run.
    total_cycles : int, optional
        The chip's, of one inference; None if the target doesn't count.
    macs_on_chip_share : float
        Share of the multiply-accumulates that the chip does.
    accuracy : float, optional
        Share of samples of the right class, where labels are known and the model has one output with a score a class.
    health : Health
        What the protection did, in all; zeros where there is none.
    injections : tuple[InjectionResult, ...]
        What became of the bits that were flipped on purpose, in inferences of their own after the others.
    seconds : float
        Time of the run without compilation.
    """

    model: str
    config: str
    protection: str
    target: str
    arrays: Mapping[str, npt.NDArray[Any]]
    outputs: Path
    inferences: int
    samples: int
    comparison: Comparison | None
    layers: tuple[LayerResult, ...]
    total_cycles: int | None
    macs_on_chip_share: float
    accuracy: float | None
    health: Health
    injections: tuple[InjectionResult, ...]
    seconds: float

    @property
    def checked_values(self) -> int | None:
        """Values compared; None without check, as the next three."""
        return None if self.comparison is None else self.comparison.checked_values

    @property
    def cycles_exact(self) -> bool | None:
        """Whether the chip's cycles of every layer are the cycle model's; None if the target doesn't count."""
        counted = [layer for layer in self.layers if layer.cycles]
        return all(layer.cycles == layer.model_cycles for layer in counted) if counted else None

    @property
    def bit_exact(self) -> bool | None:
        """Whether no value differs."""
        return None if self.comparison is None else self.comparison.bit_exact

    @property
    def differing_values(self) -> int | None:
        """Values of layers differing from the golden model and of outputs differing from onnxruntime."""
        return None if self.comparison is None else self.comparison.differing_values

    @property
    def differing_outputs(self) -> int | None:
        """Those of outputs alone."""
        return None if self.comparison is None else self.comparison.differing_outputs

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The first few; none without check."""
        return () if self.comparison is None else self.comparison.differences

    def as_json(self) -> dict[str, Any]:
        """The run as JSON knows it: all but the arrays."""
        plain = (
            "model", "config", "protection", "target", "inferences", "samples", "checked_values", "bit_exact",
            "cycles_exact", "differing_values", "differing_outputs", "total_cycles", "macs_on_chip_share", "accuracy",
            "seconds",
        )  # fmt: skip
        return {name: getattr(self, name) for name in plain} | {
            "outputs": str(self.outputs),
            "layers": [asdict(layer) for layer in self.layers],
            "differences": [asdict(difference) for difference in self.differences],
            "health": self.health.as_json(),
            "injections": [asdict(injection) for injection in self.injections],
        }
