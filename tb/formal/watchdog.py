"""The watchdog: it falls, and what it ends does end."""

from __future__ import annotations

from amaranth.asserts import Initial
from amaranth.hdl import Assert, Assume, Elaboratable, Fragment, Module, Mux, ResetSignal, Signal

from vanallen.rtl.config import Config
from vanallen.rtl.control.job import WATCHDOG_LOW, JobMachine
from vanallen.rtl.control.machine import Control

from .specification import Specification, always, drive_freely, history, registers

__all__ = ["WatchdogEnds", "WatchdogFalls"]

FLUSH = 40
"""Cycles in which the pipeline is flushed, in these proofs."""


class WatchdogFalls(Specification):
    """Whatever happens: in every busy cycle that isn't throttled the watchdog falls by one, or is zero."""

    def __init__(self, *, config: Config) -> None:
        self.config = config

    def specify(self, m: Module) -> None:
        job = Control(machine=JobMachine(config=self.config, flush_cycles=FLUSH))
        m.submodules.job = fragment = Fragment.get(job, None)
        drive_freely(m, job, but=("restart",))
        held = registers(fragment)
        watchdog = held.watchdog
        busy = history(m, job.busy, "busy_before")
        throttled = history(m, job.throttled, "throttled_before")
        before = history(m, watchdog, "watchdog_before")
        always(m, "invariant: what its upper bits were is known", held.patient == before[WATCHDOG_LOW:].any())
        starts = watchdog[:WATCHDOG_LOW].all()
        always(m, "invariant: it stays, falls by one, or starts",
               (watchdog == before) | ((before != 0) & (watchdog == before - 1)) | starts)  # fmt: skip
        always(m, "it falls while busy", ~busy | throttled | (watchdog == Mux(before == 0, 0, before - 1)))
        always(m, "it never rises while busy", ~busy | (watchdog <= before))


class WatchdogEnds(Elaboratable):
    """From any state of the job machine with the watchdog at zero, and that known, whatever the rest of the chip says:
    the job is over within :attr:`cycles`."""

    cycles = 2 + 64

    def __init__(self, *, config: Config) -> None:
        self.config = config

    def elaborate(self, platform: object) -> Module:
        m = Module()
        job = Control(machine=JobMachine(config=self.config, flush_cycles=FLUSH))
        m.submodules.job = fragment = Fragment.get(job, None)
        drive_freely(m, job, but=("restart", "start"))
        held = registers(fragment)
        cycle, idle = Signal(range(self.cycles + 2)), Signal()
        m.d.comb += [
            Assume(~ResetSignal()), Assume(~Initial() | ((held.watchdog == 0) & ~held.patient & (cycle == 0) & ~idle)),
            Assert((cycle < self.cycles) | idle | ~job.busy, "idle follows zero"),
        ]  # fmt: skip
        m.d.sync += [cycle.eq(cycle + 1), idle.eq(idle | ~job.busy)]
        return m
