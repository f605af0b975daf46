"""The regression: every case in a simulator process of its own, two at a time, and the coverage of all of them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from vanallen.rtl.config import Config
from vanallen.rtl.technology import Technology

from .cases import CASES, Case, select
from .coverage import Coverage, measure
from .faults.storage import expose
from .mutants.result import MutantsResult
from .mutants.run import DRAWN, run_mutants
from .runner import CACHE, Simulation, build, run

__all__ = ["CaseResult", "RegressResult", "regress"]

Progress = Callable[[int, int], None]

_SEEDS = 1000
"""Seeds from one case to the next: more than a case has jobs."""


@dataclass(frozen=True)
class CaseResult:
    """How a case ended: ``outcome`` is ``passed``, or ``failed:`` and why. ``waves`` is the file it wrote."""

    name: str
    seed: int
    seconds: float
    outcome: str
    waves: str | None = None


@dataclass(frozen=True)
class RegressResult:
    """Outcome of a regression. ``mutants`` is None unless they were asked for; then there are no cases."""

    passed: int
    failed: int
    cases: tuple[CaseResult, ...]
    coverage: Coverage
    mutants: MutantsResult | None = None


def regress(
    config: Config,
    *,
    sim: str = "verilator",
    technology: Technology = Technology.GENERIC,
    filter: str = "",
    waves: bool = False,
    seed: int = 0,
    mutants: bool = False,
    drawn: int = DRAWN,
    jobs: int = 2,
    progress: Progress | None = None,
    folder: Path | None = None,
    cache: Path = CACHE,
) -> RegressResult:
    """Run the cases whose name contains ``filter`` on the chip of ``config``, or its mutants.

    Parameters
    ----------
    config : Config
        The chip.
    sim : str
        ``verilator`` or ``icarus``; under Icarus the cases are smaller.
    technology : Technology
        Form of the chip's multipliers: ECP5's are models of its DSP blocks.
    filter : str
        Part of the names of the cases (or mutants) to run; empty for all.
    waves : bool
        Whether every case writes its waves; their paths are in the result.
    seed : int
        Seed of everything random.
    mutants : bool
        Run the mutants, and not the cases.
    drawn : int
        Mutants drawn besides the hand-made ones.
    jobs : int
        Cases or mutants that run at a time.
    progress : callable, optional
        Called with the number of cases done and of all.
    folder : Path, optional
        Where results, logs and waves go; under ``cache`` by default.
    cache : Path
        Where simulators are kept.

    Raises
    ------
    ValueError
        If ``sim`` is unknown, or no case is called that.
    SimulatorMissing, BuildFailed
        If there is no simulator, or it doesn't build.
    """
    report = progress or (lambda done, total: None)
    if mutants:
        found = run_mutants(config, filter=filter, seed=seed, drawn=drawn, jobs=jobs, progress=report)
        return RegressResult(0, 0, (), Coverage(0, 0, ()), found)
    cases = select(filter, sim, config.protection)
    if not cases:
        raise ValueError(f"filter must be part of the name of a case, not {filter!r}")
    simulations = {
        deposits: build(
            config, simulator=sim, technology=technology, waves=waves, cache=cache, prepare=expose if deposits else None
        )
        for deposits in sorted({case.deposits for case in cases})
    }
    place = folder or cache / "runs" / f"{config.name}-{config.protection}-{sim}-{technology.value}"
    results = _run_all(simulations, cases, place, seed, report, jobs)
    files = [path for case in cases if (path := place / case.name / "coverage.json").is_file()]
    failed = sum(result.outcome != "passed" for result in results)
    return RegressResult(len(results) - failed, failed, results, measure(config, sim, files))


def _case_seed(case: Case, seed: int) -> int:
    """The case's own seed: the same whichever other cases run."""
    return _SEEDS * (100 * seed + [entry.name for entry in CASES].index(case.name))


def _run_all(
    simulations: dict[bool, Simulation], cases: tuple[Case, ...], folder: Path, seed: int, report: Progress, jobs: int
) -> tuple[CaseResult, ...]:
    report(0, len(cases))
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = [
            pool.submit(_run_case, simulations[case.deposits], case, folder / case.name, _case_seed(case, seed))
            for case in cases
        ]
        for done, _ in enumerate(as_completed(futures), 1):
            report(done, len(cases))
        return tuple(future.result() for future in futures)


def _run_case(simulation: Simulation, case: Case, folder: Path, seed: int) -> CaseResult:
    (folder / "coverage.json").unlink(missing_ok=True)
    outcome = run(simulation, module=case.path, test=case.test, folder=folder, seed=seed,
                  settings=case.arguments(simulation.simulator))  # fmt: skip
    said = "passed" if outcome.passed else f"failed: {outcome.message}"
    return CaseResult(case.name, seed, outcome.seconds, said, None if outcome.waves is None else str(outcome.waves))
