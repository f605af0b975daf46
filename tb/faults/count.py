"""A campaign of single upsets: each is simulated, classified and counted."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.config import Config
from vanallen.rtl.registers import MEMORY_WINDOWS, window_rows
from vanallen.rtl.verilog import verilog
from vanallen.tb.jobs import Job

from .model import CACHE, FAULT, RECORD, Model, build_model
from .outcome import Outcome, classify
from .replays import Alarm, alarms
from .script import Script, make_script
from .space import Space, make_space

__all__ = ["ALLOWANCE", "Campaign", "Result", "count", "fill_cycles", "make_campaign"]

ALLOWANCE = 512
"""Cycles by which a job's deadline lies beyond twice the cycles it takes without a fault, unless told otherwise."""

_CHUNK = 20_000
"""Faults that are simulated and written to a file at a time."""


@dataclass(frozen=True)
class Campaign:
    """A chip, what its host does, and where upsets can happen."""

    config: Config
    verilog: str
    library: Path
    script: Script
    space: Space
    cycles: int

    def model(self) -> Model:
        """A model that has recorded the script without a fault."""
        model = Model(self.library, self.verilog)
        model.record(self.script, fill_cycles=fill_cycles(self.config))
        return model

    def faults(self, numbers: NDArray[np.int64], model: Model) -> NDArray[np.void]:
        """The faults of these numbers, as :data:`~.model.FAULT`."""
        bits, times = np.divmod(numbers, self.space.cycles)
        faults = np.zeros(len(numbers), FAULT)
        faults["variable"] = model.variable[self.space.owner[bits]]
        faults["element"], faults["bit"] = self.space.element[bits], self.space.bit[bits]
        faults["time"] = self.space.start + times
        return faults

    @property
    def key(self) -> str:
        """A hash of all that outcomes depend on but the choice of faults."""
        space = repr((self.space.start, self.space.end, self.space.bits, self.space.storage))
        script = self.script.setup.tobytes().hex(), self.script.run.tobytes().hex()
        parts = (self.verilog, self.library.stem, space, *script)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Result:
    """What became of the faults ``numbers`` of ``space``.

    ``records`` are those of :class:`~.model.Model`, ``outcomes`` their :class:`~.outcome.Outcome`; ``cycles`` are those
    of the script without a fault, ``simulated`` all that were simulated for the faults, ``seconds`` how long it took.
    Faults that are those of the next cycle have ``inferred`` in their records.
    """

    space: Space
    numbers: NDArray[np.int64]
    records: NDArray[np.void]
    outcomes: NDArray[np.uint8]
    cycles: int
    simulated: int
    seconds: float

    def counts(self) -> dict[Outcome, int]:
        """Faults of each class."""
        found = np.bincount(self.outcomes, minlength=len(Outcome))
        return {outcome: int(found[outcome]) for outcome in Outcome}

    def by_register(self) -> dict[str, dict[Outcome, int]]:
        """Faults of each class, by the name of the register or memory; those without a fault are left out."""
        owner = self.space.owner[self.numbers // self.space.cycles].astype(np.int64)
        table = np.bincount(owner * len(Outcome) + self.outcomes, minlength=len(Outcome) * len(self.space.storage))
        rows = table.reshape(-1, len(Outcome))
        return {storage.name: {outcome: int(row[outcome]) for outcome in Outcome}
                for storage, row in zip(self.space.storage, rows, strict=True) if row.any()}  # fmt: skip

    def alarms(self) -> list[Alarm]:
        """Replays and aborts by what the chip found, and how many of them were false."""
        return alarms(self.records, self.outcomes)

    def places(self, outcome: Outcome) -> list[tuple[str, int, int, int]]:
        """Name, word, bit and cycle since the job's start of each fault of a class."""
        chosen = self.numbers[self.outcomes == outcome]
        bits, times = np.divmod(chosen, self.space.cycles)
        names = (self.space.storage[owner].name for owner in self.space.owner[bits])
        return list(zip(names, self.space.element[bits].tolist(), self.space.bit[bits].tolist(), times.tolist(),
                        strict=True))  # fmt: skip

    def save(self, path: Path) -> None:
        """Write arrays and names to a compressed file of NumPy's."""
        names, window = np.array([storage.name for storage in self.space.storage]), (self.space.start, self.space.end)
        _write(path, numbers=self.numbers, records=self.records, outcomes=self.outcomes, names=names,
               owner=self.space.owner, element=self.space.element, bit=self.space.bit,
               window=np.array(window))  # fmt: skip


def fill_cycles(config: Config) -> int:
    """Cycles after a reset in which the chip has filled its memories, in any order."""
    return 2 * sum(window_rows(config, window) for window in MEMORY_WINDOWS) + 1024


def make_campaign(
    config: Config,
    job: Job,
    *,
    memories: bool = False,
    allowance: int = ALLOWANCE,
    cache: Path = CACHE,
    report: Callable[[str], None] | None = None,
) -> Campaign:
    """Build the model of a chip and find out where and when upsets can happen while it runs ``job``.

    Parameters
    ----------
    config : Config
        The chip.
    job : Job
        What it runs, twice.
    memories : bool
        Upsets are of memory bits instead of register bits.
    allowance : int
        Cycles by which a job's deadline lies beyond twice the cycles it takes without a fault.
    cache : Path
        Where libraries are kept.
    report : callable, optional
        Called with a line to show when there is something to build.

    Raises
    ------
    ScriptFailed
        If the chip doesn't do the job without a fault.
    ToolMissing, BuildError
        If the model can't be built.
    """
    text, script = verilog(config), make_script(job, allowance=allowance)
    library = build_model(text, cache=cache, report=report)
    model = Model(library, text)
    model.record(script, fill_cycles=fill_cycles(config))
    start, end = model.start(script.start), model.start(script.end)
    space = make_space(model.storage, start=start, end=end, memories=memories)
    return Campaign(config, text, library, script, space, model.cycles)


def count(
    campaign: Campaign,
    *,
    sample: int | None = None,
    seed: int = 0,
    numbers: NDArray[np.int64] | None = None,
    early: bool = True,
    infer: bool = True,
    jobs: int = 2,
    folder: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Simulate upsets and classify what becomes of them: all, or those chosen.

    Parameters
    ----------
    campaign : Campaign
        The chip and its job.
    sample, seed : int
        How many upsets to draw, each of them at most once, and from which seed.
    numbers : numpy.ndarray
        The numbers of the upsets to simulate, instead.
    early : bool
        A run ends as soon as it is the same as the one without a fault from there on.
    infer : bool
        An upset that is the same as that of the next cycle, a bit that nothing reads or writes meanwhile, isn't run to
        its end. Only where both are to be simulated.
    jobs : int
        Models that run at a time.
    folder : Path, optional
        Where what is done is written, part by part, and not done again.
    progress : callable, optional
        Called with the number of upsets done and of all.

    Raises
    ------
    DepositLost
        If a flipped bit doesn't read back.
    """
    begin = time.perf_counter()
    if numbers is None:
        numbers = _draw(campaign.space.faults, sample, seed)
    parts = [numbers[first : first + _CHUNK] for first in range(0, len(numbers), _CHUNK)]
    records: list[NDArray[np.void]] = [np.zeros(0, RECORD)] * len(parts)
    own, done = threading.local(), 0

    def run(part: NDArray[np.int64]) -> NDArray[np.void]:
        path = folder / campaign.key / f"{_name(part, early, infer)}.npz" if folder is not None else None
        if path is not None and path.exists():
            with np.load(path) as stored:
                return np.asarray(stored["records"])
        if not hasattr(own, "model"):
            own.model = campaign.model()
        found: NDArray[np.void] = own.model.run(campaign.faults(part, own.model), early=early, infer=infer)
        if path is not None:
            _write(path, records=found)
        return found

    with ThreadPoolExecutor(jobs) as pool:
        waiting = {pool.submit(run, part): index for index, part in enumerate(parts)}
        try:
            for future in as_completed(waiting):
                records[waiting[future]] = future.result()
                done += len(parts[waiting[future]])
                if progress is not None:
                    progress(done, len(numbers))
        finally:
            pool.shutdown(cancel_futures=True)
    together = np.concatenate([np.zeros(0, RECORD), *records])
    return Result(campaign.space, numbers, together, classify(together, campaign.script.counters), campaign.cycles,
                  int(together["simulated"].sum()), time.perf_counter() - begin)  # fmt: skip


def _draw(faults: int, sample: int | None, seed: int) -> NDArray[np.int64]:
    """All numbers, or ``sample`` of them in ascending order."""
    if sample is None or sample >= faults:
        return np.arange(faults, dtype=np.int64)
    return np.sort(np.random.Generator(np.random.Philox(seed)).choice(faults, sample, replace=False))


def _name(numbers: NDArray[np.int64], *options: bool) -> str:
    return hashlib.sha256(numbers.tobytes() + bytes(options)).hexdigest()[:24]


def _write(path: Path, **arrays: NDArray[np.generic]) -> None:
    """Write a file of NumPy's such that it is complete as soon as it has its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
    with temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
