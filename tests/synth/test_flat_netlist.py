"""Nets have one number from end to end, whatever they go through; the functions of gates are Yosys's."""

import pytest

from vanallen.synth.flat_netlist import Cell, FlatNetlist


def module(ports, cells=None, top=False, names=None):
    return {
        "attributes": {"top": "1"} if top else {},
        "ports": {name: {"bits": bits} for name, bits in ports.items()},
        "cells": cells or {},
        "netnames": {name: {"hide_name": 0, "bits": bits} for name, bits in (names or ports).items()},
    }


def cell(kind, outputs, **pins):
    directions = {pin: "output" if pin in outputs else "input" for pin in pins}
    return {"type": kind, "parameters": {}, "port_directions": directions, "connections": pins}


def test_ports_that_are_one_net_inside_or_constant():
    wires = module({"i": [2], "through": [2], "high": ["1"], "one": [3], "same": [3]},
                   {"not": cell("$_NOT_", "Y", A=[2], Y=[3])})  # fmt: skip
    top = module(
        {"a": [7], "z": [8]},
        {
            "w": cell("wires", ("through", "high", "one", "same"), i=[7], through=[9], high=[10], one=[11], same=[12]),
            "or": cell("$_OR_", "Y", A=[9], B=[10], Y=[13]),
            "and": cell("$_AND_", "Y", A=[11], B=[12], Y=[8]),
        },
        top=True,
    )
    flat = FlatNetlist({"modules": {"wires": wires, "top": top}})
    cells = {cell.name: cell for cell in flat.cells}
    assert set(cells) == {"w.not", "or", "and"}
    assert cells["or"].inputs == {"A": flat.nets["a"], "B": ("1",)}
    assert cells["and"].inputs["A"] == cells["and"].inputs["B"] == cells["w.not"].outputs["Y"] == flat.nets["w.one"]
    assert flat.nets["w.i"] == flat.nets["w.through"] == flat.nets["a"]
    assert flat.drivers[flat.nets["z"][0]] is cells["and"] and flat.nets["a"][0] not in flat.drivers


def test_an_instance_twice_has_nets_of_its_own():
    inner = module({"i": [2], "o": [3]}, {"not": cell("$_NOT_", "Y", A=[2], Y=[3])})
    instances = {name: cell("inner", "o", i=[2], o=[out]) for name, out in (("a", 3), ("b", 4))}
    flat = FlatNetlist({"modules": {"inner": inner, "top": module({"x": [2], "y": [3, 4]}, instances, top=True)}})
    assert [each.name for each in flat.cells] == ["a.not", "b.not"]
    assert flat.nets["y"] == flat.nets["a.o"] + flat.nets["b.o"] and flat.nets["a.o"] != flat.nets["b.o"]


def test_modules_of_a_library_stay_cells():
    library = {**module({"Q": [2]}), "attributes": {"blackbox": "1"}}
    top = module({"q": [2]}, {"ff": cell("TRELLIS_FF", "Q", CLK=["0"], DI=["1"], Q=[2])}, top=True)
    (register,) = FlatNetlist({"modules": {"TRELLIS_FF": library, "top": top}}).cells
    assert register.is_register and not register.is_gate and not register.holds and "CLK" not in register.inputs


@pytest.mark.parametrize("tops", [0, 2])
def test_one_module_is_the_top(tops):
    modules = {f"m{index}": module({}, top=index < tops) for index in range(3)}
    with pytest.raises(ValueError, match="a netlist must have one top module, not"):
        FlatNetlist({"modules": modules})


TABLES = {"AND": 0b1000, "NAND": 0b0111, "OR": 0b1110, "NOR": 0b0001, "XOR": 0b0110, "XNOR": 0b1001,
          "ANDNOT": 0b0010, "ORNOT": 0b1011}  # fmt: skip
"""By bit A + 2 B, from Yosys's ``help -cells``."""


@pytest.mark.parametrize("kind", TABLES)
def test_gates(kind):
    gate = Cell("g", f"$_{kind}_", {}, {}, {})
    assert gate.is_gate
    assert sum(gate.value({"A": place & 1, "B": place >> 1}) << place for place in range(4)) == TABLES[kind]


def test_other_cells_with_a_value():
    table = Cell("t", "LUT4", {"INIT": "1000000000000010"}, {}, {})
    inputs = [{pin: place >> bit & 1 for bit, pin in enumerate("ABCD")} for place in range(16)]
    assert [place for place in range(16) if table.value(inputs[place])] == [1, 15]
    multiplexer = Cell("m", "$_MUX_", {}, {}, {})
    assert [multiplexer.value({"A": 0, "B": 1, "S": select}) for select in (0, 1)] == [0, 1]
    assert Cell("n", "$_NOT_", {}, {}, {}).value({"A": 0}) == 1
    with pytest.raises(LookupError):
        Cell("c", "CCU2C", {}, {}, {}).value({})
