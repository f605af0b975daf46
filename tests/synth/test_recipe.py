"""What the recipe does to a netlist: nothing round the memories it names, one module a processing element."""

import json
from functools import cache
from typing import ClassVar

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from vanallen.rtl.array.accumulator import Accumulator
from vanallen.rtl.array.processing_element import ProcessingElement
from vanallen.rtl.bus.counters import CycleLog
from vanallen.rtl.control.machine import Machine, Triplicated
from vanallen.rtl.control.voter import agreed
from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.rtl.technology import Technology
from vanallen.synth.netlist import read_netlist
from vanallen.synth.recipe import AFTER_READ, SYNTHESIS_OPTIONS, synthesis_from
from vanallen.synth.tools import run_tool


class Holder(wiring.Component):
    """``part`` under ``name``, its inputs shifted in at ``i``, its outputs shifted out at ``o``."""

    i: In(1)
    o: Out(1)

    def __init__(self, name, part):
        self.name = name
        self.part = part
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules[self.name] = self.part
        ports = [(member.flow, value) for _, member, value in self.part.signature.flatten(self.part)]
        inputs = [value for flow, value in ports if flow is In]
        outputs = [value for flow, value in ports if flow is Out]
        shifted = Signal(sum(len(value) for value in inputs), reset_less=True)
        caught = Signal(sum(len(value) for value in outputs), reset_less=True)
        m.d.sync += shifted.eq((shifted << 1) | self.i)
        start = caught_at = 0
        for value in inputs:
            m.d.comb += value.eq(shifted[start : start + len(value)])
            start += len(value)
        m.d.sync += caught.eq(caught >> 1)
        with m.If(self.i):
            for value in outputs:
                m.d.sync += caught[caught_at : caught_at + len(value)].eq(value)
                caught_at += len(value)
        m.d.comb += self.o.eq(caught[0])
        return m


def cells(design, folder, recipe):
    """How many of each cell ``synth_ecp5`` makes of ``design``, hierarchy added up."""
    (folder / "d.il").write_text(rtlil.convert(design, name="top", emit_src=False))
    (folder / "d.ys").write_text("\n".join(["read_rtlil d.il", *recipe, "synth_ecp5 -top top", "write_json d.json"]))
    run_tool("yosys", ["-q", "d.ys"], folder=folder)
    modules = json.loads((folder / "d.json").read_text())["modules"]
    counts = {}

    def add(name):
        for cell in modules[name]["cells"].values():
            kind = cell["type"]
            counts[kind] = counts.get(kind, 0) + 1
            if kind in modules and not modules[kind]["attributes"].get("blackbox"):
                add(kind)

    add("top")
    return counts


def levels(design, folder, owner):
    """The most tables of four inputs from a register or a port to one of ``owner``'s registers, by its path."""
    script = ["read_rtlil d.il", *AFTER_READ, *synthesis_from("begin", SYNTHESIS_OPTIONS, "top"),
              "setattr -mod -unset keep_hierarchy *", "flatten -noscopeinfo", "write_json d.json"]  # fmt: skip
    (folder / "d.il").write_text(rtlil.convert(design, name="top", emit_src=False))
    (folder / "d.ys").write_text("\n".join(script))
    run_tool("yosys", ["-q", "d.ys"], folder=folder)
    netlist = json.loads((folder / "d.json").read_text())["modules"]["top"]["cells"]
    tables = {cell["connections"]["Z"][0]: [bit for pin in "ABCD" for bit in cell["connections"][pin]]
              for cell in netlist.values() if cell["type"] == "LUT4"}  # fmt: skip

    @cache
    def above(bit):
        return 1 + max(above(source) for source in tables[bit]) if bit in tables else 0

    return max(above(bit) for name, cell in netlist.items() if cell["type"] == "TRELLIS_FF" and name.startswith(owner)
               for bit in cell["connections"]["DI"])  # fmt: skip


def registers(design):
    """Flip-flops that the design itself has, without those inside memories."""
    return sum(len(cell.stored) for cell in read_netlist(design).registers)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("weight_ram", lambda: Scratchpad(rows=1024, banks=1, bank_bits=36)),
        ("activation_ram", lambda: Scratchpad(rows=1024, banks=2, bank_bits=64, protected=True)),
        ("accumulator_3", lambda: Accumulator(rows=512, sum_bits=19)),
        ("cycle_log", CycleLog),
    ],
)
def test_nothing_stands_round_the_memories(tmp_path, name, part):
    own = registers(Holder(name, part()))
    assert cells(Holder(name, part()), tmp_path, AFTER_READ)["TRELLIS_FF"] <= own
    assert cells(Holder(name, part()), tmp_path, AFTER_READ[:1])["TRELLIS_FF"] > own


class Count(Machine):
    """Counts what came in a cycle ago."""

    state = StructLayout({"added": 4, "count": 12})
    flow = frozenset({"added"})
    ports: ClassVar = {"add": In(4), "value": Out(12)}

    def step(self, m, now, then, port):
        m.d.comb += [then.added.eq(port.add), then.count.eq(now.count + now.added), port.value.eq(now.count)]


class Thrice(wiring.Component):
    """Three copies with equal inputs, and what they agree on."""

    i: In(4)
    o: Out(12)

    def elaborate(self, platform):
        m = Module()
        m.submodules.machine = machine = Triplicated(machine=Count())
        m.d.comb += [copy.add.eq(self.i) for copy in machine.copies]
        m.d.comb += self.o.eq(agreed(copy.value for copy in machine.copies))
        return m


def test_copies_keep_registers_of_their_own(tmp_path):
    assert cells(Thrice(), tmp_path, AFTER_READ)["TRELLIS_FF"] == 3 * (4 + 12)
    assert cells(Thrice(), tmp_path, ())["TRELLIS_FF"] < 3 * (4 + 12)


class Pair(wiring.Component):
    """Two equal elements with equal inputs: what Yosys would merge."""

    i: In(8)
    o: Out(18)

    def elaborate(self, platform):
        m = Module()
        elements = [ProcessingElement(row=0, technology=Technology.ECP5) for _ in range(2)]
        for index, element in enumerate(elements):
            m.submodules[f"pe_{index}_0"] = element
            m.d.comb += [element.activation.eq(self.i), element.weight.eq(self.i), element.load.eq(self.i[0]),
                         element.swap.eq(self.i[1])]  # fmt: skip
        m.d.comb += self.o.eq(elements[0].sum_out ^ (elements[1].sum_out << 1))
        return m


def test_a_decoder_has_at_most_six_levels(tmp_path):
    """Of 64 bits, from a stored word to the flags: three of sums, and three of what a syndrome says, mapped apart.
    Fewer than five would mean that they aren't counted."""
    memory = Scratchpad(rows=8192, banks=1, bank_bits=64, writable=False, protected=True)
    assert 5 <= levels(Holder("weight_ram", memory), tmp_path, "weight_ram.decoder_0.") <= 6


def test_elements_keep_registers_of_their_own(tmp_path):
    kept, merged = cells(Pair(), tmp_path, AFTER_READ), cells(Pair(), tmp_path, ())
    assert kept["MULT18X18D"] == 2 and kept["TRELLIS_FF"] > merged["TRELLIS_FF"]
