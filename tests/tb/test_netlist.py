"""The synthesized chip: one layer bit for bit and cycle by cycle, a broken table, and the form with DSP blocks."""

import copy

import pytest

from vanallen.rtl.config import preset
from vanallen.rtl.technology import Technology
from vanallen.rtl.verilog import TOP, verilog
from vanallen.sw.driver.library import build_library
from vanallen.sw.driver.simulation import CACHE, LibraryTarget
from vanallen.synth.gate_netlist import chip_netlist
from vanallen.synth.gates import cell_counts, models
from vanallen.tb.netlist import DIFFERS, padded_convolution, run_layer, run_netlist
from vanallen.tb.short import short_regression

NANO, CUBESAT = preset("nano", "none"), preset("cubesat", "none")


@pytest.mark.parametrize("config", [NANO, CUBESAT], ids=lambda config: config.name)
def test_the_layer_has_padding_tiles_and_blocks(config):
    layer = padded_convolution(config, 1).layers[0]
    assert layer["pad_top"] and layer["pad_left"] and layer["column_blocks"] > 1
    assert layer["rows"] > layer["block_rows"]
    assert layer["kernel_height"] * layer["kernel_width"] * layer["input_groups"] > 1


@pytest.mark.timeout(900)
def test_one_layer_on_the_netlist_of_nano():
    result = run_netlist(NANO, seed=1)
    assert result.cycles > 100 and result.simulated > result.cycles
    assert result.cells["MULT18X18D"] == NANO.rows * NANO.columns + 4 * NANO.lanes
    assert result.cells["DP16KD"] > 10 and result.cells["LUT4"] > 1000 and result.cells["TRELLIS_FF"] > 1000


@pytest.mark.timeout(900)
def test_a_broken_look_up_table_shows():
    """A table that makes a bit of a lane's exponent is inverted."""
    netlist = copy.deepcopy(chip_netlist(NANO))
    module = netlist["modules"][f"{TOP}.accelerator.requantizer.lane_0"]
    exponent = set(module["netnames"]["below_1"]["bits"])
    cells = list(module["cells"].values())
    stored = [cell["connections"] for cell in cells if cell["type"] == "TRELLIS_FF"]
    inputs = {pins["DI"][0] for pins in stored if pins["Q"][0] in exponent}
    tables = [cell for cell in cells if cell["type"] == "LUT4" and cell["connections"]["Z"][0] in inputs]
    broken = tables[0]["parameters"]
    broken["INIT"] = "".join("10"[int(bit)] for bit in broken["INIT"])
    with pytest.raises(DIFFERS):
        run_layer(netlist, padded_convolution(NANO, 1))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_one_layer_on_the_netlist_of_cubesat():
    result = run_netlist(CUBESAT, seed=1)
    assert result.cells["MULT18X18D"] == CUBESAT.rows * CUBESAT.columns + 4 * CUBESAT.lanes


def test_what_a_netlist_is_made_of():
    counts = cell_counts(chip_netlist(NANO), TOP)
    assert set(counts) <= {"CCU2C", "DP16KD", "L6MUX21", "LUT4", "MULT18X18D", "PFUMX", "TRELLIS_DPR16X4", "TRELLIS_FF"}


@pytest.mark.parametrize(
    "config", [NANO, pytest.param(CUBESAT, marks=pytest.mark.slow)], ids=lambda config: config.name
)
def test_random_layers_of_the_form_with_dsp_blocks(config):
    """The short regression, with the model of MULT18X18D in every processing element."""
    text = verilog(config, Technology.ECP5)
    assert text.count("MULT18X18D #(") == config.rows * config.columns + 4 * config.lanes
    target = LibraryTarget(build_library(models() + text, TOP, CACHE))
    try:
        short_regression(target, config, seed=3)
    finally:
        target.close()
