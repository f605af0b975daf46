"""Gate equivalents: every cell has a weight, sums are right, figures of known blocks are where they were measured."""

import re
import subprocess

import pytest

from vanallen.rtl.array.processing_element import ProcessingElement
from vanallen.rtl.config import PRESETS, preset
from vanallen.rtl.requant.lane import Lane
from vanallen.synth.area import area_of, measure_area
from vanallen.synth.errors import ToolMissing
from vanallen.synth.tools import TOOLS, program
from vanallen.synth.weights import GATES, weight


def test_every_gate_and_flip_flop_of_yosys_has_a_weight():
    run = subprocess.run([program("yosys"), "-p", "help -cells"], capture_output=True, text=True, check=True)
    cells = set(re.findall(r"\$_[A-Z0-9]+(?:_[NP01]+)?_", run.stdout))
    flip_flops = {cell for cell in cells if re.match(r"\$_S?DFF(CE|E)?_", cell)}
    assert len(flip_flops) > 30 and all(weight(cell) is not None for cell in flip_flops)
    assert set(GATES) <= cells


@pytest.mark.parametrize(
    ("cell", "gates"),
    [
        ("$_NAND_", 1), ("$_XOR_", 2.5), ("$_DFF_P_", 5.33), ("$_SDFF_PP0_", 6.33), ("$_DFF_PN1_", 6.33),
        ("$_DFFE_PP_", 7.33), ("$_SDFFE_PP0P_", 8.33), ("$_SDFFCE_PP0P_", 8.33), ("$_DFFE_PN0P_", 8.33),
        ("$_DLATCH_P_", None), ("$add", None),
    ],
)  # fmt: skip
def test_weights(cell, gates):
    assert weight(cell) == (None if gates is None else pytest.approx(gates))


def test_a_cell_without_a_weight_is_an_error():
    modules = {"chip": {"cells": {"a": {"type": "$_NAND_"}, "b": {"type": "$_TBUF_"}}}}
    with pytest.raises(ValueError, match=r"every cell must have a weight, not \$_TBUF_"):
        area_of({"modules": modules})


def test_sums_along_the_hierarchy():
    ram = {"type": "$mem_v2", "parameters": {"SIZE": format(64, "032b"), "WIDTH": format(8, "032b")}}
    modules = {
        "pe": {"cells": {"a": {"type": "$_NAND_"}, "b": {"type": "$_DFF_P_"}}},
        "array": {"cells": {"pe_0_0": {"type": "pe"}, "pe_0_1": {"type": "pe"}, "x": {"type": "$_NOT_"}}},
        "chip": {"cells": {"array": {"type": "array"}, "job$7": {"type": "pe"}, "ram": ram}},
    }
    area = area_of({"modules": modules})
    assert (area.gates, area.flip_flops, area.memory_bits) == (pytest.approx(3 * 6.33 + 0.5), 3, 512)
    assert area.cells == {"$_DFF_P_": 3, "$_NAND_": 3, "$_NOT_": 1}
    found = {module.path: (module.count, module.gates) for module in area.modules}
    assert found == {"": (1, 19.49), "array": (1, 13.16), "array.pe": (2, 12.66), "job": (1, 6.33)}


@pytest.mark.parametrize(
    ("component", "gates", "tolerance"),
    [
        (lambda: ProcessingElement(row=7), 1221, 0.03),
        # The sum over eight columns has a weight three bits wider, over sixteen four.
        (lambda: ProcessingElement(row=7, weight_bits=12), 1682, 0.05),
    ],
    ids=["element", "checksum element"],
)
def test_gates_of_blocks_measured_before(tmp_path, component, gates, tolerance):
    area = measure_area(preset("nano"), top=component(), cache=tmp_path)
    assert area.gates == pytest.approx(gates, rel=tolerance)


def test_a_lane_is_its_pipeline_registers_and_about_7200_gates(tmp_path):
    area = measure_area(preset("nano"), top=Lane(), cache=tmp_path)
    logic = sum(count * GATES[kind] for kind, count in area.cells.items() if kind in GATES)
    assert logic == pytest.approx(7200, rel=0.1)


def test_measured_once(tmp_path, monkeypatch):
    first = measure_area(preset("nano"), top=ProcessingElement(row=0), cache=tmp_path)
    monkeypatch.setitem(TOOLS, "yosys", "no-such-program-anywhere")
    assert measure_area(preset("nano"), top=ProcessingElement(row=0), cache=tmp_path) == first
    with pytest.raises(ToolMissing):
        measure_area(preset("nano"), top=ProcessingElement(row=1), cache=tmp_path)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "nano" else pytest.mark.slow) for name in PRESETS]
)
@pytest.mark.timeout(1800)
def test_every_cell_of_every_preset_has_a_weight(name):
    config = preset(name)
    area = measure_area(config)  # raises where one lacks
    found = {module.path: module for module in area.modules}
    elements = found["array.array.pe"]
    assert elements.count == config.rows * config.columns
    assert 1000 < elements.gates / elements.count < 1300
    ram = found["activation_ram"]
    word, check = (32, 7) if config.rows == 4 else (64, 8)
    assert ram.memory_bits == 8 * config.activation_bytes * (word + check) // word
    assert sum(module.gates for path, module in found.items() if "." not in path and path) <= area.gates
