"""The job: fetches commands one after the other, has them checked and executed, and reports."""

from types import SimpleNamespace

from amaranth.hdl import Module
from amaranth.lib import enum, wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import COMMAND_WORDS, Config
from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.rtl.registers import State

from .command import COMMAND_ERRORS, CommandFields, command_faults
from .machine import Machine

__all__ = ["JobMachine"]


class Phase(enum.Enum, shape=3):
    """Phases of a job."""

    IDLE = 0
    FETCH = 1
    CHECK = 2
    DECIDE = 3
    RUN = 4
    FLUSH = 5
    """After an error: until nothing is in flight any more."""


class JobMachine(Machine):
    """Runs ``count`` commands from ``first`` and reports DONE, or FAILED with the code and the command at fault.

    A command's first slot comes ``timing.FETCH`` cycles after the start of its fetch; it runs until ``layer_done`` or
    an error. The checks of the command as held, and then what is wrong in a running layer, are registered
    (``trouble``): an error is seen one or two cycles after what made it. After an error ``halt`` stops them for
    ``flush_cycles``, so that the next job finds an empty pipeline.
    """

    def __init__(self, *, config: Config, flush_cycles: int):
        self.config = config
        self.flush_cycles = flush_cycles
        self.state = StructLayout({
            "phase": Phase,
            "counter": range(max(flush_cycles, COMMAND_WORDS + Scratchpad.latency) + 1),
            "command": 16,
            "last": 16,
            "at_last": 1,
            "job": 16,
            "blocks": 16,
            "state": State,
            "error": 8,
            "overflow": 1,
            "faults": len(COMMAND_ERRORS),
            "trouble": 8,
        })  # fmt: skip
        self.reset = {"state": State.READY}
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
            "commit": In(1),
            "layer_done": In(1),
            "fetch": Out(1),
            "fetch_address": Out((config.command_rows - 1).bit_length()),
            "capture": Out(1),
            "capture_index": Out(range(COMMAND_WORDS)),
            "prepare": Out(1),
            "begin": Out(1),
            "halt": Out(1),
            "busy": Out(1),
            "layer_busy": Out(1),
            "finished": Out(1),
            "status_state": Out(State),
            "status_error": Out(8),
            "status_command": Out(16),
            "status_job": Out(16),
            "status_blocks": Out(16),
        }  # fmt: skip

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        latency = Scratchpad.latency
        fetching = now.phase == Phase.FETCH
        m.d.comb += [
            port.fetch.eq(fetching & (now.counter < COMMAND_WORDS)),
            port.fetch_address.eq((now.command << 3) | now.counter[:3]),
            port.capture.eq(fetching & (now.counter >= latency)),
            port.capture_index.eq(now.counter - latency),
            port.halt.eq(now.phase == Phase.FLUSH),
            port.busy.eq(now.phase != Phase.IDLE),
            port.layer_busy.eq(port.busy & ~port.halt),
            port.status_state.eq(now.state),
            port.status_error.eq(now.error),
            port.status_command.eq(now.command),
            port.status_job.eq(now.job),
            port.status_blocks.eq(now.blocks),
        ]
        m.d.comb += [
            then.faults.eq(command_faults(m, self.config, port.command)),
            then.at_last.eq(now.command == now.last),
        ]
        wrong = (
            (now.faults[COMMAND_ERRORS.index(ErrorCode.BAD_CHECKSUM)], ErrorCode.BAD_CHECKSUM),
            (port.collision, ErrorCode.COLLISION),
            (port.issue_error != ErrorCode.NONE, port.issue_error),
        )
        m.d.comb += then.trouble.eq(port.drain_error)
        for applies, code in reversed(wrong):
            with m.If(applies):
                m.d.comb += then.trouble.eq(code)
        with m.Switch(now.phase):
            with m.Case(Phase.IDLE):
                self._start(m, then, port)
            with m.Case(Phase.FETCH):
                m.d.comb += then.counter.eq(now.counter + 1)
                with m.If(now.overflow):
                    self._fail(m, then, ErrorCode.BAD_JOB)
                with m.Elif(now.counter == COMMAND_WORDS + latency - 1):
                    m.d.comb += then.phase.eq(Phase.CHECK)
            with m.Case(Phase.CHECK):
                m.d.comb += then.phase.eq(Phase.DECIDE)
            with m.Case(Phase.DECIDE):
                m.d.comb += port.prepare.eq(1)
                with m.If(now.faults == 0):
                    m.d.comb += [port.begin.eq(1), then.phase.eq(Phase.RUN)]
                for index, code in reversed(list(enumerate(COMMAND_ERRORS))):
                    with m.If(now.faults[index]):
                        self._fail(m, then, code)
            with m.Case(Phase.RUN):
                self._run(m, now, then, port)
            with m.Case(Phase.FLUSH):
                m.d.comb += then.counter.eq(now.counter + 1)
                with m.If(now.counter == self.flush_cycles):
                    self._finish(m, then, port, State.FAILED)

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
                then.state.eq(State.BUSY),
            ]

    def _run(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        with m.If(port.commit):
            m.d.comb += then.blocks.eq(now.blocks + 1)
        with m.If(now.trouble != ErrorCode.NONE):
            self._fail(m, then, now.trouble)
        with m.Elif(port.layer_done):
            with m.If(now.at_last):
                self._finish(m, then, port, State.DONE)
            with m.Else():
                m.d.comb += [
                    then.phase.eq(Phase.FETCH),
                    then.counter.eq(0),
                    then.command.eq(now.command + 1),
                    then.blocks.eq(0),
                ]

    def _fail(self, m: Module, then: SimpleNamespace, code) -> None:
        m.d.comb += [then.phase.eq(Phase.FLUSH), then.counter.eq(0), then.error.eq(code)]

    def _finish(self, m: Module, then: SimpleNamespace, port: wiring.Component, state: State) -> None:
        m.d.comb += [then.phase.eq(Phase.IDLE), then.state.eq(state), port.finished.eq(1)]
