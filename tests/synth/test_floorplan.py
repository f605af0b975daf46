"""Sites: each once, of the device, a column of the array in one stack; and cells that aren't there are an error."""

import re

import pytest
from amaranth.back import rtlil

from vanallen.boards.catalog import BOARDS
from vanallen.rtl.config import PROTECTIONS, preset
from vanallen.rtl.registers import Window, window_banks
from vanallen.rtl.technology import Technology
from vanallen.rtl.verilog import Top
from vanallen.synth.deep_memory import deep_cells
from vanallen.synth.errors import ToolFailed
from vanallen.synth.floorplan import CHIP, SITES, floorplan
from vanallen.synth.multipliers import technology_for
from vanallen.synth.recipe import fixed_cells
from vanallen.synth.tools import run_tool

SHIPPED = [(board.config, board.device, protection) for board in BOARDS.values() for protection in PROTECTIONS]


def place(site):
    return tuple(map(int, re.match(r"X(\d+)/Y(\d+)/", site).groups()))


GROUP, ROW_OF_TILES = 9, 24
"""Tiles from one group of four, or from one row of multipliers, to the next."""


def apart(one, other):
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def of(plan, pattern):
    return {tuple(map(int, found.groups())): place(site) for cell, site in plan.items()
            if (found := re.fullmatch(re.escape(CHIP) + pattern, cell))}  # fmt: skip


@pytest.mark.parametrize(("name", "device", "protection"), SHIPPED)
def test_every_site_is_the_device_s_and_taken_once(name, device, protection):
    plan, sites = floorplan(preset(name, protection), device), SITES[device]
    multipliers = {site for x in sites.columns for y in sites.multiplier_rows for site in sites.multipliers((x, y))}
    assert len(set(plan.values())) == len(plan)
    for cell, site in plan.items():
        assert site in (multipliers if cell.endswith("dsp") else sites.rams().values()), (cell, site)


@pytest.mark.parametrize(("name", "device", "protection"), SHIPPED)
def test_neighbours_of_the_array_are_near(name, device, protection):
    config = preset(name, protection)
    columns, plan = config.columns + config.side_columns, floorplan(config, device)
    elements, accumulators = (
        of(plan, r"array\.array\.pe_(\d+)_(\d+)\.dsp"),
        of(plan, r"array\.accumulator_(\d+)\.bank_(\d)\.0\.0"),
    )
    beside = of(plan, r"array\.checksum_column\.element_(\d+)\.dsp")
    elements |= {(row, config.columns): site for (row,), site in beside.items()}
    assert elements.keys() == {(row, column) for row in range(config.rows) for column in range(columns)}
    assert accumulators.keys() == {(column, bank) for column in range(config.columns) for bank in range(2)}

    for (row, column), here in elements.items():
        if row:
            assert apart(here, elements[row - 1, column]) <= ROW_OF_TILES + GROUP
        if column:
            assert apart(here, elements[row, column - 1]) <= 2 * ROW_OF_TILES + GROUP
    beside = of(plan, r"array\.checksum_accumulator\.bank_(\d)\.0\.0")
    assert len(beside) == 2 * config.side_columns
    accumulators |= {(config.columns, *bank): site for bank, site in beside.items()}
    for (column, _), here in accumulators.items():
        assert apart(here, elements[config.rows - 1, column]) <= ROW_OF_TILES + GROUP


@pytest.mark.parametrize(("name", "device", "protection"), SHIPPED)
def test_neighbours_of_the_requantizer_and_the_control_are_near(name, device, protection):
    config, sites = preset(name, protection), SITES[device]
    plan = floorplan(config, device)
    products, parameters, control = (
        of(plan, r"requantizer\.lane_(\d+)\.multiply\.low_low_dsp"),
        of(plan, r"parameter_ram\.ram\.0\.(\d+)"),
        of(plan, r"command_ram\.ram\.0\.(\d+)") | of(plan, r"cycle_log\.log\.0\.0"),
    )
    assert len(parameters) == 2 * config.lanes and len(control) == 3
    assert len(products) == (config.lanes if technology_for(config, device) is Technology.ECP5 else 0)
    for (index,), here in parameters.items():
        assert apart(here, products.get((index // 2,), parameters[0,])) <= ROW_OF_TILES
    for here in control.values():
        assert apart(here, sites.control) <= 2 * GROUP


@pytest.mark.parametrize(("name", "device", "protection"), SHIPPED)
def test_the_rams_of_a_word_are_round_its_middle(name, device, protection):
    """A decoder reads them all in one cycle: of 60 tiles, a register takes a part of the way."""
    config = preset(name, protection)
    plan = floorplan(config, device)
    for window in (Window.WEIGHT, Window.ACTIVATION):
        cells = of(plan, rf"{window.name.lower()}_ram\.ram\.0\.(\d+)")
        words = window_banks(config, window)[0]
        assert len(cells) == deep_cells(config, window)
        for word in range(words):
            here = [site for (index,), site in cells.items() if index * words // len(cells) == word]
            middle = [(min(axis) + max(axis)) // 2 for axis in zip(*here, strict=True)]
            assert max(apart(site, middle) for site in here) <= 60, (window, word)


@pytest.mark.parametrize(
    ("name", "device"), [("payload", "LFE5U-45F"), ("cubesat", "LFE5U-12F"), ("orbital", "LFE5U-85F")]
)
def test_what_does_not_fit_or_is_not_known_is_left_to_the_placer(name, device):
    assert floorplan(preset(name), device) == {}
    assert fixed_cells({}) == ()


@pytest.mark.parametrize("protection", PROTECTIONS)
def test_the_array_s_names_are_the_design_s(protection):
    """Multipliers and accumulators by the hierarchy that Amaranth elaborates; the RAMs' names are Yosys's."""
    config = preset("nano", protection)
    design = rtlil.convert(Top(config=config, technology=Technology.ECP5), name="vanallen", emit_src=False)
    for cell in floorplan(config, "LFE5U-45F"):
        if "_ram.ram." in cell:
            continue
        *_, module, leaf = cell.removesuffix(".0.0").split(".")
        assert re.search(rf"^  cell \\\S+ \\{module}$", design, re.MULTILINE), cell
        assert re.search(rf"^  (cell|memory) .*\\{leaf}$", design, re.MULTILINE), cell


@pytest.mark.parametrize(
    ("name", "protection", "block_rams"),
    [("payload", "none", 170), ("payload", "full", 188), ("cubesat", "none", 86), ("cubesat", "full", 96)],
)
def test_block_rams_of_a_chip_and_their_check_bits(name, protection, block_rams):
    """As docs say them; the log of cycles has one more."""
    (device,) = (board.device for board in BOARDS.values() if board.config == name)
    plan = floorplan(preset(name, protection), device)
    assert sum(not cell.endswith("dsp") for cell in plan) == block_rams + 1


def test_a_cell_that_is_not_there_is_an_error(tmp_path):
    lines = ["module \\top", "  wire \\y", "  cell $not \\here", "    parameter \\A_SIGNED 0",
             "    parameter \\A_WIDTH 1", "    parameter \\Y_WIDTH 1", "    connect \\A 1'0", "    connect \\Y \\y",
             "  end", "end"]  # fmt: skip
    (tmp_path / "d.il").write_text("\n".join(lines) + "\n")

    def run(cell):
        commands = ["read_rtlil d.il", *fixed_cells({cell: "X4/Y10/EBR0"}), "write_rtlil out.il"]
        (tmp_path / "d.ys").write_text("\n".join(commands))
        run_tool("yosys", ["-q", "d.ys"], folder=tmp_path)

    run("here")
    assert 'attribute \\BEL "X4/Y10/EBR0"' in (tmp_path / "out.il").read_text()
    with pytest.raises(ToolFailed):
        run("gone")
