"""The proofs there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from amaranth.hdl import Fragment, Module, Mux, signed
from amaranth.lib import wiring

from vanallen.rtl import timing
from vanallen.rtl.bus.counters import CycleLog
from vanallen.rtl.config import Config
from vanallen.rtl.control.tag import drain_tag, select_tag, show_tag, steering_tag
from vanallen.rtl.ecc.secded import Secded
from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.rtl.registers import COUNTERS, Window, register, window_banks, window_rows
from vanallen.rtl.requant.normalize import Normalize
from vanallen.rtl.requant.round import Round

from .axi_rules import AxiRules, ReadyIndependence
from .blocks import AccumulatorsApart
from .codes import CodeCorrects, DecoderSums, EncoderSums
from .copies import CopyMasked, machines
from .counting import CounterContract, CycleLogContract
from .delays import SkewContract, TagContract
from .governor import GovernorBound
from .lane import LaneEqual, ParityMoves, Products, ProductSum
from .memories import CUT, collisions_never, memories
from .proof import Proof
from .queues import ReadQueue, WriteQueues
from .scrubbing import ScrubberContract
from .specification import Specification, always, drive_freely, history
from .watchdog import WatchdogEnds, WatchdogFalls

__all__ = ["COUNTER", "CYCLE_LOG", "MemoryContract", "proofs"]

GOVERNOR_BITS = 4
"""Width of the windows for which the governor's bound is proven: all up to 15 cycles."""

COUNTER, CYCLE_LOG = "counter.saturates", "counter.cycle_log"
"""Names of the proofs about the counters, and about the cycles of each command."""

CODES = ((32, 11), (64, 9), (64, 15))
"""Data and address bits of the codes that are proven: nano's, the parameters', and the largest."""


class MemoryContract(Specification):
    """A component with a memory of its own, under any inputs: its ports never meet. A scratchpad reads the row that the
    data path asked for, else the one the host did a cycle before, or tells that this row is written."""

    def __init__(self, *, make: Callable[[], wiring.Component]) -> None:
        self.make = make

    def specify(self, m: Module) -> None:
        component = self.make()
        m.submodules.dut = fragment = Fragment.get(component, None)
        drive_freely(m, component)
        if not collisions_never(m, fragment):
            raise ValueError(f"{component!r} must have a memory")
        if isinstance(component, Scratchpad):
            self._reads(m, component, fragment)

    def _reads(self, m: Module, pad: Scratchpad, fragment: Fragment) -> None:
        ((_, memory),) = memories(fragment)
        (read,), (write,) = memory._read_ports, memory._write_ports
        asked = history(m, pad.host_read[0].enable, "asked")
        asked_row = history(m, pad.host_read[0].address, "asked_row")
        due = history(m, pad.read[0].enable | asked, "due")
        row = history(m, Mux(pad.read[0].enable, pad.read[0].address, asked_row), "row")
        written = write._en.any() & (write._addr == row)
        always(m, "a read is done but for a row that is written", read._en == (due & ~written))
        always(m, "a row is read that was asked for", ~read._en | (read._addr == row))
        always(m, "a read that isn't done is told as a collision", pad.collision == (due & written))


def _bus(config: Config) -> list[Proof]:
    """Of the bridge of ``config``; the specifications strike a protected one."""
    subjects = [("axi.rules", AxiRules, 2, True), ("axi.ready_independent", ReadyIndependence, 1, True),
                ("queue.write", WriteQueues, 2, True), ("queue.read", ReadQueue, 2, False)]  # fmt: skip
    if config.protected:
        subjects = [("axi.struck", AxiRules, 2, False), ("queue.write_struck", WriteQueues, 2, False),
                    ("queue.read_struck", ReadQueue, 2, False)]  # fmt: skip
    return [Proof(name=name, mode="prove", depth=depth, build=partial(subject, config=config), quick=quick)
            for name, subject, depth, quick in subjects]  # fmt: skip


def _delays(config: Config) -> list[Proof]:
    tags = (("issue", steering_tag(config), timing.arrival(config) - timing.ISSUE),
            ("drain", drain_tag(config), Scratchpad.latency),
            ("requantizer", drain_tag(config), timing.REQUANTIZER), ("drain_select", select_tag(config), 1),
            ("drain_show", show_tag(), timing.ACCUMULATOR))  # fmt: skip
    pipes = [Proof(name=f"tag.{name}", mode="prove", depth=1, build=partial(TagContract, tag=tag, depth=depth))
             for name, tag, depth in tags]  # fmt: skip
    skews = [Proof(name=f"skew.{name}", mode="prove", depth=1,
                   build=partial(SkewContract, element=signed(8), count=count))
             for name, count in (("rows", config.rows), ("columns", config.columns))]  # fmt: skip
    return pipes + skews


def _memories(config: Config) -> list[Proof]:
    subjects: dict[str, Callable[[], wiring.Component]] = {"cycle_log": CycleLog}
    for window in (Window.COMMAND, Window.PARAMETER, Window.WEIGHT, Window.ACTIVATION):
        banks, bits = window_banks(config, window)
        rows = window_rows(config, window)
        subjects[f"{window.name.lower()}_ram"] = partial(Scratchpad, rows=rows, banks=banks, bank_bits=bits)
    return [Proof(name=f"memory.{name}", mode="prove", depth=2, build=partial(MemoryContract, make=make), script=CUT)
            for name, make in subjects.items()]  # fmt: skip


def _accumulators(config: Config) -> list[Proof]:
    """Of the unprotected chip: the same machines, once."""
    build = partial(AccumulatorsApart, config=replace(config, protection="none"))
    return [Proof(name="accumulator.apart", mode="prove", depth=1, build=build, script=CUT)]


def _counters() -> list[Proof]:
    bits = register(COUNTERS[0]).field("count").width
    return [Proof(name=COUNTER, mode="prove", depth=2, build=partial(CounterContract, bits=bits)),
            Proof(name=CYCLE_LOG, mode="prove", depth=2, build=CycleLogContract, script=CUT)]  # fmt: skip


def _lane() -> list[Proof]:
    subjects = (("lane.whole", LaneEqual), ("lane.products", Products), ("lane.product_sum", ProductSum))
    values = [Proof(name=name, mode="bmc", depth=subject.latency + 1, build=subject, script=subject.script)
              for name, subject in subjects]  # fmt: skip
    parts = (("normalize", partial(Normalize, protected=True)), ("round", partial(Round, protected=True)))
    parities = [Proof(name=f"lane.parity.{name}", mode="bmc", depth=ParityMoves.latency + 1,
                      build=partial(ParityMoves, make=make)) for name, make in parts]  # fmt: skip
    return values + parities


def _protection(config: Config) -> list[Proof]:
    if not config.protected:
        return []
    copies = [Proof(name=f"copy.{name}", mode="prove", depth=1, build=partial(CopyMasked, machine=machine))
              for name, machine in machines(config).items()]  # fmt: skip
    rows, (banks, _) = window_rows(config, Window.PARAMETER), window_banks(config, Window.PARAMETER)
    return [
        *copies,
        Proof(name="scrubber.newest", mode="prove", depth=2, build=partial(ScrubberContract, rows=rows, banks=banks)),
        Proof(name="watchdog.falls", mode="prove", depth=1, build=partial(WatchdogFalls, config=config)),
        Proof(name="watchdog.ends", mode="bmc", depth=WatchdogEnds.cycles + 2,
              build=partial(WatchdogEnds, config=config)),
    ]  # fmt: skip


def _governor() -> Proof:
    return Proof(name="governor.bound", mode="bmc", depth=(1 << GOVERNOR_BITS) + 2,
                 build=partial(GovernorBound, bits=GOVERNOR_BITS))  # fmt: skip


def _codes() -> list[Proof]:
    subjects = (("encoder", EncoderSums), ("syndrome", DecoderSums), ("corrects", CodeCorrects))
    return [Proof(name=f"code.{name}.{data_bits}_{address_bits}", mode="bmc", depth=subject.latency + 1,
                  build=partial(subject, code=Secded(data_bits=data_bits, address_bits=address_bits)))
            for data_bits, address_bits in CODES for name, subject in subjects]  # fmt: skip


def proofs(config: Config) -> list[Proof]:
    """The solver's proofs for ``config``, those of a group together."""
    return [*_bus(config), *_delays(config), *_memories(config), *_accumulators(config), *_codes(), *_counters(),
            *_lane(), _governor(), *_protection(config)]  # fmt: skip
