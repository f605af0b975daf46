"""The accelerator: everything up to its AXI4-Lite port."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.data import Layout
from amaranth.lib.wiring import In, Out, connect, flipped

from .array.unit import INJECTIONS, ArrayUnit
from .bus.axi_lite import AxiLitePort
from .bus.counters import LAYERS_LOGGED, CycleLog, SaturatingCounter
from .bus.host_bridge import MEMORIES, HostBridge
from .bus.register_file import RegisterFile
from .commands import ErrorCode
from .config import Config
from .control.command import CommandStore
from .control.commit import CommitMachine
from .control.drain import DrainMachine
from .control.fill import FillMachine
from .control.governor import GovernorMachine
from .control.host import HostMachine
from .control.issue import IssueMachine
from .control.job import FAULTS, JobMachine
from .control.machine import replicate
from .control.tag import End, sound
from .control.voter import agreed
from .memory.scratchpad import Scratchpad
from .registers import CLEARED, Injection, Window, register, window_banks, window_rows
from .requant.lane import Parameter
from .requant.requantizer import Requantizer
from .technology import Technology

__all__ = ["Accelerator"]

PARAMETER_BIT = Layout.cast(Parameter)["exponent"].offset - 1
"""The bit of a parameter that is hit: the highest of its fraction, which goes into a register as it is."""


class Accelerator(wiring.Component):
    """A systolic int8 matrix accelerator that runs a list of commands, one command a layer.

    Members: ``bus``, an AXI4-Lite subordinate of 64 bits (address map: ``rtl.registers``); ``interrupt``, high while a
    job has ended and the host has not acknowledged it; ``thermal_alarm``, from any clock, halves what the governor lets
    pass.

    After reset it fills its memories (as many cycles as the deepest has rows; long enough for what was in flight to
    leave the pipeline), then takes jobs. Cycles of a command are those of the cycle model, exactly.

    With protection every machine is there three times, and copy k of one is wired to copy k of the others.
    """

    def __init__(self, *, config: Config, technology: Technology = Technology.GENERIC):
        self.config = config
        self.memories = {}
        for window in MEMORIES:
            banks, bits = window_banks(config, window)
            self.memories[window.name.lower()] = Scratchpad(
                rows=window_rows(config, window), banks=banks, bank_bits=bits,
                writable=window is Window.ACTIVATION, protected=config.protected,
            )  # fmt: skip
        self.array = ArrayUnit(config=config, technology=technology)
        self.requantizer = Requantizer(config=config, technology=technology)
        in_flight = self.array.latency + self.array.drain_latency + self.requantizer.latency
        deepest = max(memory.rows for memory in self.memories.values())
        self.store = CommandStore()
        self.bridge = HostBridge(config=config)
        machines = {
            "fill": FillMachine(rows=max(deepest, LAYERS_LOGGED, in_flight + 4)),
            "host": HostMachine(protected=config.protected),
            "governor": GovernorMachine(),
            "job": JobMachine(config=config, flush_cycles=in_flight + 4),
            "issue": IssueMachine(config=config),
            "drain": DrainMachine(config=config),
        }
        if config.protected:
            machines["commit"] = CommitMachine(config=config)
        self.machines = {name: replicate(machine, config.copies) for name, machine in machines.items()}
        super().__init__({"bus": In(AxiLitePort()), "interrupt": Out(1), "thermal_alarm": In(1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        for name, memory in self.memories.items():
            m.submodules[f"{name}_ram"] = memory
        for name in ("array", "requantizer", "store", "bridge"):
            m.submodules[name] = getattr(self, name)
        for name, machine in self.machines.items():
            m.submodules[name] = machine
        self._alarm = self._synchronize(m, self.thermal_alarm)
        if self.config.protected:  # the checks at the requantizer's end: a cycle on their way to the job is left
            self._found = Signal(2, name="found", reset_less=True)
            m.d.sync += self._found.eq(
                Cat(~sound(self.requantizer.retired), self.requantizer.wrong.as_value().any()))  # fmt: skip
        self._hits: list[Value] = []
        self._choices: dict[Injection, Signal] = {}
        self._injected = Signal(reset_less=True, name="injected")
        for index in range(self.config.copies):
            copies = {name: machine.copies[index] for name, machine in self.machines.items()}
            self._memories(m, index, **copies)
            self._control(m, index, **copies)
            if self.config.protected:
                self._protection(m, index, **copies)
            else:
                retired = self.requantizer.retired
                m.d.comb += copies["job"].due.eq(Mux(retired.valid, retired.end, End.NONE))
        self._data_path(m)
        self._registers(m)
        if self.config.protected:
            self._inject(m)
        connect(m, flipped(self.bus), self.bridge.port)
        return m

    def _agreed(self, machine: str, port: str) -> Value:
        """What the copies of a machine say, for what is there once."""
        return agreed(getattr(copy, port) for copy in self.machines[machine].copies)

    def _synchronize(self, m: Module, signal: Signal) -> Signal:
        stages = [Signal(name=f"thermal_alarm_{stage}", reset_less=True) for stage in range(2)]
        m.d.sync += [stages[0].eq(signal), stages[1].eq(stages[0])]
        return stages[1]

    def _memories(self, m: Module, index: int, *, fill, host, job, issue, drain, **_) -> None:
        """Who asks for which row. Host and fill pass are alike for every memory."""
        for name, memory in self.memories.items():
            asks, writes = getattr(self.bridge, f"{name}_read")[index], getattr(self.bridge, f"{name}_write")[index]
            connect(m, asks, memory.host_read[index])
            connect(m, writes, memory.host_write[index])
            m.d.comb += memory.fill[index].eq(fill.filling)
            if self.config.protected:
                m.d.comb += memory.stray[index].eq(self.bridge.stray[index])
        activation, weight, parameter, command = (
            self.memories[name] for name in ("activation", "weight", "parameter", "command")
        )
        write = self.requantizer.write
        if self.config.protected:
            # the word of a tag that has changed, or of a block that will be done again, may belong anywhere
            m.d.comb += [activation.unsound[index].eq(~sound(self.requantizer.asking)),
                         activation.blocked[index].eq(job.halt)]  # fmt: skip
        m.d.comb += [
            activation.write[index].enable.eq(write.enable), activation.write[index].address.eq(write.address),
            activation.read[index].enable.eq(issue.read), activation.read[index].address.eq(issue.address),
            weight.read[index].enable.eq(issue.tag.load), weight.read[index].address.eq(issue.weight_address),
            parameter.read[index].enable.eq(drain.parameter_read),
            parameter.read[index].address.eq(drain.parameter_address),
            command.read[index].enable.eq(job.fetch), command.read[index].address.eq(job.fetch_address),
            self.bridge.idle[index].eq(host.idle), host.busy.eq(job.busy | fill.zero),
        ]  # fmt: skip

    def _control(self, m: Module, index: int, *, fill, host, governor, job, issue, drain, **_) -> None:
        for machine in (job, issue, drain):
            connect(m, self.store.command, machine.command)
            m.d.comb += machine.restart.eq(fill.zero)
        collided = reduce(or_, (memory.collision[index] for memory in self.memories.values()))
        m.d.comb += [
            host.write.eq(self.bridge.register_write[index]), host.good.eq(self.bridge.register_good[index]),
            host.address.eq(self.bridge.register_address), host.data.eq(self.bridge.register_word),
            host.finished.eq(job.finished),
            fill.restart.eq(host.reset),
            job.start.eq(host.start), job.first.eq(host.first), job.count.eq(host.count), job.number.eq(host.number),
            job.steal_interval.eq(host.steal_interval), issue.steal_interval.eq(host.steal_interval),
            issue.prepare.eq(job.prepare), issue.begin.eq(job.begin), drain.prepare.eq(job.prepare),
            issue.halt.eq(job.halt), drain.halt.eq(job.halt), issue.commit.eq(job.commit),
            job.issue_error.eq(issue.error), job.drain_error.eq(drain.error),
            job.collision.eq(collided), drain.arrived.eq(self.array.arrived),
            drain.last_block.eq(issue.last_block), drain.last_rows.eq(issue.last_rows),
            governor.begin.eq(host.start), governor.window.eq(host.window), governor.slots.eq(host.slots),
            governor.alarm.eq(self._alarm), issue.throttle.eq(governor.throttle),
        ]  # fmt: skip

    def _protection(self, m: Module, index: int, *, fill, host, job, issue, drain, commit, **_) -> None:
        """What a protected build's machines hear of each other, and of the checks."""
        array, retired, found = self.array.wrong, self.requantizer.retired, self._found
        wrong = {
            **{ErrorCode[f"{name.upper()}_MEMORY"]: memory.wrong[index] for name, memory in self.memories.items()},
            ErrorCode.TAG: array.tag | found[0], ErrorCode.WEIGHT_IDENTITY: array.identity,
            ErrorCode.WEIGHT_PARITY: array.weight, ErrorCode.ACTIVATION_PARITY: array.activation,
            ErrorCode.CHECKSUM: array.row, ErrorCode.REQUANTIZER: found[1],
        }  # fmt: skip
        throttled = issue.throttled
        if index == 0:  # from this copy's host registers, as the copy follows from no other copy
            throttled = throttled ^ (host.hits_copy & ~self._injected)  # nothing while it isn't busy
        m.d.comb += [
            commit.restart.eq(fill.zero), commit.prepare.eq(job.prepare), commit.halt.eq(job.halt),
            commit.retired.eq(retired), drain.due.eq(commit.due_next), commit.block_rows.eq(drain.rows),
            job.due.eq(commit.due), job.complete.eq(commit.complete), job.wrong.eq(Cat(wrong[code] for code in FAULTS)),
            job.limit.eq(host.replay_limit), job.patience.eq(host.patience), job.throttled.eq(throttled),
            issue.skip.eq(job.skip), drain.skips_row.eq(issue.skips_row), drain.skips.eq(issue.skips),
        ]  # fmt: skip

    def _data_path(self, m: Module) -> None:
        array, requantizer = self.array, self.requantizer
        activation, weight, parameter = (self.memories[name] for name in ("activation", "weight", "parameter"))
        command = self.store.command
        tag, drain_tag = (Value.cast(self._agreed(machine, "tag")) for machine in ("issue", "drain"))
        m.d.comb += [
            self.store.load.eq(self._agreed("job", "capture")),
            self.store.index.eq(self._agreed("job", "capture_index")),
            self.store.word.eq(
                self._hit(self.memories["command"].data, Injection.COMMAND_HELD, self._agreed("job", "capture"))),
            activation.write_data.eq(
                self._hit_next(m, requantizer.write_data, Injection.REQUANTIZER_WORD,
                               requantizer.asking.valid & requantizer.asking.write)),
            array.tag.eq(self._hit(tag, Injection.TAG_ROW, tag[0], array.issue_layout["row"].offset)),
            array.drain_tag.eq(
                self._hit(drain_tag, Injection.TAG_DRAIN, drain_tag[0], array.drain_layout["row"].offset)),
            self.bridge.fill.eq(self._agreed("fill", "zero")),
            array.activations.as_value().eq(activation.data), array.weights.as_value().eq(weight.data),
            array.zero_point.eq(command.input_zero_point),
            requantizer.tag.eq(array.drained_tag), requantizer.accumulators.eq(array.drained),
            requantizer.parameters.as_value().eq(
                self._hit(parameter.data, Injection.REQUANTIZER_PARAMETER, requantizer.tag.valid, PARAMETER_BIT)),
            requantizer.zero_point.eq(command.output_zero_point),
            requantizer.low.eq(command.clamp_low), requantizer.high.eq(command.clamp_high),
        ]  # fmt: skip
        if self.config.protected:
            m.d.comb += [
                array.activation_parity.eq(activation.parity), array.weight_parity.eq(weight.parity),
                Value.cast(requantizer.parameter_parity).eq(parameter.parity),
                activation.write_parity.eq(requantizer.write_parity),
            ]  # fmt: skip
        for name, memory in self.memories.items():
            m.d.comb += [
                memory.host_data.eq(self.bridge.word),
                getattr(self.bridge, f"{name}_data").eq(memory.data),
            ]
            if self.config.protected:
                m.d.comb += [
                    getattr(self.bridge, f"{name}_failed").eq(memory.failed),
                    getattr(self.bridge, f"{name}_parity").eq(memory.parity),
                ]

    def _hit(self, value: ValueLike, point: Injection, when: ValueLike, bit: int = 0) -> Value:
        """``value``, one ``bit`` of it flipped if the host chose ``point``, at the first opportunity."""
        unhit: Value = Value.cast(value)
        if not self.config.protected:
            return unhit
        hit: Value = self._chosen(point) & when
        self._hits.append(hit)
        changed: Value = unhit ^ (hit << bit)
        return changed

    def _hit_next(self, m: Module, value: ValueLike, point: Injection, soon: ValueLike) -> Value:
        """Likewise, its lowest bit, where the opportunity is known a cycle before."""
        unhit: Value = Value.cast(value)
        if not self.config.protected:
            return unhit
        hit = Signal(name=f"hits_{point.name.lower()}", reset_less=True)
        m.d.sync += hit.eq(self._chosen(point) & ~hit & soon)
        self._hits.append(hit)
        changed: Value = unhit ^ hit
        return changed

    def _chosen(self, point: Injection) -> Value:
        """Whether ``point`` is to be hit: from a register, as what the host chose is far from most points."""
        chosen = self._choices.setdefault(point, Signal(name=f"chosen_{point.name.lower()}", reset_less=True))
        due: Value = chosen & ~self._injected
        return due

    def _inject(self, m: Module) -> None:
        """What the host chose inside other components, and whether anything was hit.

        That takes a register, in whose cycle nothing is chosen: through gates alone each copy of the host registers
        would follow from the others.
        """
        for name, memory in self.memories.items():
            single, double = (self._chosen(Injection[f"{name.upper()}_RAM_{kind}"]) for kind in ("SINGLE", "DOUBLE"))
            m.d.comb += memory.inject.eq(Cat(single | double, double))
            self._hits.append(memory.injected)
        self._hits.append(self._agreed("host", "hits_copy") & ~self._injected & self._agreed("job", "busy"))
        array, bridge = self.array, self.bridge
        m.d.comb += [
            *(array.inject[name].eq(self._chosen(Injection[f"ARRAY_{name.upper()}"])) for name, _ in INJECTIONS),
            bridge.inject.eq(self._chosen(Injection.HOST_WORD)),
            *(copy.injected.eq(self._injected) for copy in self.machines["host"].copies),
        ]  # fmt: skip
        m.d.sync += self._injected.eq(Cat(*self._hits, array.injected, bridge.injected).any())
        for point, chosen in self._choices.items():
            m.d.sync += chosen.eq((self._agreed("host", "inject") == point) & ~self._injected)

    def _registers(self, m: Module) -> None:
        bridge = self.bridge
        m.submodules.registers = registers = RegisterFile(config=self.config)
        m.submodules.cycle_log = log = CycleLog()
        filling = self._agreed("fill", "filling")
        settings = self.machines["host"].machine.settings
        m.d.comb += [
            registers.address.eq(bridge.read_address), bridge.register_value.eq(registers.value),
            registers.layer_cycles_count.eq(log.value), log.address.eq(bridge.log_address),
            log.count.eq(self._agreed("job", "layer_busy")), log.done.eq(self._agreed("job", "layer_done")),
            log.index.eq(self._agreed("job", "status_command")), log.fill.eq(filling),
            *(getattr(registers, f"status_{field.name}").eq(self._agreed("job", f"status_{field.name}"))
              for field in register("status").fields),
            registers.interrupt_enable.eq(self._agreed("host", "enable")),
            registers.interrupt_pending.eq(self._agreed("host", "pending")),
            self.interrupt.eq(self._agreed("host", "interrupt")),
            *(getattr(registers, f"{entry}_{field}").eq(self._agreed("host", name))
              for name, (entry, field) in settings.items()),
        ]  # fmt: skip
        events = {
            "job_cycles": self._agreed("job", "busy"), "issued_slots": self._agreed("issue", "issued"),
            "stalled_slots": self._agreed("issue", "stalled"), "stolen_slots": self._agreed("issue", "stolen"),
            "throttled_slots": self._agreed("issue", "throttled"),
        }  # fmt: skip
        if self.config.protected:
            events |= self._faults_seen(m, registers)
        clears = Value.cast(self._agreed("host", "clear"))
        if self.config.protected:
            self._checks(m, registers, clears)
        for name, event in events.items():
            m.submodules[name] = counter = SaturatingCounter(bits=register(name).field("count").width)
            m.d.comb += [counter.count.eq(event), counter.clear.eq(clears[CLEARED.index(name)])]
            m.d.comb += getattr(registers, f"{name}_count").eq(counter.value)

    def _checks(self, m: Module, registers: RegisterFile, clears: Value) -> None:
        """A counter for each check of the data path; the checksums of transfers."""
        wrong = Value.cast(self._agreed("job", "wrong"))
        for field in register("faults").fields:
            m.submodules[f"fault_{field.name}"] = counter = SaturatingCounter(bits=field.width)
            m.d.comb += [
                counter.count.eq(self._agreed("job", "busy") & wrong[FAULTS.index(ErrorCode[field.name.upper()])]),
                counter.clear.eq(clears[CLEARED.index("faults")]),
                getattr(registers, f"faults_{field.name}").eq(counter.value),
            ]
        for name in ("written", "read_back"):
            m.d.comb += [
                getattr(registers, f"{name}_checksum").eq(getattr(self.bridge, name)),
                getattr(self.bridge, f"clear_{name}").eq(clears[CLEARED.index(name)]),
            ]

    def _faults_seen(self, m: Module, registers: RegisterFile) -> dict[str, Value]:
        """What the protection did, for the host to know: events that are counted, and the last word with wrong bits."""
        last = {field.name: Signal(field.width, name=f"last_{field.name}") for field in register("last_failure").fields}
        m.d.comb += [getattr(registers, f"last_failure_{name}").eq(value) for name, value in last.items()]
        for name, memory in self.memories.items():
            with m.If(memory.corrected | memory.uncorrectable):
                m.d.sync += [
                    last["row"].eq(memory.row), last["window"].eq(Window[name.upper()]),
                    last["uncorrectable"].eq(memory.uncorrectable),
                ]  # fmt: skip
        memories = self.memories.values()
        return {
            "corrected": reduce(or_, (memory.corrected for memory in memories)),
            "uncorrectable": reduce(or_, (memory.uncorrectable for memory in memories)),
            "recovered": self._agreed("job", "replayed"),
            "outvoted": reduce(or_, (part.differs for part in (*self.machines.values(), *memories, self.bridge))),
            "refused_writes": self.bridge.refused,
        }
