"""The audit passes a sound netlist in every form, and names what is wrong in netlists that are broken on purpose."""

import copy
import json
import re

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.bus.host_bridge import HostBridge
from vanallen.rtl.config import preset
from vanallen.rtl.control.fill import FillMachine
from vanallen.rtl.control.machine import Control, Triplicated
from vanallen.rtl.control.voter import majority
from vanallen.rtl.memory.access import AccessMachine
from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.synth.area import SCRIPT
from vanallen.synth.audit import audit
from vanallen.synth.listed_inputs import PROTECTED, Exemption
from vanallen.synth.recipe import AFTER_READ, SYNTHESIS_OPTIONS, synthesis_from
from vanallen.synth.share_modules import share_modules
from vanallen.synth.tools import run_tool

FORMS = ("ecp5", "flat", "generic")
"""ECP5's cells with the hierarchy that is kept, the same flattened as for the floorplan, and the gates of the area."""

READ = ("read_rtlil design.il",)
SYNTHESIS = "\n".join(synthesis_from("begin", SYNTHESIS_OPTIONS, "chip"))
FLATTEN = ("setattr -mod -unset keep_hierarchy *", "flatten -noscopeinfo")


def script(form, recipe=AFTER_READ):
    if form == "generic":
        return SCRIPT
    return "\n".join([*READ, *recipe, SYNTHESIS, *(FLATTEN if form == "flat" else ()), "write_json netlist.json"])


FLAT = script("flat")


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


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The netlists of :func:`parts` by form; ECP5's cells are made once, and flattened afterwards."""
    folder = tmp_path_factory.mktemp("sound")
    flat = "\n".join([script("ecp5"), *FLATTEN, "write_json flat.json"])
    found = {"ecp5": synthesized(parts(), folder / "ecp5", flat)}
    found["flat"] = json.loads((folder / "ecp5" / "flat.json").read_text())
    found["generic"] = synthesized(parts(), folder / "generic", SCRIPT)
    return found


HERE = [entry for entry in PROTECTED if entry.owner in ("PairQueue", "Decoder")]


@pytest.mark.parametrize("form", FORMS)
def test_host_bridge_and_scratchpad_are_sound(sound, form):
    found = audit(sound[form], parts(), listed=HERE)
    assert found.failures == []
    assert found.voters == 3 * (13 + 13 + 5)
    assert found.listed_inputs == [
        *(
            f"activation_ram.decoder_{bank}.{what}_register"
            for bank in range(2)
            for what in ("corrected", "uncorrectable")
        ),
        "bridge.addresses.entry_0",
        "bridge.addresses.entry_1",
        "bridge.words.entry_0",
    ]


class Access(wiring.Component):
    """A fill machine and the machine at a RAM's pins, each three times. ``i``: requests, a bit a copy.

    ``steer`` wires ``fill`` of the copies; it gets the module, the copies of both machines and ``i``.
    """

    i: In(3)
    o: Out(3)

    def __init__(self, steer):
        self.steer = steer
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.fill = fill = Triplicated(machine=FillMachine(rows=8))
        m.submodules.access = access = Triplicated(machine=AccessMachine(rows=8, banks=1))
        for place, (fills, each) in enumerate(zip(fill.copies, access.copies, strict=True)):
            m.d.comb += [
                fills.restart.eq(self.i[place]), each.read.eq(self.i[place]), each.read_row.eq(self.i),
                each.write.eq(self.i[place]),
                self.o[place].eq(each.collision ^ each.read_address.xor() ^ each.served ^ fills.filling),
            ]  # fmt: skip
        self.steer(m, fill.copies, access.copies, self.i)
        return m


def each_its_own(m, fills, copies, i):
    for fill, each in zip(fills, copies, strict=True):
        m.d.comb += each.fill.eq(fill.filling)


def one_register(m, fills, copies, i):
    """Steers all three."""
    flag = Signal()
    m.d.sync += flag.eq(i[0])
    for each in copies:
        m.d.comb += each.fill.eq(flag)


def one_flow(m, fills, copies, i):
    """A register of one copy, which is not voted on, steers all three."""
    for each in copies:
        m.d.comb += each.fill.eq(copies[1].collision)


def one_voter(m, fills, copies, i):
    """What one copy makes of its vote steers all three."""
    for each in copies:
        m.d.comb += each.fill.eq(fills[2].filling)


def one_majority(m, fills, copies, i):
    """Gates outside the copies, which follow from all of them, steer all three."""
    for each in copies:
        m.d.comb += each.fill.eq(majority(*(each.collision for each in copies)))


@pytest.fixture(scope="module")
def netlist(tmp_path_factory):
    """``netlist(steer, commands)``: of an :class:`Access`, by default flat, each made once."""
    made = {}

    def make(steer=each_its_own, commands=FLAT):
        if (steer, commands) not in made:
            folder = tmp_path_factory.mktemp("access") / "design"
            made[steer, commands] = synthesized(Access(steer), folder, commands)
        return copy.deepcopy(made[steer, commands])

    return make


def listing(*names):
    return [Exemption("Access", name, "state", "Control", "a test's") for name in names]


def failures(netlist, steer=each_its_own, listed=()):
    return audit(netlist, Access(steer), listed=listing(*listed)).failures


def test_three_copies_are_sound(netlist):
    assert failures(netlist()) == []


def test_copies_merge_where_their_modules_are_not_kept(netlist):
    found = failures(netlist(one_register, script("ecp5", recipe=())), one_register, ["flag"])
    # which copies Yosys merges, and of which members that aren't voted on, is its choice
    merged = r"access\.copy_(\d) follows from access\.copy_(?!\1)\d\.(filling|served|read_address)"
    same = r"access\.copy_(\d)\.(\w+) and access\.copy_(?!\1)\d\.\2 are one register"
    for pattern in (merged, same):
        assert any(re.fullmatch(pattern, text) for text in found)
    assert any(text.startswith("the copies of access have ") for text in found)
    for place in range(3):
        assert f"access.copy_{place}.row has no voter" in found
    assert "access.copy_0 follows from access.copy_1.row without a vote" in found


def test_a_single_register_steers_three(netlist):
    broken = netlist(one_register)
    assert failures(broken, one_register) == ["access follows from flag, which is there once and not listed"]
    found = audit(broken, Access(one_register), listed=listing("fl.g"))
    assert (found.failures, found.listed_inputs) == ([], ["flag"])


def test_a_listed_entry_that_is_stale(netlist):
    stale = ["flag of Access is listed, but no machine that is there three times follows from it"]
    assert failures(netlist(), listed=["flag"]) == stale
    assert failures(netlist(one_register), one_register, ["flag", "flog"]) == [stale[0].replace("flag", "flog")]


def test_registers_of_one_copy_steer_three(netlist):
    found = failures(netlist(one_flow), one_flow)
    assert sorted(found) == [f"access.copy_{place} follows from access.copy_1.collided" for place in (0, 2)]


def test_one_voter_steers_three(netlist):
    found = failures(netlist(one_voter), one_voter)
    assert sorted(found) == [f"access.copy_{place} follows from the voter of fill.copy_2" for place in (0, 1)]


def test_gates_outside_the_copies_follow_from_all_of_them(netlist):
    found = failures(netlist(one_majority), one_majority)
    assert sorted(found) == [f"access.copy_{place} follows from access.copy_{other}.collided"
                             for place in range(3) for other in range(3) if other != place]  # fmt: skip


def rewired(netlist, old, new):
    """``netlist`` with everything that read net ``old`` reading ``new``."""
    for cell in netlist["modules"]["chip"]["cells"].values():
        for pin, nets in cell["connections"].items():
            if cell["port_directions"][pin] == "input":
                cell["connections"][pin] = [new if net == old else net for net in nets]
    return netlist


def net(netlist, name, bit=1):
    named = netlist["modules"]["chip"]["netnames"]
    return next(entry["bits"][bit] for label, entry in named.items() if re.sub(r"\$\d+", "", label) == name)


def drivers(netlist, number):
    """The cells that drive a net, of which there is one."""
    return [
        cell
        for cell in netlist["modules"]["chip"]["cells"].values()
        for pin, nets in cell["connections"].items()
        if cell["port_directions"][pin] == "output" and number in nets
    ]


def renamed(netlist, old, new):
    """``netlist`` with the names of net ``old`` given to ``new``."""
    for entry in netlist["modules"]["chip"]["netnames"].values():
        entry["bits"] = [new if bit == old else bit for bit in entry["bits"]]
    return netlist


def test_two_copies_share_a_voter(netlist):
    broken = netlist()
    one, other = net(broken, "access.copy_1.vote.vote"), net(broken, "access.copy_0.vote.vote")
    found = failures(renamed(rewired(broken, one, other), one, other))
    assert found == ["access.copy_0 and access.copy_1 share the voter of access.copy_1.row",
                     "access.copy_1 follows from the voter of access.copy_0"]  # fmt: skip


def test_the_logic_of_a_copy_reads_another_voter(netlist):
    broken = netlist()
    one, other = net(broken, "access.copy_1.vote.vote"), net(broken, "access.copy_0.vote.vote")
    assert failures(rewired(broken, one, other)) == ["access.copy_1 follows from the voter of access.copy_0"]


def test_the_logic_of_a_copy_reads_its_registers_without_a_vote(netlist):
    broken = netlist()
    vote, row = net(broken, "access.copy_2.vote.vote"), net(broken, "access.copy_2.row")
    assert failures(rewired(broken, vote, row)) == ["access.copy_2 follows from access.copy_2.row without a vote"]


def test_inputs_of_two_voters_are_swapped(netlist):
    broken = netlist()
    third = [net(broken, "access.copy_0.vote.third", bit) for bit in range(2)]
    for bit in range(2):
        (voter,) = drivers(broken, net(broken, "access.copy_0.vote.vote", bit))
        voter["connections"] = {pin: [third[1 - bit] if number == third[bit] else number for number in nets]
                                for pin, nets in voter["connections"].items()}  # fmt: skip
    assert failures(broken) == ["the voter of access.copy_0.row does not give the majority of the three copies"]


@pytest.mark.parametrize("value", ["0", "1"])
def test_an_input_of_a_voter_is_stuck(netlist, value):
    broken = netlist()
    third = net(broken, "access.copy_0.vote.third")
    (voter,) = drivers(broken, net(broken, "access.copy_0.vote.vote"))
    voter["connections"] = {pin: [value if number == third else number for number in nets]
                            for pin, nets in voter["connections"].items()}  # fmt: skip
    assert failures(broken) == ["the voter of access.copy_0.row does not give the majority of the three copies"]


def test_every_wrong_bit_in_the_table_of_a_voter(netlist):
    sound = netlist()
    (voter,) = drivers(sound, net(sound, "access.copy_0.vote.vote"))
    table = int(voter["parameters"]["INIT"], 2)
    used = [place for place in range(16) if not any(place >> bit & 1 for bit, pin in enumerate("ABCD")
                                                     if voter["connections"][pin] == ["0"])]  # fmt: skip
    assert len(used) == 8
    for place in used:
        voter["parameters"]["INIT"] = format(table ^ 1 << place, "016b")
        assert failures(sound) == ["the voter of access.copy_0.row does not give the majority of the three copies"]


def test_a_register_is_gone_from_one_copy(netlist):
    broken = netlist()
    (register,) = drivers(broken, net(broken, "access.copy_1.row"))
    register["connections"]["Q"] = [10**6]
    assert "access.copy_1.row is no register" in failures(broken)


def test_a_register_is_constant_in_one_copy(netlist):
    broken = netlist()
    number = net(broken, "access.copy_1.row")
    broken = renamed(broken, number, "0")
    assert "access.copy_1.row is no register" in failures(rewired(broken, number, "0"))


def test_a_register_that_keeps_its_value(netlist):
    broken = netlist()
    (register,) = drivers(broken, net(broken, "access.copy_1.row"))
    register["connections"]["CE"] = [net(broken, "i", 0)]
    register["port_directions"]["CE"] = "input"
    assert failures(broken) == ["access.copy_1.row keeps its value without a vote"]


class Behind(wiring.Component):
    """An :class:`Access` behind registers that are not looked at."""

    i: In(3)
    o: Out(3)

    def elaborate(self, platform):
        m = Module()
        m.submodules.inner = inner = Access(each_its_own)
        held = Signal(3)
        m.d.sync += [held.eq(self.i), inner.i.eq(held)]
        m.d.comb += self.o.eq(inner.o)
        return m


@pytest.mark.parametrize("form", ["ecp5", "flat"])
def test_what_is_before_the_ports_of_an_instance_does_not_count(tmp_path, form):
    found = synthesized(Behind(), tmp_path, script(form))
    assert audit(found, Behind(), listed=(), under="inner").failures == []
    assert any("which is there once and not listed" in text for text in audit(found, Behind(), listed=()).failures)


class Single(wiring.Component):
    """The machine once."""

    i: In(1)
    o: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.submodules.access = access = Control(machine=AccessMachine(rows=8, banks=1))
        m.d.comb += [access.read.eq(self.i), self.o.eq(access.reads)]
        return m


def test_a_design_in_which_nothing_is_triplicated(tmp_path):
    found = synthesized(Single(), tmp_path, script("generic"))
    assert audit(found, Single(), listed=()).failures == ["nothing is there three times"]
