"""The audit passes a sound netlist in every form, and names what is wrong in netlists that are broken on purpose."""

import copy
import json
from dataclasses import replace

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.bus.host_bridge import HostBridge
from vanallen.rtl.config import preset
from vanallen.rtl.control.machine import Control, Triplicated
from vanallen.rtl.control.voter import majority
from vanallen.rtl.memory.access import AccessMachine
from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.synth.area import SCRIPT
from vanallen.synth.audit import audit
from vanallen.synth.flat_netlist import FlatNetlist
from vanallen.synth.listed_inputs import LISTED
from vanallen.synth.recipe import AFTER_READ, SYNTHESIS_OPTIONS
from vanallen.synth.share_modules import share_modules
from vanallen.synth.tools import run_tool

FORMS = ("ecp5", "flat", "generic")
"""ECP5's cells with the hierarchy that is kept, the same flattened as for the floorplan, and what is measured for area."""

READ = ("read_rtlil design.il",)
SYNTHESIS = f"synth_ecp5 {' '.join(SYNTHESIS_OPTIONS)} -top chip"
FLATTEN = ("setattr -mod -unset keep_hierarchy *", "flatten -noscopeinfo")


def script(form, recipe=AFTER_READ):
    if form == "generic":
        return SCRIPT
    return "\n".join([*READ, *recipe, SYNTHESIS, *(FLATTEN if form == "flat" else ()), "write_json netlist.json"])


def synthesized(design, folder, commands):
    folder.mkdir(exist_ok=True)
    (folder / "design.il").write_text(share_modules(rtlil.convert(design, name="chip", emit_src=False)))
    (folder / "design.ys").write_text(commands)
    run_tool("yosys", ["-q", "design.ys"], folder=folder)
    return json.loads((folder / "netlist.json").read_text())


class Holder(wiring.Component):
    """Parts by the names that they have in the accelerator; their ports are its own."""

    def __init__(self, **parts):
        self.parts = parts
        super().__init__({name: Out(part.signature) for name, part in parts.items()})

    def elaborate(self, platform):
        m = Module()
        for name, part in self.parts.items():
            m.submodules[name] = part
            outside = getattr(self, name)
            both = zip(part.signature.flatten(part), part.signature.flatten(outside), strict=True)
            m.d.comb += [inner.eq(outer) if member.flow is In else outer.eq(inner)
                         for (_, member, inner), (_, _, outer) in both]  # fmt: skip
        return m


def parts():
    ram = Scratchpad(rows=16, banks=2, bank_bits=16, protected=True)
    return Holder(bridge=HostBridge(config=preset("nano", "full")), activation_ram=ram)


@pytest.mark.parametrize("form", FORMS)
def test_host_bridge_and_scratchpad_are_sound(tmp_path, form):
    found = audit(synthesized(parts(), tmp_path, script(form)), parts())
    assert found.failures == []
    assert found.voters == 3 * (12 + 9 + 4)
    assert found.listed_inputs == [
        "activation_ram.decoder_0.corrected_register", "activation_ram.decoder_1.corrected_register",
        "bridge.addresses.entry_0", "bridge.reads.address", "bridge.words.entry_0",
    ]  # fmt: skip


class Access(wiring.Component):
    """The machine at a RAM's pins, three times. ``i``: requests, a bit a copy; ``o``: what comes of them.

    ``steer`` wires ``fill`` of the copies, otherwise low; it gets the module, the copies and ``i``.
    """

    i: In(3)
    o: Out(3)

    def __init__(self, steer=None):
        self.steer = steer
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.access = access = Triplicated(machine=AccessMachine(rows=8, banks=1))
        for place, each in enumerate(access.copies):
            m.d.comb += [
                each.read.eq(self.i[place]), each.read_row.eq(self.i), each.write.eq(self.i[place]),
                self.o[place].eq(each.collision ^ each.read_address.xor() ^ each.served),
            ]  # fmt: skip
        if self.steer:
            self.steer(m, access.copies, self.i)
        return m


def each_its_own(m, copies, i):
    for place, each in enumerate(copies):
        m.d.comb += each.fill.eq(i[place])


def one_register(m, copies, i):
    """Steers all three."""
    flag = Signal()
    m.d.sync += flag.eq(i[0])
    for each in copies:
        m.d.comb += each.fill.eq(flag)


def one_flow(m, copies, i):
    """A register of one copy, which is not voted on, steers all three."""
    for each in copies:
        m.d.comb += each.fill.eq(copies[1].collision)


def one_voter(m, copies, i):
    """What one copy makes of its vote steers all three."""
    for each in copies:
        m.d.comb += each.fill.eq(copies[2].voted_row)


def one_majority(m, copies, i):
    """Gates outside the copies, which follow from all of them, steer all three."""
    for each in copies:
        m.d.comb += each.fill.eq(majority(*(each.collision for each in copies)))


@pytest.fixture(scope="module")
def access(tmp_path_factory):
    """The netlist of a sound design, flat: a top module whose cells and nets are easily changed."""
    return synthesized(Access(each_its_own), tmp_path_factory.mktemp("access") / "flat", script("flat"))


def failures(netlist, steer=each_its_own, listed=None):
    return audit(netlist, Access(steer), listed=listed or {}).failures
