"""The synthesized chip at work: a netlist of ECP5 cells, driven as the chip is and compared with the golden model."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vanallen.rtl.commands import Opcode
from vanallen.rtl.config import Config
from vanallen.rtl.verilog import TOP
from vanallen.sw.driver.driver import Driver
from vanallen.sw.driver.errors import DriverError
from vanallen.sw.driver.library import build_library
from vanallen.sw.driver.simulation import LibraryTarget
from vanallen.sw.driver.target import BusError, TargetTimeout
from vanallen.synth.audit import Audit
from vanallen.synth.audited import audit_chip, require_sound
from vanallen.synth.gate_netlist import CACHE, chip_netlist
from vanallen.synth.gates import cell_counts, gate_verilog, models

from .jobs import Job, Mismatch, check_activations, check_cycles, expected_cycles, make_job, run_golden

__all__ = ["DIFFERS", "NetlistResult", "padded_convolution", "run_layer", "run_netlist"]

DIFFERS = (Mismatch, DriverError, BusError, TargetTimeout)
"""What a chip that doesn't do what the models say raises."""

_SLOTS = 600
"""Issue slots of the layer, at most: some hundred cycles more than that with what comes before and after."""

_DEADLINE = 2000
"""Cycles that a job may take longer than the cycle model says, before it is given up."""


@dataclass(frozen=True, kw_only=True)
class NetlistResult:
    """What was simulated, and how long it took.

    ``cells``: cells by kind; ``layer``: the command's fields; ``cycles``: those of the layer, equal to the cycle
    model's; ``simulated``: all cycles, loading and reading back included; seconds of processor and wall clock.
    ``audit``: of a protected chip.
    """

    config: str
    seed: int
    cells: dict[str, int]
    layer: dict[str, int]
    cycles: int
    simulated: int
    synthesis_seconds: float
    build_seconds: float
    run_seconds: float
    audit: Audit | None = None


def padded_convolution(config: Config, seed: int) -> Job:
    """A job of one random convolution with padding, several tiles, several blocks and columns of a second block of
    outputs; the first such one that follows from ``seed``."""
    for attempt in range(seed * 10_000, (seed + 1) * 10_000):
        job = make_job(config, attempt, kind="convolution", layers=1, slots=_SLOTS)
        layer = job.layers[0]
        tiles = layer["kernel_height"] * layer["kernel_width"] * layer["input_groups"]
        padded = layer["pad_top"] and layer["pad_left"] and layer["opcode"] == Opcode.CONVOLUTION
        if padded and tiles > 1 and layer["rows"] > layer["block_rows"] and layer["column_blocks"] > 1:
            return job
    raise ValueError(f"seed must lead to a padded convolution for {config.name}, not {seed}")


def run_layer(netlist: Mapping[str, Any], job: Job, *, cache: Path = CACHE) -> tuple[int, int, float, float]:
    """Build a netlist's simulation and run a job on it: cycles of the job, all cycles, seconds of building and running.

    Raises
    ------
    Mismatch
        If the activation RAM or the cycles afterwards aren't those of the models.
    DriverError, BusError, TargetTimeout
        If the chip doesn't do what the driver asks for.
    NetlistError, ToolMissing, BuildError
        If it can't be built.
    """
    start = time.perf_counter()
    library = build_library(models() + gate_verilog(netlist, TOP), TOP, cache, quick=True)
    built = time.perf_counter()
    target = LibraryTarget(library)
    try:
        cycles = _run(Driver(target, config=job.config), job)
        return cycles, target.cycles, built - start, time.perf_counter() - built
    finally:
        target.close()


def _run(driver: Driver, job: Job) -> int:
    """Run a job and compare memory and cycles with the models; the cycles of its commands together."""
    golden, arena = run_golden(job)[0], job.arena
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
    return sum(result.cycles)


def run_netlist(
    config: Config, *, seed: int = 1, cache: Path = CACHE, report: Callable[[str], None] | None = None
) -> NetlistResult:
    """Synthesize the chip of ``config``, simulate the netlist and run one layer on it.

    Raises
    ------
    RuntimeError
        If Yosys fails.
    AuditFailed
        If the netlist of a protected chip lacks something that must be there three times.
    Mismatch, DriverError, BusError, TargetTimeout, NetlistError, ToolMissing, BuildError
        As :func:`run_layer`.
    """
    start = time.perf_counter()
    netlist = chip_netlist(config, cache=cache, report=report)
    synthesis = time.perf_counter() - start
    audit = audit_chip(netlist, config) if config.protected else None
    require_sound(audit)
    job = padded_convolution(config, seed)
    if report is not None:
        report("building the simulation of the netlist (once for each netlist) ...")
    cycles, simulated, building, running = run_layer(netlist, job, cache=cache)
    return NetlistResult(
        config=config.name, seed=seed, cells=cell_counts(netlist, TOP), layer=job.layers[0], cycles=cycles,
        simulated=simulated, synthesis_seconds=synthesis, build_seconds=building, run_seconds=running,
        audit=audit,
    )  # fmt: skip
