"""Hand-made faults in the hardware, each of which the short regression must catch.

A mutant changes one expression in the source of one method; the text to replace must be there exactly once, so that
a mutant that no longer applies is an error and never a silent survivor. Partial column blocks don't exist on a square
array such as nano's: their mutant runs on an array twice as wide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from vanallen.rtl.array.accumulator import Accumulator
from vanallen.rtl.array.processing_element import ProcessingElement
from vanallen.rtl.array.skew import Skew
from vanallen.rtl.array.unit import ArrayUnit
from vanallen.rtl.bus.axi_lite import WriteChannelMachine
from vanallen.rtl.bus.counters import CycleLog
from vanallen.rtl.bus.read_address import ReadAddress
from vanallen.rtl.config import Config
from vanallen.rtl.control import job as job_module
from vanallen.rtl.control.drain import DrainMachine
from vanallen.rtl.control.fill import FillMachine
from vanallen.rtl.control.issue import IssueMachine
from vanallen.rtl.control.job import JobMachine
from vanallen.rtl.memory.access import AccessMachine
from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.rtl.requant.multiply import Multiply
from vanallen.rtl.requant.normalize import Normalize
from vanallen.rtl.requant.requantizer import Requantizer
from vanallen.rtl.requant.round import Round
from vanallen.rtl.verilog import TOP, design, verilog
from vanallen.sw.driver.errors import DriverError
from vanallen.sw.driver.library import build_library
from vanallen.sw.driver.simulation import LibraryTarget
from vanallen.sw.driver.target import BusError, TargetTimeout
from vanallen.tb.jobs import Mismatch
from vanallen.tb.short import short_regression

from .edits import rewritten
from .result import MutantOutcome, Verdict

__all__ = ["MUTANTS", "Mutant", "changed", "check_mutant", "mutant_verilog", "run_hand", "survives"]


@dataclass(frozen=True)
class Mutant:
    """A fault: in function ``method`` of ``owner`` (a class or module), ``old`` becomes ``new``."""

    name: str
    owner: type | ModuleType
    method: str
    old: str
    new: str
    wide: bool = False
    """Whether it needs an array with more columns than rows."""


MUTANTS = (
    Mutant("element_multiplies_shadow", ProcessingElement, "elaborate", "activation * active", "activation * shadow"),
    Mutant("element_loses_swap", ProcessingElement, "elaborate", "m.If(self.swap)", "m.If(self.swap & ~self.load)"),
    Mutant("skew_short", Skew, "elaborate", "range(index)", "range(min(index, self.count - 2))"),
    Mutant("accumulator_stale_bank", Accumulator, "elaborate",
           "Mux(self.add_first, 0", "Mux(self.add_first & ~self.add_bank, 0"),
    Mutant("accumulator_drains_other_bank", Accumulator, "elaborate",
           "Mux(self.drained_bank,", "Mux(~self.drained_bank,"),
    Mutant("padding_streams_zero", ArrayUnit, "_edges",
           "Mux(arriving.padding, self.zero_point,", "Mux(arriving.padding, 0,"),
    Mutant("tag_swaps_early", ArrayUnit, "_edges", "entering + row].swap", "entering + min(row, rows - 2)].swap"),
    Mutant("scratchpad_short_latency", Scratchpad, "elaborate", "self.data.eq(corrected)", "self.data.eq(decoded)"),
    Mutant("scratchpad_writes_row_asked", AccessMachine, "_choose",
           "then.write_address.eq(now.due_row)", "then.write_address.eq(Mux(now.served, now.asked_row, now.due_row))"),
    Mutant("normalize_rounds_ties_up", Normalize, "elaborate",
           "normal[7] & (normal[:7].any() | normal[8])", "normal[7]"),
    Mutant("normalize_loses_carry", Normalize, "elaborate", "carry.eq(rounded[24])", "carry.eq(0)"),
    Mutant("multiply_drops_bit", Multiply, "elaborate", "outer + (inner << 12)", "outer + (inner[:24] << 12)"),
    Mutant("round_ties_down", Round, "_round_to_integer", "(guard & (sticky | integer[0]))", "(guard & sticky)"),
    Mutant("round_saturates_late", Round, "_round_to_integer", "distance < 16", "distance < 15"),
    Mutant("packer_address_late", Requantizer, "elaborate",
           "address.eq(asking.address)", "address.eq(retired.address)"),
    Mutant("issue_ignores_stride", IssueMachine, "_advance_pixel",
           "now.pixel_row + command.stride_height", "now.pixel_row + 1"),
    Mutant("issue_wrong_tap_step", IssueMachine, "_next_tile", "command.tap_line_step, 1)", "command.line_step, 1)"),
    Mutant("issue_line_starts_at_block", IssueMachine, "_advance_pixel",
           "eq(-command.pad_left)", "eq(now.block_column)"),
    Mutant("issue_keeps_bank", IssueMachine, "_walk", "now.bank ^ now.streaming", "now.bank"),
    Mutant("issue_never_waits", IssueMachine, "step", "(claimed == 2) & ~port.commit", "0"),
    Mutant("issue_steals_early", IssueMachine, "step",
           "now.slots_left == 1", "now.slots_left == 2"),
    Mutant("drain_keeps_parameters", DrainMachine, "_advance", "self.config.parameter_rows_per_column_block", "0"),
    Mutant("drain_row_step", DrainMachine, "_advance", "Mux(row_ends, now.row_step,", "Mux(row_ends, 1,"),
    Mutant("drain_partial_column", DrainMachine, "_rows", "present * steps - 1", "words * steps - 1", wide=True),
    Mutant("job_refuses_last_command", JobMachine, "_start",
           "end > self.config.commands", "end >= self.config.commands"),
    Mutant("overlap_seen_one_way", job_module, "command_faults", " & (command.output_base < input_end)", ""),
    Mutant("kernel_range", job_module, "command_faults",
           "_within(command.kernel_width, 7)", "_within(command.kernel_width, 8)"),
    Mutant("write_errors_hidden", WriteChannelMachine, "step", "now.executed & ~okay", "0"),
    Mutant("read_errors_hidden", ReadAddress, "elaborate", "error.eq(self.refused | struck)", "error.eq(0)"),
    Mutant("cycle_log_one_short", CycleLog, "elaborate", "Mux(filling, 0, cycles + 1)", "Mux(filling, 0, cycles)"),
    Mutant("fill_stops_early", FillMachine, "step", "self.rows - 1", "self.rows - 2"),
)  # fmt: skip
"""At least one a block."""


def changed(function: Callable[..., Any], mutant: Mutant) -> Callable[..., Any]:
    """``function`` compiled again from its changed source."""
    return rewritten(function, [(mutant.old, mutant.new)], name=mutant.name)


@contextmanager
def _applied(mutant: Mutant) -> Iterator[None]:
    original = getattr(mutant.owner, mutant.method)
    setattr(mutant.owner, mutant.method, changed(original, mutant))
    try:
        yield
    finally:
        setattr(mutant.owner, mutant.method, original)


def _config(config: Config, mutant: Mutant | None) -> Config:
    """The configuration a mutant runs on: twice as wide where it needs that and the array is square."""
    if mutant is None or not mutant.wide or config.columns > config.rows:
        return config
    return replace(config, name=f"{config.name}-wide", columns=2 * config.columns)


def mutant_verilog(config: Config, mutant: Mutant) -> str:
    """The chip of ``config`` with the fault.

    Raises
    ------
    ValueError
        If the fault can't be applied, or the chip with it is the sound one.
    """
    chosen = _config(config, mutant)
    check_mutant(chosen, mutant)
    with _applied(mutant):
        return verilog.__wrapped__(chosen)


@lru_cache(maxsize=2)
def _sound(config: Config) -> str:
    """The sound design."""
    return design(config, locations=False)


def check_mutant(config: Config, mutant: Mutant) -> None:
    """Raises ValueError if the fault can't be applied, or the chip of ``config`` with it is the sound one."""
    sound = _sound(config)
    with _applied(mutant):
        if design(config, locations=False) == sound:
            raise ValueError(f"mutant {mutant.name} must change the design")


def survives(config: Config, text: str, *, seed: int, cache: Path) -> str:
    """Run the short regression on a chip's Verilog: empty if it passes, else what it found; build errors are raised."""
    target = LibraryTarget(build_library(text, TOP, cache))
    try:
        short_regression(target, config, seed=seed)
    except (Mismatch, DriverError, BusError, TargetTimeout) as found:
        return f"{type(found).__name__}: {found}"
    finally:
        target.close()
    return ""


def run_hand(
    config: Config, mutants: Sequence[Mutant], *, seed: int, jobs: int, progress: Callable[[int], None], cache: Path
) -> tuple[MutantOutcome, ...]:
    """Run the short regression on ``mutants``, ``jobs`` at a time; ``progress`` is told how many are done.

    Raises
    ------
    ValueError
        If the regression fails on the sound chip (then it says nothing about mutants), or a mutant can't be applied.
    ToolMissing, BuildError
        If a chip can't be built.
    """
    for sound in {_config(config, mutant) for mutant in mutants}:
        failure = survives(sound, verilog(sound), seed=seed, cache=cache)
        if failure:
            raise ValueError(f"the sound chip must pass the regression of the mutants: {failure}")
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures: dict[Future[str], Mutant] = {}
        for mutant in mutants:  # elaborated one by one, since a fault is in the classes for all; built in parallel
            text = mutant_verilog(config, mutant)
            futures[pool.submit(survives, _config(config, mutant), text, seed=seed, cache=cache)] = mutant
            progress(sum(future.done() for future in futures))
        for _ in as_completed(futures):
            progress(sum(future.done() for future in futures))
        return tuple(_outcome(mutant, future.result()) for future, mutant in futures.items())


def _outcome(mutant: Mutant, found: str) -> MutantOutcome:
    source = f"{mutant.owner.__module__ if isinstance(mutant.owner, type) else mutant.owner.__name__}.{mutant.method}"
    block = source.removeprefix("vanallen.rtl.").split(".")[0]
    return MutantOutcome(mutant.name, block, source, Verdict.KILLED if found else Verdict.SURVIVED, found)
