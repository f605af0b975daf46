"""Showing that the protection of a chip works: one flipped bit an inference, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vanallen.rtl.config import Config
from vanallen.rtl.registers import Injection
from vanallen.sw.compiler import InputError
from vanallen.sw.driver import INJECTION_POINTS, Driver, GoldenTarget, Health, Uncorrectable

from .inputs import bind_inputs
from .session import Session

__all__ = ["InjectionResult", "injection_points", "run_injections"]

Arrays = Mapping[str, npt.NDArray[Any]]

_OUTCOMES = {"recovered": "recovered", "corrected": "corrected", "outvoted": "outvoted", "refused_writes": "refused"}
"""By counter, what its having moved means; the first that applies."""


@dataclass(frozen=True)
class InjectionResult:
    """What became of one flipped bit.

    ``point`` is where; ``counted`` are the counters that moved, by name, those of checks as ``faults.<check>``;
    ``outcome`` is ``"recovered"``, ``"corrected"``, ``"outvoted"``, ``"refused"``, ``"gave up"`` (the chip flagged the
    job, there are no outputs) or ``"nothing"``; ``right``: the outputs are the golden model's; ``extra_cycles``: what
    the jobs took longer than without.
    """

    point: str
    counted: Mapping[str, int]
    outcome: str
    right: bool
    extra_cycles: int | None

    @property
    def good(self) -> bool:
        """It was noticed, and did no harm."""
        return self.right and self.outcome != "nothing"


def injection_points(names: Sequence[str], config: Config, target: str) -> list[tuple[str, Injection]]:
    """The points that ``names`` name.

    Raises
    ------
    InputError
        If there is no such point, or nothing is injected on such a chip or target.
    """
    if not names:
        return []
    for name in names:
        if name not in INJECTION_POINTS:
            raise InputError(f"injection point must be one of {', '.join(INJECTION_POINTS)}, not {name!r}")
    if not config.protected:
        raise InputError("faults are injected into a protected chip only: add --protection full")
    if target == "golden":
        raise InputError("faults are injected into a chip, not into the golden model: take the target sim or a board")
    return [(name, INJECTION_POINTS[name]) for name in names]


def run_injections(
    session: Session, points: Sequence[tuple[str, Injection]], inputs: Arrays
) -> tuple[InjectionResult, ...]:
    """Runs one inference for each of ``points``, the inputs' in turn, and compares with the golden model."""
    if not points:
        return ()
    golden = Session(session.program, Driver(GoldenTarget(session.program.config), config=session.program.config))
    parts = _inferences(session, inputs)
    results = []
    for index, (name, point) in enumerate(points):
        part = parts[index % len(parts)]
        session.run(part)
        clean = session.job_cycles
        want = golden.run(part)
        results.append(_inject(session, name, point, part, want, clean))
    return tuple(results)


def _inferences(session: Session, inputs: Arrays) -> list[Arrays]:
    """The inputs of each inference."""
    batch = session.program.batch
    if batch is None:
        return [inputs]
    return [
        {name: array[index * batch : (index + 1) * batch] for name, array in inputs.items()}
        for index in range(bind_inputs(session.program, inputs))
    ]


def _inject(session: Session, name: str, point: Injection, inputs: Arrays, want: Arrays, clean: int) -> InjectionResult:
    try:
        got = session.run(inputs, inject=point)
    except Uncorrectable:
        health = session.driver.health()
        session.health += health
        session.driver.inject(Injection.NOTHING)
        return InjectionResult(name, _counted(health), "gave up", False, None)
    health = session.last_health
    session.driver.inject(Injection.NOTHING)
    outcome = next((outcome for counter, outcome in _OUTCOMES.items() if getattr(health, counter)), "nothing")
    right = all(np.array_equal(got[output], want[output]) for output in want)
    return InjectionResult(name, _counted(health), outcome, right, session.job_cycles - clean)


def _counted(health: Health) -> dict[str, int]:
    return health.counted | {f"faults.{name}": count for name, count in health.faults.items()}
