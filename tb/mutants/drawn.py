"""The drawn mutants on their way through the steps: quick tests, proofs, more jobs, cocotb.

One library holds all of them and is built once; a mutant is a number on its input ``mutant``. The cheap steps come
first and the first failure ends it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

from vanallen.rtl.config import Config
from vanallen.rtl.verilog import TOP
from vanallen.sw.driver.driver import Driver
from vanallen.sw.driver.errors import DriverError
from vanallen.sw.driver.library import build_library
from vanallen.sw.driver.simulation import LibraryTarget
from vanallen.sw.driver.target import BusError, TargetTimeout
from vanallen.tb.cases import select
from vanallen.tb.jobs import Mismatch
from vanallen.tb.runner import build, run
from vanallen.tb.short import random_jobs, short_regression

from .contracts import by_contract
from .draw import Mutation, mutants_verilog, prepared
from .equivalence import is_equivalent
from .result import MutantOutcome, Verdict

__all__ = ["Batch", "MutantTarget", "judge", "judge_all", "make_batch", "quick_failure"]

_MORE_SEEDS, _MORE_JOBS = 6, 4
"""What survives the quick tests meets this many times as many random jobs, from other seeds."""

_OWN_PROCESS = "the simulator ended the process"


@dataclass(frozen=True)
class Batch:
    """The chip with all drawn mutants: ``text`` is its Verilog, ``library`` is built from it."""

    config: Config
    mutations: tuple[Mutation, ...]
    text: str
    library: Path
    seed: int
    cache: Path


class MutantTarget(LibraryTarget):
    """A chip in which fault ``mutant`` of a batch is active, from before its first reset on; 0 is the sound chip."""

    def __init__(self, library: Path, mutant: int) -> None:
        self.mutant = mutant
        super().__init__(library)

    def reset(self) -> None:
        """Choose the fault, and hold the chip's reset for a few cycles."""
        self._library.chip_select(self._open, self.mutant)
        super().reset()


def make_batch(config: Config, mutations: tuple[Mutation, ...], *, seed: int, cache: Path) -> Batch:
    """Put ``mutations`` into the chip and build it, or find it in ``cache``; ``seed`` is that of the tests.

    Raises
    ------
    YosysFailed, ToolMissing, BuildError
        If it can't be built.
    """
    text = mutants_verilog(config, mutations)
    return Batch(config, mutations, text, build_library(text, TOP, cache, select=True), seed, cache)


def _failure(batch: Batch, mutant: int, tests: Callable[[LibraryTarget], None]) -> str:
    target = MutantTarget(batch.library, mutant)
    try:
        tests(target)
    except (Mismatch, DriverError, BusError, TargetTimeout) as found:
        return f"{type(found).__name__}: {found}"
    finally:
        target.close()
    return ""


def quick_failure(batch: Batch, mutant: int) -> str:
    """What the short regression finds on mutant number ``mutant``, from 1; empty if nothing."""
    return _failure(batch, mutant, lambda target: short_regression(target, batch.config, seed=batch.seed))


def _more_failure(batch: Batch, mutant: int) -> str:
    def tests(target: LibraryTarget) -> None:
        driver = Driver(target, config=batch.config)
        for seed in range(batch.seed + 1, batch.seed + 1 + _MORE_SEEDS):
            random_jobs(driver, seed=seed, jobs=_MORE_JOBS)

    return _failure(batch, mutant, tests)


def _cocotb_failure(batch: Batch, mutant: int) -> str:
    """What the cocotb cases find, but for those that run random layers alone, which have had their turn."""
    simulation = build(batch.config, text=batch.text, cache=batch.cache)
    for case in select("", "verilator", batch.config.protection):
        if case.test == "random_layers" or case.deposits:
            continue
        folder = batch.cache / "runs" / f"{mutant}" / case.name
        outcome = run(simulation, module=case.path, test=case.test, folder=folder, seed=batch.seed,
                      settings={**case.arguments("verilator"), "mutant": mutant})  # fmt: skip
        if not outcome.passed:
            return f"case {case.name}: {outcome.message}"
    return ""


def judge(batch: Batch, mutant: int) -> MutantOutcome:
    """Take mutant number ``mutant``, from 1, through the steps."""
    mutation = batch.mutations[mutant - 1]

    def outcome(verdict: Verdict, by: str) -> MutantOutcome:
        return MutantOutcome(mutation.name, mutation.block, mutation.source, verdict, by)

    if found := quick_failure(batch, mutant):
        return outcome(Verdict.KILLED, f"quick: {found}")
    if is_equivalent(prepared(batch.config), mutation):
        return outcome(Verdict.EQUIVALENT, "induction over registers and memories")
    if judged := by_contract(batch.config, mutation):
        return outcome(*judged)
    for step, failure in (("jobs", _more_failure), ("cocotb", _cocotb_failure)):
        if found := failure(batch, mutant):
            return outcome(Verdict.KILLED, f"{step}: {found}")
    return outcome(Verdict.SURVIVED, "")


def _sources() -> str:
    """A hash of all that a verdict depends on but the design: tests, models, driver."""
    root = Path(__file__).parents[2]
    digest = sha256()
    for folder in ("tb", "sw/golden", "sw/driver"):
        for path in sorted((root / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _record(batch: Batch, mutation: Mutation, sources: str) -> Path:
    parts = (prepared(batch.config), sources, str(batch.seed), mutation.name)
    return batch.cache / "outcomes" / f"{sha256(chr(0).join(parts).encode()).hexdigest()[:24]}.json"


def _recall(path: Path) -> MutantOutcome | None:
    if not path.is_file():
        return None
    values = json.loads(path.read_text(encoding="utf-8"))
    return MutantOutcome(**{**values, "verdict": Verdict(values["verdict"])})


def _keep(path: Path, outcome: MutantOutcome) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(asdict(outcome)), encoding="utf-8")
    unfinished.replace(path)


def judge_all(
    batch: Batch, numbers: tuple[int, ...], *, jobs: int, progress: Callable[[int], None]
) -> tuple[MutantOutcome, ...]:
    """Judge the mutants ``numbers``, ``jobs`` at a time, each in a process that may die of it; what was judged before
    with the same design, tests and seed isn't judged again. ``progress`` is told how many are done.

    Raises
    ------
    ValueError
        If the tests fail on the batch's sound chip.
    """
    if found := quick_failure(batch, 0):
        raise ValueError(f"the sound chip must pass the regression of the mutants: {found}")
    sources = _sources()
    records = {number: _record(batch, batch.mutations[number - 1], sources) for number in numbers}
    known = {number: outcome for number, path in records.items() if (outcome := _recall(path)) is not None}

    def note(number: int, outcome: MutantOutcome) -> None:
        known[number] = outcome
        _keep(records[number], outcome)
        progress(len(known))

    progress(len(known))
    alone = _judge_pool(batch, [number for number in numbers if number not in known], jobs, note)
    for number in alone:
        if _judge_pool(batch, [number], 1, note):
            mutation = batch.mutations[number - 1]
            note(number, MutantOutcome(mutation.name, mutation.block, mutation.source, Verdict.KILLED, _OWN_PROCESS))
    return tuple(known[number] for number in numbers)


def _judge_pool(batch: Batch, numbers: list[int], jobs: int, note: Callable[[int, MutantOutcome], None]) -> list[int]:
    """Judge in a pool of processes; the numbers left over when one of them died."""
    left = []
    with ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(judge, batch, number): number for number in numbers}
        for future in as_completed(futures):
            try:
                note(futures[future], future.result())
            except BrokenProcessPool:
                left.append(futures[future])
    return left
