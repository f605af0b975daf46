"""A short regression in this process: the same random jobs on a Verilator library, without a simulator to start.

For the mutants: a library of the nano chip is built in a few seconds, a cocotb simulator in fifteen, and the checks are
the same ones.
"""

from __future__ import annotations

import numpy as np

from vanallen.rtl.commands import ErrorCode, encode
from vanallen.rtl.config import Config
from vanallen.rtl.registers import Window, window_rows, window_stride
from vanallen.sw.driver.driver import Driver
from vanallen.sw.driver.errors import JobFailed
from vanallen.sw.driver.target import BusError, Target

from .illegal import good_command, illegal_changes
from .jobs import Job, Mismatch, check_activations, check_cycles, expected_cycles, make_job, run_golden
from .layers import KINDS

__all__ = ["short_regression"]

_JOBS = 4
"""Jobs of each kind."""
_INTERVALS = (1024, 16, 37)
_DEADLINE = 2000


def short_regression(target: Target, config: Config, *, seed: int) -> None:
    """Random jobs, illegal commands, refused accesses and a reset.

    Raises
    ------
    Mismatch
        If something differs from the models.
    DriverError, BusError, TargetTimeout
        If the chip doesn't do what the driver asks for.
    """
    driver = Driver(target, config=config)
    _refusals(target, config)
    for index in range(_JOBS):
        for kind in KINDS:
            last = config.commands - 2 if index == 0 else None
            job = make_job(config, 1000 * seed + index, kind=kind, layers=2 if last else 5, first=last,
                           steal_interval=_INTERVALS[index % len(_INTERVALS)])  # fmt: skip
            _run(driver, job)
    _illegal(driver, config)
    _fill(driver, config)


def _run(driver: Driver, job: Job) -> None:
    golden, _ = run_golden(job)
    arena = job.arena
    driver.set_steal_interval(job.steal_interval)
    driver.load_activations(arena.activation.start, job.activation)
    driver.load_weights(arena.weight.start, job.weight)
    driver.load_parameters(arena.parameter.start, job.bias, job.scale)
    driver.load_commands(job.first, job.commands)
    limit = sum(expected_cycles(job.config, fields, job.steal_interval) for fields in job.layers)
    result = driver.run(job.first, len(job.layers), cycle_limit=limit + _DEADLINE)
    got = driver.read_activations(arena.activation.start, arena.activation.count)
    check_activations(job, golden, got, result.cycles)
    check_cycles(job, result.cycles)


def _illegal(driver: Driver, config: Config) -> None:
    for code, change in illegal_changes(config):
        driver.load_commands(0, np.array([encode(good_command() | change)], np.uint64))
        found = ErrorCode.NONE
        try:
            driver.run(0, 1, cycle_limit=_DEADLINE)
        except JobFailed as failure:
            found = ErrorCode(failure.error)
        if found is not code:
            raise Mismatch(f"command with {change} must end with {code.name}, not {found.name}")


def _refusals(target: Target, config: Config) -> None:
    """Accesses that must be refused, and the one next to them that must not."""
    for window in (Window.COMMAND, Window.WEIGHT, Window.ACTIVATION):
        end = window.base + window_rows(config, window) * window_stride(config, window)
        target.write(end - 8, 0)
        target.read(end - 8)
    hole = Window.SIDE.base
    for what, access in (("write", lambda: target.write(hole, 0)), ("read", lambda: target.read(hole))):
        try:
            access()
        except BusError:
            continue
        raise Mismatch(f"{what} of {hole:#x} must be refused")


def _fill(driver: Driver, config: Config) -> None:
    """After a soft reset the activation RAM is empty, to the last word."""
    driver.load_activations(0, np.full((config.activation_words, config.rows), 85, np.int8))
    driver.soft_reset()
    if driver.read_activations(0, config.activation_words).any():
        raise Mismatch("activation RAM must be zero after a reset")
