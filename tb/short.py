"""A short regression in this process: the same random jobs on a Verilator library, without a simulator to start.

For the mutants: a library of the nano chip is built in a few seconds, a cocotb simulator in fifteen, and the checks are
the same ones. What models say of a job is kept, since every mutant runs the same jobs.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.commands import ErrorCode, encode
from vanallen.rtl.config import COMMAND_WORDS, Config
from vanallen.rtl.registers import register
from vanallen.sw.driver.driver import Driver, JobResult
from vanallen.sw.driver.errors import JobFailed
from vanallen.sw.driver.packing import unpack_register
from vanallen.sw.driver.simulation import LibraryTarget
from vanallen.sw.golden.accelerator import GoldenAccelerator
from vanallen.sw.golden.cycles import LayerCycles

from .access import check_empty, check_meetings, check_memories, check_refusals
from .illegal import good_command, illegal_changes, illegal_jobs_of, reserved_bits
from .jobs import Job, Mismatch, check_activations, check_cycles, layer_model, make_job, run_golden
from .layers import KINDS

__all__ = ["random_jobs", "short_regression"]

_JOBS = 4
"""Jobs of each kind."""
_INTERVALS = (1024, 16, 37)
_DEADLINE = 2000
_AROUND = 16
"""Cycles before and behind the end of a command in which its cycles are read."""
_BITS = 64
"""Bits of commands turned, one at a time."""


def short_regression(target: LibraryTarget, config: Config, *, seed: int) -> None:
    """Memories, accesses that are refused or meet, random jobs, illegal commands and jobs, and a reset.

    Raises
    ------
    Mismatch
        If something differs from the models.
    DriverError, BusError, TargetTimeout
        If the chip doesn't do what the driver asks for.
    """
    driver = Driver(target, config=config)
    check_refusals(target, config)
    random_jobs(driver, seed=seed, jobs=_JOBS)
    check_memories(target, config, seed=seed)
    check_meetings(target, config)
    _logged_as_it_ends(driver)
    driver.soft_reset()
    check_empty(target, config)
    _illegal(driver, seed)


def random_jobs(driver: Driver, *, seed: int, jobs: int) -> None:
    """``jobs`` random jobs of each kind; the first of each are the last commands of command RAM.

    Raises
    ------
    Mismatch
        If activations, cycles, counters or status differ from the models.
    DriverError, BusError, TargetTimeout
        If the chip doesn't do what the driver asks for.
    """
    for index in range(jobs):
        for kind in KINDS:
            _run(driver, *_prepared(driver.config, 1000 * seed + index, kind, index))


@lru_cache(maxsize=1024)
def _prepared(config: Config, seed: int, kind: str, index: int) -> tuple[Job, GoldenAccelerator]:
    last = config.commands - 2 if index == 0 else None
    job = make_job(config, seed, kind=kind, layers=2 if last else 5, first=last,
                   steal_interval=_INTERVALS[index % len(_INTERVALS)])  # fmt: skip
    return job, run_golden(job)[0]


def _run(driver: Driver, job: Job, golden: GoldenAccelerator) -> None:
    arena = job.arena
    driver.set_steal_interval(job.steal_interval)
    driver.load_activations(arena.activation.start, job.activation)
    driver.load_weights(arena.weight.start, job.weight)
    driver.load_parameters(arena.parameter.start, job.bias, job.scale)
    driver.load_commands(job.first, job.commands)
    models = [layer_model(job.config, fields, job.steal_interval) for fields in job.layers]
    result = driver.run(job.first, len(job.layers), cycle_limit=sum(model.cycles for model in models) + _DEADLINE)
    got = driver.read_activations(arena.activation.start, arena.activation.count)
    check_activations(job, golden, got, result.cycles)
    check_cycles(job, result.cycles)
    _counted(driver, job, models, result)


def _counted(driver: Driver, job: Job, models: list[LayerCycles], result: JobResult) -> None:
    """The counters and the status after a job are those of the cycle model and of its last command."""
    tiles = [fields["kernel_height"] * fields["kernel_width"] * fields["input_groups"] for fields in job.layers]
    want = {
        "job_cycles": sum(model.cycles for model in models),
        "issued_slots": sum(fields["rows"] * fields["column_blocks"] * count
                            for fields, count in zip(job.layers, tiles, strict=True)),
        "stalled_slots": sum(model.stalled for model in models),
        "stolen_slots": sum(model.stolen for model in models),
        "throttled_slots": 0,
    }  # fmt: skip
    if dict(result.counters) != want:
        raise Mismatch(f"counters must be {want}, not {dict(result.counters)}")
    last = job.layers[-1]
    blocks = last["column_blocks"] * -(-last["rows"] // last["block_rows"])
    status = _status(driver)
    expected = {"command": job.first + len(job.layers) - 1, "blocks": blocks}
    if {name: status[name] for name in expected} != expected:
        raise Mismatch(f"status must have {expected}, not {status}")


def _status(driver: Driver) -> dict[str, int]:
    entry = register("status")
    return unpack_register(entry, driver.target.read(entry.address))


def _logged_as_it_ends(driver: Driver) -> None:
    """The cycles of a command, read in each cycle near its end: those of the command before it, then its own."""
    target, entry = driver.target, register("layer_cycles").address
    sizes = ("rows", "block_rows", "output_width", "input_width", "input_words", "output_words")
    size = driver.config.rows, driver.config.columns
    driver.load_weights(0, np.zeros(size, np.int8))  # those of the good command: a column it doesn't use must have none
    before, own = (np.array([encode(good_command() | dict.fromkeys(sizes, size))], np.uint64) for size in (8, 4))

    def run(words: NDArray[np.uint64]) -> int:
        driver.load_commands(0, words)
        return driver.run(0, 1, cycle_limit=_DEADLINE).cycles[0]

    ends = run(own)
    seen = []
    for cycles in range(ends - _AROUND, ends + _AROUND):
        old = run(before)
        driver.load_commands(0, own)
        target.write(register("interrupt").address, 0)
        target.write(register("start").address, 1 << 16)
        target.wait(cycles)
        seen.append(target.read(entry))
        target.wait(_DEADLINE)
    if seen != sorted(seen, reverse=True) or set(seen) != {old, ends}:
        raise Mismatch(f"cycles of a command read around its end must be {old}, then {ends}, not {seen}")


def _illegal(driver: Driver, seed: int) -> None:
    """Each must end with its error, and the good command after all of them."""
    config, values = driver.config, np.random.default_rng(seed)
    cases = [(code, encode(good_command() | change)) for code, change in illegal_changes(config)]
    cases += [(ErrorCode.BAD_RESERVED, encode(good_command() | change)) for change in reserved_bits()]
    for bit in values.choice(64 * COMMAND_WORDS, _BITS, replace=False).tolist():
        words = encode(good_command())
        words[bit // 64] ^= 1 << bit % 64
        cases.append((ErrorCode.BAD_CHECKSUM, words))
    for code, words in cases:
        driver.load_commands(0, np.array([words], np.uint64))
        _ends_with(driver, code, 0, 1, str(words))
    driver.load_commands(0, np.array([encode(good_command())], np.uint64))
    for first, count, interval in illegal_jobs_of(config):
        if interval >= 16 and 0 < count <= 64:  # what the driver doesn't refuse by itself
            _ends_with(driver, ErrorCode.BAD_JOB, first, count, f"job of {count} commands from {first}")
    _ends_with(driver, ErrorCode.NONE, 0, 1, "the good command")


def _ends_with(driver: Driver, code: ErrorCode, first: int, count: int, what: str) -> None:
    found, command = ErrorCode.NONE, first
    try:
        driver.run(first, count, cycle_limit=_DEADLINE)
    except JobFailed as failure:
        found, command = ErrorCode(failure.error), failure.command
    if (found, command) != (code, first % driver.config.commands):
        raise Mismatch(f"{what} must end with {code.name} at command {first}, not {found.name} at {command}")
