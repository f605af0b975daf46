"""One or three copies of control: a struck copy does what the others do, one cycle later or some."""

import random
from functools import lru_cache

import pytest
from amaranth.hdl import Fragment, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from vanallen.rtl.config import preset
from vanallen.rtl.control.commit import CommitMachine
from vanallen.rtl.control.governor import GovernorMachine
from vanallen.rtl.control.job import JobMachine
from vanallen.rtl.control.machine import Control, Machine, Triplicated, replicate
from vanallen.rtl.control.voter import majority
from vanallen.rtl.memory.scrubber import ScrubbedAccessMachine
from vanallen.synth.netlist import read_netlist
from vanallen.tb.formal.copies import machines

FULL = preset("nano", "full")
MACHINES = machines(FULL)
SHIFTS = ("still", "flight")
"""Members that shift: each bit is made of the next one, and the last of none."""

RECOVERY = 7
"""Cycles after a flip in which a copy may hold something else than the others."""


class Counter(Machine):
    """Counts, and shows the count of a cycle ago."""

    flow = frozenset({"shown"})

    def __init__(self):
        self.state = StructLayout({"count": 8, "shown": 8})
        self.ports = {"enable": In(1), "value": Out(8)}

    def step(self, m, now, then, port):
        m.d.comb += [then.count.eq(now.count + port.enable), then.shown.eq(now.count), port.value.eq(now.shown)]


class Three(wiring.Component):
    """Three copies that hear the same, and the registers of each by name."""

    def __init__(self, machine):
        self.three = Triplicated(machine=machine)
        self.inputs = {name: member for name, member in machine.ports.items() if member.flow is In}
        super().__init__({name: Out(member.signature if member.is_signature else member.shape).flip()
                          for name, member in self.inputs.items()})  # fmt: skip

    def elaborate(self, platform):
        m = Module()
        m.submodules.three = fragment = Fragment.get(self.three, None)
        for copy in self.three.copies:
            for name in self.inputs:
                mine, others = getattr(self, name), getattr(copy, name)
                if isinstance(mine, Value | Signal) or not hasattr(mine, "signature"):
                    m.d.comb += Value.cast(others).eq(Value.cast(mine))
                else:
                    for (_, _, one), (_, _, other) in zip(mine.signature.flatten(mine), mine.signature.flatten(others),
                                                          strict=True):  # fmt: skip
                        m.d.comb += Value.cast(other).eq(Value.cast(one))
        self.registers = [_registers(child) for child, name, _ in fragment.subfragments if name.startswith("copy_")]
        return m


def _registers(fragment):
    return {signal.name: signal for one in fragment.statements["sync"] for signal in one._lhs_signals()}


@pytest.mark.parametrize("bits", range(8))
def test_majority(simulate, bits):
    first, second, third = (bits >> index & 1 for index in range(3))
    vote = Signal()
    m = Module()
    m.d.comb += vote.eq(majority(first, second, third))

    async def testbench(ctx):
        assert ctx.get(vote) == (first + second + third >= 2)

    simulate(m, testbench, clocked=False)


def test_one_copy_is_the_machine_alone():
    assert isinstance(replicate(Counter(), 1), Control)
    assert replicate(Counter(), 1).copies[0].voting is False
    assert len(replicate(Counter(), 3).copies) == 3


@pytest.mark.parametrize(
    "machine",
    [Counter(), GovernorMachine(), CommitMachine(config=FULL), JobMachine(config=FULL, flush_cycles=9),
     ScrubbedAccessMachine(rows=16, banks=2)],
    ids=lambda machine: type(machine).__name__,
)  # fmt: skip
def test_any_flip_in_a_copy_is_gone(simulate, machine):
    rng = random.Random(1)
    dut = Three(machine)
    outputs = [name for name, member in machine.ports.items() if member.flow is Out]

    def compare(ctx, cycle, struck=None):
        copies = [index for index in range(3) if index != struck]
        for name in machine.state.members:
            values = [ctx.get(Value.cast(dut.registers[index][name])) for index in copies]
            assert len(set(values)) == 1, (cycle, name, values)
        for name in outputs:
            values = [ctx.get(Value.cast(getattr(dut.three.copies[index], name))) for index in copies]
            assert len(set(values)) == 1, (cycle, name, values)

    async def testbench(ctx):
        seen = 0
        for trial in range(300):
            struck, name = rng.randrange(3), rng.choice(list(machine.state.members))
            register = Value.cast(dut.registers[struck][name])
            for _, member, port in dut.signature.flatten(dut):
                if member.flow is In and rng.random() < 0.5:
                    ctx.set(Value.cast(port), rng.getrandbits(len(Value.cast(port))))
            ctx.set(register, ctx.get(register) ^ 1 << rng.randrange(len(register)))
            for cycle in range(RECOVERY):
                compare(ctx, (trial, cycle), struck)
                await ctx.tick()
                seen += not cycle and ctx.get(dut.three.differs)  # told a cycle later
            compare(ctx, trial)
            await ctx.tick()
            assert not ctx.get(dut.three.differs)
        assert seen > 20

    simulate(dut, testbench)


@lru_cache
def _netlist(name):
    return read_netlist(Control(machine=MACHINES[name]))


def _fed_by(name):
    """By member that flows: the members that flow, too, which its next value is made of."""
    netlist, flow = _netlist(name), MACHINES[name].flow
    owners = {cell: netlist.label(cell).split(".")[-1].split("[")[0] for cell in netlist.registers}
    fed = {member: set() for member in flow}
    for cell, member in owners.items():
        if member in flow:
            for pin in netlist.reached(cell.stored):
                target = owners.get(pin.cell)
                if target in flow:
                    fed[target].add(member)
    return fed


@pytest.mark.parametrize("name", MACHINES)
def test_what_flows_holds_nothing(name):
    """No member that is left out of the vote is made of itself, so what is wrong in it is gone after some cycles."""
    fed = _fed_by(name)
    depth = {}

    def depth_of(member, above=()):
        assert member not in above, f"{member} is made of itself: {above}"
        if member not in depth:
            depth[member] = 1 + max((depth_of(other, (*above, member)) for other in fed[member] - {member}), default=0)
        return depth[member]

    for member in fed:
        if member not in SHIFTS:
            assert member not in fed[member], member
    assert max((depth_of(member) for member in fed), default=0) <= RECOVERY
