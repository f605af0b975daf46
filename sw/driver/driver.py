"""The driver: what the chip can do, by nothing but reads and writes of addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vanallen.rtl.config import Config
from vanallen.rtl.registers import (
    COUNTERS,
    IDENTITY,
    MEMORY_WINDOWS,
    VERSION,
    Injection,
    State,
    register,
    window_rows,
)

from .checked_target import CheckedTarget
from .errors import DriverError, JobFailed, JobTimeout, Uncorrectable, WrongChip
from .health import HEALTH, Health, failure_of
from .memories import Memories
from .packing import pack_register, unpack_register
from .target import BUS_BYTES, Target, TargetTimeout

__all__ = ["JOB_CYCLES", "Driver", "JobResult"]

_LAYER_CYCLES = register("layer_cycles").words
"""Commands whose cycles the chip keeps, hence the most that one job of the driver runs."""

_POLL_CYCLES = 1024
JOB_CYCLES = 100_000_000
"""Cycles after which a job is given up, unless told otherwise."""

_JOB_COUNTERS = tuple(name for name in COUNTERS if name not in HEALTH)

_WATCHDOG_UNIT = 1024
"""Cycles of the unit of ``patience``."""
_WATCHDOG_FACTOR = 2
"""How much longer than the driver the chip itself waits: it ends a job only where no host does."""


@dataclass(frozen=True)
class JobResult:
    """What the chip counted: ``cycles`` of each command in turn, and its ``counters`` by register name."""

    cycles: tuple[int, ...]
    counters: Mapping[str, int]

    @property
    def job_cycles(self) -> int:
        """Cycles from start to end."""
        return self.counters["job_cycles"]


class Driver(Memories):
    """The driver of one chip.

    On a protected chip every access is checked (:class:`~.checked_target.CheckedTarget`), and may raise
    :class:`TransferFailed`.

    Parameters
    ----------
    target : Target
        Where the chip is.
    config : Config
        The chip expected.

    Raises
    ------
    WrongChip
        If identity, version, array or memories aren't those of ``config``.
    TargetTimeout
        If the chip isn't ready soon after the cycles it needs to fill its memories.
    """

    def __init__(self, target: Target, *, config: Config) -> None:
        super().__init__(CheckedTarget(target) if config.protected else target, config=config)
        self.target = target
        self._job = 0
        self._check_chip()
        self._wait_ready()

    def _read(self, name: str) -> dict[str, int]:
        entry = register(name)
        return unpack_register(entry, self._bus.read(entry.address))

    def _write(self, name: str, **values: int) -> None:
        entry = register(name)
        self._bus.write(entry.address, pack_register(entry, **values))

    def _check_chip(self) -> None:
        identity, version = self._read("identity")["identity"], self._read("version")
        if identity != IDENTITY:
            raise WrongChip(f"identity must be {IDENTITY:#x}, not {identity:#x}")
        if version["major"] != VERSION[0]:
            raise WrongChip(f"major version must be {VERSION[0]}, not {version['major']}")
        if version["minor"] < VERSION[1]:
            raise WrongChip(f"minor version must be at least {VERSION[1]}, not {version['minor']}")
        for name in ("configuration", "capacity"):
            found, want = self._read(name), register(name).constants(self.config)
            if found != want:
                raise WrongChip(f"{name} of the chip must be that of {self.config.name}, {want}, not {found}")

    def _wait_ready(self) -> None:
        """Wait until neither a fill nor a job is under way.

        Twice the cycles in which all memories are filled one after the other, and some for the accesses, are enough.
        """
        self._write("interrupt", enable=0, pending=1)
        limit = 2 * sum(window_rows(self.config, window) for window in MEMORY_WINDOWS) + 8192
        for _ in range(0, limit, _POLL_CYCLES):
            if self._read("status")["state"] not in (State.FILLING, State.BUSY):
                return
            self.target.wait(_POLL_CYCLES)
        raise TargetTimeout(f"the chip must be ready after {limit} cycles, not in state {self._read('status')}")

    def soft_reset(self) -> None:
        """Stop everything, fill the memories with zeros and wait until the chip is ready."""
        self._write("reset", reset=1)
        self._wait_ready()

    def set_steal_interval(self, slots: int) -> None:
        """Set the issue slots from one stolen for scrubbing to the next, 16 to 65,535, until a reset."""
        if not 16 <= slots < 1 << 16:
            raise ValueError(f"slots must be from 16 to 65535, not {slots!r}")
        self._write("steal_interval", slots=slots)

    def run(self, first: int, count: int, *, cycle_limit: int = JOB_CYCLES) -> JobResult:
        """Run ``count`` commands from command ``first`` and wait for their end.

        The chip keeps the cycles of 64 commands, so more of them are run as several jobs.

        Raises
        ------
        JobFailed
            If the chip ended the job with an error. Nothing that the job wrote may be used.
        Uncorrectable
            If that is since a fault could not be repaired.
        JobTimeout
            If a job takes more than ``cycle_limit`` cycles.
        """
        cycles: list[int] = []
        counters = dict.fromkeys(_JOB_COUNTERS, 0)
        for start in range(0, max(count, 1), _LAYER_CYCLES):
            part = min(count - start, _LAYER_CYCLES)
            self._run_job(first + start, part, cycle_limit)
            cycles += self._layer_cycles(first + start, part)
            for name in _JOB_COUNTERS:
                counters[name] += self._read(name)["count"]
        return JobResult(tuple(cycles), counters)

    def _run_job(self, first: int, count: int, cycle_limit: int) -> None:
        self._job = (self._job + 1) % (1 << 16)
        for name in _JOB_COUNTERS:
            self._write(name)
        self._write("interrupt", enable=1, pending=1)
        self._write("start", first=first, count=count, job=self._job, patience=self._patience(cycle_limit))
        self.target.wait(cycle_limit)
        status = self._read("status")
        if status["state"] == State.BUSY:
            raise JobTimeout(status["command"], cycle_limit)
        if status["job"] != self._job or status["state"] not in (State.DONE, State.FAILED):
            raise DriverError(f"status must be the end of job {self._job}, not {status}")
        if status["state"] == State.FAILED:
            if self.config.protected and status["error"] >= Uncorrectable.FIRST:
                raise Uncorrectable(status["error"], status["command"], status["blocks"])
            raise JobFailed(status["error"], status["command"])

    def _patience(self, cycle_limit: int) -> int:
        """The watchdog's; 0, the most there is, where it is too much for the field or there is no watchdog."""
        units = -(-_WATCHDOG_FACTOR * cycle_limit // _WATCHDOG_UNIT)
        most = (1 << register("start").field("patience").width) - 1
        return units if self.config.protected and units <= most else 0

    def _layer_cycles(self, first: int, count: int) -> list[int]:
        base, start = register("layer_cycles").address, first % _LAYER_CYCLES
        before = min(count, _LAYER_CYCLES - start)
        words = self._bus.read_block(base + BUS_BYTES * start, before).tolist()
        if count > before:
            words += self._bus.read_block(base, count - before).tolist()
        return [unpack_register(register("layer_cycles"), word)["count"] for word in words]

    def clear_health(self) -> None:
        """Set the counters of faults to zero."""
        if self.config.protected:
            for name in (*HEALTH, "faults"):
                self._write(name)

    def health(self) -> Health:
        """What the protection did since its counters were cleared; zeros where there is none."""
        if not self.config.protected:
            return Health()
        counts = {name: self._read(name)["count"] for name in HEALTH}
        faults = {name: count for name, count in self._read("faults").items() if count}
        failed = counts["corrected"] or counts["uncorrectable"]
        last = failure_of(**self._read("last_failure")) if failed else None
        return Health(**counts, faults=faults, last_failure=last)

    def inject(self, point: Injection) -> None:
        """Have a protected chip flip a bit at ``point`` at its next opportunity; NOTHING takes that back."""
        if not self.config.protected:
            raise ValueError(f"point must be one of a protected chip, {self.config.name} isn't")
        self._write("inject", point=point)
