"""The job: fetches commands one after the other, has them checked and executed, and reports."""

from types import SimpleNamespace

from amaranth.hdl import Cat, Const, Module, Mux, Value
from amaranth.lib import enum, wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import COMMAND_WORDS, Config
from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.rtl.registers import State

from .command import COMMAND_ERRORS, CommandFields, command_faults
from .machine import Machine
from .tag import End

__all__ = ["FAULTS", "REPLAY_BITS", "WATCHDOG_UNIT", "JobMachine"]

FAULTS = (
    ErrorCode.COMMAND_MEMORY, ErrorCode.WEIGHT_MEMORY, ErrorCode.ACTIVATION_MEMORY, ErrorCode.PARAMETER_MEMORY,
    ErrorCode.TAG, ErrorCode.WEIGHT_IDENTITY, ErrorCode.WEIGHT_PARITY, ErrorCode.ACTIVATION_PARITY, ErrorCode.CHECKSUM,
    ErrorCode.REQUANTIZER,
)  # fmt: skip
"""What the checks of the protected data path find; the first that applies is the cause."""

ERROR_BITS = 5
"""Enough for every error code."""

REPLAY_BITS = 4
"""Width of the limit of replays."""

WATCHDOG_UNIT = 1024
"""Cycles of the watchdog's unit."""

WATCHDOG_LOW = 4
"""Lower bits of the watchdog, which are asked for zero by themselves; all are ones when it starts."""


RUNS = 0b1000
"""The bit of a phase in which a layer runs."""

WORKS = 0b1100
"""The bits of which one is high while a job is neither over nor halted."""


class Phase(enum.Enum, shape=4):
    """Phases of a job. A bit or two tell what is asked most, where time is short: whether a layer runs, whether the job
    works."""

    IDLE = 0
    FLUSH = 1
    """After an error: until nothing is in flight any more."""
    REPLAY = 2
    """The same, before the command begins again behind the blocks that are committed."""
    FETCH = WORKS ^ RUNS
    CHECK = FETCH + 1
    DECIDE = FETCH + 2
    RUN = RUNS


class JobMachine(Machine):
    """Runs ``count`` commands from ``first`` and reports DONE, or FAILED with the code and the command at fault.

    A command's first slot comes ``timing.FETCH`` cycles after the start of its fetch; it runs until ``layer_done`` or
    an error. The checks of the command as held, and then what is wrong in a running layer, are registered
    (``trouble``, ``fault``): an error is seen one or two cycles after what made it. After an error ``halt`` stops them
    for ``flush_cycles``, so that the next job finds an empty pipeline. A job of commands that aren't there fails with
    the first's number modulo what command RAM holds.

    ``due`` is what the block ends whose last word is written; it is committed with that.

    With protection, whatever a check finds (``wrong``, a bit for each of :data:`FAULTS`; a held command that has
    changed; a collision; a block that is ``due`` but not ``complete``) makes the command begin again, fetched anew,
    behind its ``skip`` committed blocks: ``limit`` times for one block, then it is the job's error. A watchdog of
    :data:`WATCHDOG_UNIT` times ``patience`` cycles (0: 65,536 times) falls in every busy cycle that isn't
    ``throttled``, and ends the job at zero.
    """

    flow = frozenset({
        "fetching", "deciding", "over", "finished", "state", "at_last", "capture", "capture_index", "faults", "trouble",
        "troubled", "fault", "faulted", "calm", "halted", "patient",
    })  # fmt: skip

    def __init__(self, *, config: Config, flush_cycles: int):
        self.config = config
        self.flush_cycles = flush_cycles
        self.reset = {"state": State.FILLING, "calm": 1}
        commands = range(config.commands)
        self.state = StructLayout({
            "phase": Phase, "fetching": 1, "deciding": 1, "over": 1,
            "counter": range(max(flush_cycles, COMMAND_WORDS + Scratchpad.latency) + 1),
            "command": commands,
            "last": commands,
            "at_last": 1,
            "job": 16,
            "blocks": 16,
            "ended": 1,
            "finished": 1,
            "state": State,
            "error": ERROR_BITS,
            "overflow": 1,
            "capture": 1,
            "capture_index": range(COMMAND_WORDS),
            "faults": len(COMMAND_ERRORS),
            "trouble": ERROR_BITS, "troubled": 1,
            "calm": 1,
            **({"fault": ERROR_BITS, "faulted": 1, "replays": REPLAY_BITS, "watchdog": 26, "patient": 1, "halted": 1}
               if config.protected else {}),
        })  # fmt: skip
        self.ports = {
            "start": In(1),
            "first": In(16),
            "count": In(16),
            "number": In(16),
            "steal_interval": In(16),
            "command": In(CommandFields()),
            "issue_error": In(8),
            "drain_error": In(8),
            "collision": In(1),
            "due": In(End),
            "fetch": Out(1),
            "fetch_address": Out((config.command_rows - 1).bit_length()),
            "capture": Out(1),
            "capture_index": Out(range(COMMAND_WORDS)),
            "prepare": Out(1),
            "begin": Out(1),
            "halt": Out(1),
            "commit": Out(1),
            "layer_done": Out(1),
            "busy": Out(1),
            "layer_busy": Out(1),
            "finished": Out(1),
            "status_state": Out(State),
            "status_error": Out(8),
            "status_command": Out(16),
            "status_job": Out(16),
            "status_blocks": Out(16),
        }  # fmt: skip
        if config.protected:
            self.ports |= {
                "wrong": In(len(FAULTS)), "complete": In(1), "limit": In(REPLAY_BITS), "patience": In(16),
                "throttled": In(1), "skip": Out(16), "replayed": Out(1),
            }  # fmt: skip

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        self._outputs(m, now, then, port)
        self._trouble(m, now, then, port)
        with m.Switch(now.phase):
            with m.Case(Phase.IDLE):
                self._start(m, then, port)
            with m.Case(Phase.FETCH):
                m.d.comb += then.counter.eq(now.counter + 1)
                with m.If(now.overflow):
                    self._fail(m, then, ErrorCode.BAD_JOB)
                with m.Elif(now.over):
                    m.d.comb += then.phase.eq(Phase.CHECK)
            with m.Case(Phase.CHECK):
                m.d.comb += then.phase.eq(Phase.DECIDE)
            with m.Case(Phase.DECIDE):
                with m.If(now.faults == 0):
                    m.d.comb += [port.begin.eq(1), then.phase.eq(Phase.RUN)]
                for index, code in reversed(list(enumerate(COMMAND_ERRORS))):
                    with m.If(now.faults[index]):
                        if self.config.protected and code is ErrorCode.BAD_CHECKSUM:
                            self._replay(m, now, then, port, code)
                        else:
                            self._fail(m, then, code)
            with m.Case(Phase.RUN):
                self._run(m, now, then, port)
            with m.Case(Phase.FLUSH):
                m.d.comb += then.counter.eq(now.counter + 1)
                with m.If(now.over):
                    self._finish(m, then, port)
            if self.config.protected:
                with m.Case(Phase.REPLAY):
                    m.d.comb += then.counter.eq(now.counter + 1)
                    with m.If(now.over):
                        m.d.comb += [then.phase.eq(Phase.FETCH), then.counter.eq(0)]
            with m.Default():
                m.d.comb += then.phase.eq(Phase.IDLE)
        if self.config.protected:
            self._protect(m, now, then, port)

    def _outputs(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """What the rest of the chip is told. It is far away, so some of it is known beforehand."""
        latency = Scratchpad.latency
        flushes = now.phase == Phase.FLUSH
        halts = flushes
        if self.config.protected:
            flushes = flushes | (now.phase == Phase.REPLAY)
            m.d.comb += then.halted.eq((then.phase == Phase.FLUSH) | (then.phase == Phase.REPLAY))
            halts = now.halted
        m.d.comb += [
            then.over.eq(
                ((now.phase == Phase.FETCH) & (now.counter == COMMAND_WORDS + latency - 2))
                | (flushes & (now.counter == self.flush_cycles - 1))
            ),
            then.fetching.eq(then.phase == Phase.FETCH),
            then.deciding.eq(then.phase == Phase.DECIDE),
            port.prepare.eq(now.deciding),
            port.fetch.eq(now.fetching & (now.counter < COMMAND_WORDS)),
            port.fetch_address.eq((now.command << 3) | now.counter[:3]),
            then.capture.eq(now.fetching & (now.counter >= latency - 1) & (now.counter < COMMAND_WORDS + latency - 1)),
            then.capture_index.eq(now.counter - (latency - 1)),
            port.capture.eq(now.capture),
            port.capture_index.eq(now.capture_index),
            port.halt.eq(halts),
            port.busy.eq(now.phase != Phase.IDLE),
            port.layer_busy.eq(_bits(now, WORKS)),
            port.status_error.eq(now.error),
            port.status_command.eq(now.command),
            port.status_job.eq(now.job),
            port.status_blocks.eq(now.blocks),
            then.state.eq(Mux(now.ended, Mux(now.error == ErrorCode.NONE, State.DONE, State.FAILED), State.READY)),
            port.status_state.eq(now.state),
            port.finished.eq(now.finished),
            then.finished.eq(0),
        ]
        with m.If(port.busy):
            m.d.comb += then.state.eq(State.BUSY)
        m.d.comb += [
            then.faults.eq(command_faults(m, self.config, port.command)),
            then.at_last.eq(now.command == now.last),
        ]

    def _trouble(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """What is wrong, seen in the next cycle: the first that applies."""
        runs = _bits(now, RUNS)
        kept = [
            (runs & now.faults[COMMAND_ERRORS.index(ErrorCode.BAD_CHECKSUM)], ErrorCode.BAD_CHECKSUM),
            (runs & port.collision, ErrorCode.COLLISION),
        ]
        raised = [(port.issue_error != ErrorCode.NONE, port.issue_error),
                  (port.drain_error != ErrorCode.NONE, port.drain_error)]  # fmt: skip
        causes = {("trouble", "troubled"): [*kept, *raised]}
        if self.config.protected:
            struck = [(port.wrong[index], code) for index, code in enumerate(FAULTS)]
            causes = {("trouble", "troubled"): raised, ("fault", "faulted"): [*kept, *struck]}
        applied: list[Value] = []
        for (first, any_at_all), wrong in causes.items():
            target = getattr(then, first)
            applied += (applies for applies, _ in wrong)
            m.d.comb += [
                target.eq(ErrorCode.NONE), getattr(then, any_at_all).eq(Cat(applies for applies, _ in wrong).any())
            ]  # fmt: skip
            for applies, code in reversed(wrong):
                with m.If(applies):
                    m.d.comb += target.eq(code)
        m.d.comb += then.calm.eq(~Cat(applied).any())

    def _protect(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """Replay goes before what the phase does, and the watchdog before everything."""
        starts = (now.phase == Phase.IDLE) & port.start
        # the upper bits are known a cycle late: they don't change while the lower ones are zero
        expired = ~(now.patient | now.watchdog[:WATCHDOG_LOW].any())
        m.d.comb += [port.skip.eq(now.blocks), then.patient.eq(now.watchdog[WATCHDOG_LOW:].any())]
        with m.If(_bits(now, WORKS) & now.faulted):
            self._replay(m, now, then, port, now.fault)
        with m.If(starts | port.commit):
            m.d.comb += then.replays.eq(port.limit)
        with m.If(starts):
            m.d.comb += then.watchdog.eq(Cat(Const(WATCHDOG_UNIT - 1, 10), port.patience - 1))
        with m.Elif(port.busy & ~port.throttled & ~expired):
            m.d.comb += then.watchdog.eq(now.watchdog - 1)
        with m.If(port.busy & (now.phase != Phase.FLUSH) & expired):
            self._fail(m, then, ErrorCode.WATCHDOG)

    def _replay(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component, code) -> None:
        """Begin the command again, or end the job if it has been tried often enough."""
        with m.If(now.replays.any()):
            m.d.comb += [
                then.phase.eq(Phase.REPLAY), then.counter.eq(0), then.replays.eq(now.replays - 1), port.replayed.eq(1),
                then.error.eq(ErrorCode.NONE),
            ]  # fmt: skip
        with m.Else():
            self._fail(m, then, code)

    def _start(self, m: Module, then: SimpleNamespace, port: wiring.Component) -> None:
        end = port.first + port.count
        with m.If(port.start):
            m.d.comb += [
                then.phase.eq(Phase.FETCH),
                then.counter.eq(0),
                then.command.eq(port.first),
                then.last.eq(end - 1),
                then.overflow.eq((port.count == 0) | (end > self.config.commands) | (port.steal_interval < 16)),
                then.job.eq(port.number),
                then.blocks.eq(0),
                then.error.eq(ErrorCode.NONE),
            ]

    def _run(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        commits = now.calm & (port.complete if self.config.protected else port.due != End.NONE)
        with m.If(commits):
            self._commit(m, now, then, port)
        with m.Elif(now.troubled):
            self._fail(m, then, now.trouble)
        if self.config.protected:
            with m.Elif(port.due != End.NONE):
                self._replay(m, now, then, port, ErrorCode.ROWS_MISSING)

    def _commit(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        m.d.comb += [port.commit.eq(1), then.blocks.eq(now.blocks + 1)]
        with m.If(port.due == End.LAYER):
            m.d.comb += port.layer_done.eq(1)
            with m.If(now.at_last):
                self._finish(m, then, port)
            with m.Else():
                m.d.comb += [
                    then.phase.eq(Phase.FETCH),
                    then.counter.eq(0),
                    then.command.eq(now.command + 1),
                    then.blocks.eq(0),
                ]

    def _fail(self, m: Module, then: SimpleNamespace, code) -> None:
        m.d.comb += [then.phase.eq(Phase.FLUSH), then.counter.eq(0), then.error.eq(code)]

    def _finish(self, m: Module, then: SimpleNamespace, port: wiring.Component) -> None:
        m.d.comb += [then.phase.eq(Phase.IDLE), then.ended.eq(1), then.finished.eq(1)]


def _bits(now: SimpleNamespace, which: int) -> Value:
    """Whether one of the bits ``which`` of the phase is high."""
    found: Value = (Value.cast(now.phase) & which).any()
    return found
