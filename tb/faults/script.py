"""What the host does, as a list of bus operations: a job, and the same again on the chip as the first one left it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import Config
from vanallen.rtl.registers import CLEARED, State, Window, register
from vanallen.sw.driver.driver import Driver
from vanallen.sw.driver.golden_target import GoldenTarget
from vanallen.sw.driver.packing import pack_register
from vanallen.sw.driver.target import BUS_BYTES
from vanallen.tb.jobs import Job, Mismatch, expected_cycles

__all__ = ["OPERATION", "WATCHED", "Kind", "Script", "make_script"]

WATCHED = ("recovered", "corrected", "outvoted", "refused_writes")
"""Counters that say what a protected chip repaired."""

OPERATION = np.dtype([("kind", "<u4"), ("job", "<u4"), ("address", "<u4"), ("limit", "<u4"),
                      ("word", "<u8"), ("failed", "<u8"), ("mask", "<u8")])  # fmt: skip
"""One operation, see ``Operation`` in upset.cpp."""

_ALL = (1 << 64) - 1
_CLEARS = {register(name).address for name in CLEARED}


class Kind(IntEnum):
    """What an operation does."""

    WRITE = 0
    AWAIT = 1
    """Wait for the interrupt, at most ``limit`` cycles, then read the status until it says twice that the job ended."""
    CHECK = 2
    """Read a word of the output."""
    COUNT = 3
    """Read a counter."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """What the host does. ``setup`` loads the memories; then come the operations ``run``, in which faults happen.

    ``start`` and ``end``: the first operation of the time in which faults happen, and the first one behind it.
    ``counters``: names of those that are read, in turn.
    """

    setup: NDArray[np.void]
    run: NDArray[np.void]
    start: int
    end: int
    counters: tuple[str, ...]


class _Recorder(GoldenTarget):
    """The golden chip; writes become operations, and reads of memories.

    How the driver of a protected chip compares its transfers doesn't: no clears, and no reads of registers.
    """

    def __init__(self, config: Config) -> None:
        self._operations: list[tuple[int, ...]] = []
        super().__init__(config)

    def write_block(self, address: int, data: NDArray[np.uint64]) -> None:
        super().write_block(address, data)
        if address in _CLEARS:
            return
        for index, word in enumerate(data.tolist()):
            self._operations.append((Kind.WRITE, 0, address + BUS_BYTES * index, 0, word, 0, 0))

    def read_block(self, address: int, count: int) -> NDArray[np.uint64]:
        data = super().read_block(address, count)
        if address < Window.COMMAND.base:
            return data
        for index, word in enumerate(data.tolist()):
            self._operations.append((Kind.CHECK, 0, address + BUS_BYTES * index, 0, word, 0, _ALL))
        return data

    def take(self, job: int = 0) -> NDArray[np.void]:
        """The operations since the last call, as those of ``job``."""
        operations, self._operations = np.array(self._operations, OPERATION), []
        operations["job"] = job
        return operations


def _one(kind: Kind, name: str, *, job: int, word: int = 0, limit: int = 0, failed: int = 0, mask: int = 0
         ) -> NDArray[np.void]:  # fmt: skip
    return np.array([(kind, job, register(name).address, limit, word, failed, mask)], OPERATION)


def _run(job: Job, number: int, limit: int) -> list[NDArray[np.void]]:
    """Start job ``number`` and wait for its end; the interrupt of an earlier one is cleared first."""
    start, status = register("start"), register("status")
    words = [pack_register(status, state=state, job=number) for state in (State.DONE, State.FAILED)]
    return [
        _one(Kind.WRITE, "interrupt", job=number, word=pack_register(register("interrupt"), enable=1, pending=1)),
        _one(Kind.WRITE, "start", job=number,
             word=pack_register(start, first=job.first, count=len(job.layers), job=number)),
        _one(Kind.AWAIT, "status", job=number, limit=limit, word=words[0], failed=words[1],
             mask=pack_register(status, state=0xFF, job=0xFFFF)),
    ]  # fmt: skip


def make_script(job: Job, *, allowance: int) -> Script:
    """The host's operations for ``job``, twice; expected outputs are the golden model's.

    Before the second job the host overwrites the outputs, so that one that isn't written again is seen; it loads
    nothing else. ``allowance``: cycles that the deadline of a job, after which it hangs, lies beyond twice its cycles.

    Raises
    ------
    Mismatch
        If the golden model finds the job illegal.
    """
    config, last = job.config, job.layers[-1]
    recorder = _Recorder(config)
    driver = Driver(recorder, config=config)
    recorder.take()
    driver.set_steal_interval(job.steal_interval)
    driver.load_activations(job.arena.activation.start, job.activation)
    driver.load_weights(job.arena.weight.start, job.weight)
    driver.load_parameters(job.arena.parameter.start, job.bias, job.scale)
    driver.load_commands(job.first, job.commands)
    setup = recorder.take()
    recorder.write(register("start").address, int(_run(job, 1, 0)[1]["word"][0]))
    if recorder.last_job is None or recorder.last_job.error is not ErrorCode.NONE:
        raise Mismatch("the job must be legal")
    recorder.take()
    outputs = driver.read_activations(last["output_base"], last["rows"] * last["output_groups"])
    checks = recorder.take()
    driver.load_activations(last["output_base"], ~outputs)
    spoils = recorder.take()
    cycles = sum(expected_cycles(config, fields, job.steal_interval) for fields in job.layers)
    limit = cycles + -(-allowance // 2)
    counters = WATCHED if config.protected else ()
    parts = [*_run(job, 1, limit), _of(checks, 1), _of(spoils, 2), *_run(job, 2, limit), _of(checks, 2),
             *(_one(Kind.COUNT, name, job=2) for name in counters)]  # fmt: skip
    return Script(setup=setup, run=np.concatenate(parts), start=1, end=3, counters=counters)


def _of(operations: NDArray[np.void], job: int) -> NDArray[np.void]:
    copied = operations.copy()
    copied["job"] = job
    return copied
