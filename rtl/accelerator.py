"""The accelerator: everything up to its AXI4-Lite port."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .array.unit import ArrayUnit
from .bus.axi_lite import AxiLitePort
from .bus.counters import LAYERS_LOGGED, CycleLog, SaturatingCounter
from .bus.host_bridge import MEMORIES, HostBridge
from .bus.register_file import RegisterFile
from .config import Config
from .control.command import CommandStore
from .control.drain import DrainMachine
from .control.fill import FillMachine
from .control.host import HostMachine
from .control.issue import IssueMachine
from .control.job import JobMachine
from .control.machine import Control
from .control.tag import End
from .memory.scratchpad import Scratchpad
from .registers import COUNTERS, State, register, window_banks, window_rows
from .requant.requantizer import Requantizer
from .technology import Technology

__all__ = ["Accelerator"]


class Accelerator(wiring.Component):
    """A systolic int8 matrix accelerator that runs a list of commands, one command a layer.

    Members: ``bus``, an AXI4-Lite subordinate of 64 bits (address map: ``rtl.registers``); ``interrupt``, high while a
    job has ended and the host has not acknowledged it.

    After reset it fills its memories (as many cycles as the deepest has rows; long enough for what was in flight to
    leave the pipeline), then takes jobs. Cycles of a command are those of the cycle model, exactly.
    """

    def __init__(self, *, config: Config, technology: Technology = Technology.GENERIC):
        self.config = config
        self.memories = {}
        for window in MEMORIES:
            banks, bits = window_banks(config, window)
            self.memories[window.name.lower()] = Scratchpad(
                rows=window_rows(config, window), banks=banks, bank_bits=bits
            )
        self.array = ArrayUnit(config=config, technology=technology)
        self.requantizer = Requantizer(config=config, technology=technology)
        in_flight = self.array.latency + self.array.drain_latency + self.requantizer.latency
        deepest = max(memory.rows for memory in self.memories.values())
        self.fill = Control(machine=FillMachine(rows=max(deepest, LAYERS_LOGGED, in_flight + 4)))
        self.host = Control(machine=HostMachine())
        self.job = Control(machine=JobMachine(config=config, flush_cycles=in_flight + 4))
        self.issue = Control(machine=IssueMachine(config=config))
        self.drain = Control(machine=DrainMachine(config=config))
        self.store = CommandStore()
        self.bridge = HostBridge(config=config)
        super().__init__({"bus": In(AxiLitePort()), "interrupt": Out(1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        for name, memory in self.memories.items():
            m.submodules[f"{name}_ram"] = memory
        for name in ("array", "requantizer", "fill", "host", "job", "issue", "drain", "store", "bridge"):
            m.submodules[name] = getattr(self, name)
        self._memories(m)
        self._control(m)
        self._data_path(m)
        self._registers(m)
        connect(m, flipped(self.bus), self.bridge.port)
        return m

    def _memories(self, m: Module) -> None:
        """Host and fill pass, alike for every memory."""
        for name, memory in self.memories.items():
            connect(m, getattr(self.bridge, f"{name}_read"), memory.host_read)
            connect(m, getattr(self.bridge, f"{name}_write"), memory.host_write)
            m.d.comb += [
                getattr(self.bridge, f"{name}_data").eq(memory.data),
                memory.fill.eq(self.fill.filling),
            ]

    def _control(self, m: Module) -> None:
        job, issue, drain, host, fill = self.job, self.issue, self.drain, self.host, self.fill
        for machine in (job, issue, drain):
            connect(m, self.store.command, machine.command)
            m.d.comb += machine.restart.eq(fill.filling)
        retired = self.requantizer.retired
        commit = retired.valid & (retired.end != End.NONE)
        m.d.comb += [
            fill.restart.eq(host.reset),
            job.start.eq(host.start), job.first.eq(host.first), job.count.eq(host.count), job.number.eq(host.number),
            job.steal_interval.eq(host.steal_interval), issue.steal_interval.eq(host.steal_interval),
            issue.prepare.eq(job.prepare), issue.begin.eq(job.begin), drain.prepare.eq(job.prepare),
            issue.halt.eq(job.halt), drain.halt.eq(job.halt),
            job.issue_error.eq(issue.error), job.drain_error.eq(drain.error),
            job.collision.eq(job.busy & self._collisions()),
            job.commit.eq(commit), issue.commit.eq(commit),
            job.layer_done.eq(commit & (retired.end == End.LAYER)),
            host.finished.eq(job.finished),
            self.store.load.eq(job.capture), self.store.index.eq(job.capture_index),
            self.store.word.eq(self.memories["command"].data),
            self.memories["command"].read.enable.eq(job.fetch),
            self.memories["command"].read.address.eq(job.fetch_address),
            self.bridge.idle.eq(~job.busy & ~host.start & ~fill.filling & ~host.reset),
            self.interrupt.eq(host.interrupt),
        ]  # fmt: skip

    def _collisions(self):
        collisions = [memory.collision for memory in self.memories.values()]
        return sum(collisions[1:], collisions[0]) != 0

    def _data_path(self, m: Module) -> None:
        array, requantizer, issue, drain = self.array, self.requantizer, self.issue, self.drain
        activation, weight, parameter = (self.memories[name] for name in ("activation", "weight", "parameter"))
        command = self.store.command
        connect(m, requantizer.write, activation.write)
        m.d.comb += [
            activation.read.enable.eq(issue.read), activation.read.address.eq(issue.address),
            weight.read.enable.eq(issue.tag.load), weight.read.address.eq(issue.weight_address),
            parameter.read.enable.eq(drain.parameter_read), parameter.read.address.eq(drain.parameter_address),
            array.tag.eq(issue.tag), array.drain_tag.eq(drain.tag), drain.arrived.eq(array.arrived),
            array.activations.as_value().eq(activation.data), array.weights.as_value().eq(weight.data),
            array.zero_point.eq(command.input_zero_point),
            requantizer.tag.eq(array.drained_tag), requantizer.accumulators.eq(array.drained),
            requantizer.parameters.as_value().eq(parameter.data),
            requantizer.zero_point.eq(command.output_zero_point),
            requantizer.low.eq(command.clamp_low), requantizer.high.eq(command.clamp_high),
        ]  # fmt: skip

    def _registers(self, m: Module) -> None:
        host, job, bridge = self.host, self.job, self.bridge
        m.submodules.registers = registers = RegisterFile(config=self.config)
        m.submodules.cycle_log = log = CycleLog()
        m.d.comb += [
            host.write.eq(bridge.register_write), host.address.eq(bridge.register_address),
            host.data.eq(bridge.register_word),
            registers.address.eq(bridge.read_address), bridge.register_value.eq(registers.value),
            registers.layer_cycles_count.eq(log.value), log.address.eq(bridge.log_address),
            log.count.eq(job.layer_busy), log.done.eq(job.layer_done), log.index.eq(job.status_command),
            log.fill.eq(self.fill.filling),
            *(getattr(registers, f"status_{field.name}").eq(getattr(job, f"status_{field.name}"))
              for field in register("status").fields),
            registers.interrupt_enable.eq(host.enable), registers.interrupt_pending.eq(host.pending),
            registers.steal_interval_slots.eq(host.steal_interval),
        ]  # fmt: skip
        with m.If(self.fill.filling):
            m.d.comb += registers.status_state.eq(State.FILLING)
        events = {
            "job_cycles": job.busy, "issued_slots": self.issue.issued,
            "stalled_slots": self.issue.stalled, "stolen_slots": self.issue.stolen,
        }  # fmt: skip
        for index, name in enumerate(COUNTERS):
            m.submodules[name] = counter = SaturatingCounter(bits=register(name).field("count").width)
            m.d.comb += [counter.count.eq(events[name]), counter.clear.eq(host.clear[index])]
            m.d.comb += getattr(registers, f"{name}_count").eq(counter.value)
