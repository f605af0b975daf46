"""The design hash: the same everywhere, and another one when anything that goes in is another."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from vanallen.boards.catalog import BOARDS
from vanallen.synth import plan as planning
from vanallen.synth.errors import BoardError
from vanallen.synth.plan import make_plan
from vanallen.synth.recipe import MAP_LUTS

BOARD = replace(BOARDS["ulx3s-45f"], config="nano")

CODE = """
import sys
sys.path.insert(0, sys.argv[1])
from dataclasses import replace
from conftest import make_counter
from vanallen.boards.catalog import BOARDS
from vanallen.synth.plan import make_plan
print(make_plan(replace(BOARDS["ulx3s-45f"], config="nano"), make_counter).design_hash)
"""


@pytest.mark.parametrize("variables", [{"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2", "AMARANTH_verbose": "1"}])
def test_the_same_in_every_process_and_folder(tmp_path, counter, variables):
    run = subprocess.run([sys.executable, "-c", CODE, str(Path(__file__).parent)], cwd=tmp_path, capture_output=True,
                         text=True, env={**os.environ, **variables})  # fmt: skip
    assert run.stdout.strip() == make_plan(BOARD, counter).design_hash, run.stderr


def test_files_name_no_folder(counter):
    plan = make_plan(BOARD, counter)
    assert sorted(plan.files) == ["deep_rams.txt", "top.il", "top.lpf", "top.ys"]
    for text in plan.files.values():
        assert str(Path(__file__).parents[2]) not in text and ".py" not in text
    assert sorted(plan.commands) == ["ecppack", "nextpnr-ecp5", "yosys"]


@pytest.mark.parametrize(("protection", "ram"), [("none", []), ("full", ["map_ram"])])
def test_wires_of_the_chip_are_mapped_for_what_they_take(protection, ram):
    """Each step of ``synth_ecp5`` is run once, but for ``map_luts``, for which the recipe's commands stand."""
    script = make_plan(replace(BOARDS["ulx3s-85f"], protection=protection)).files["top.ys"]
    steps = re.findall(r"-run (\w*):(\w*)", script)
    boundaries = ["begin", *ram, "map_luts"]
    assert steps == [*pairwise(boundaries), ("map_cells", "")]
    mapped = script[script.index(f"{boundaries[-2]}:map_luts") : script.index("map_cells:")]
    assert [line for line in mapped.splitlines() if line in MAP_LUTS] == list(MAP_LUTS)
    assert script.count("abc9") == 1


@pytest.mark.parametrize(
    ("board", "bits"),
    [
        (replace(BOARD, clock_mhz=50), 16),
        (replace(BOARD, led=("led", 1)), 16),
        (BOARDS["ulx3s-85f"], 16),
        (BOARD, 15),
    ],
    ids=["clock", "pin", "device", "design"],
)
def test_another_design_another_hash(counter, board, bits):
    assert make_plan(board, partial(counter, bits=bits)).design_hash != make_plan(BOARD, counter).design_hash


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.name)
def test_the_thermal_alarm_has_a_pin(counter, board):
    plan = make_plan(board, counter)
    pin = f"{board.alarm[0]}_{board.alarm[1]}__io"
    assert f'LOCATE COMP "{pin}"' in plan.files["top.lpf"]
    assert re.search(r"^    connect \\thermal_alarm \\\S+", plan.files["top.il"], re.MULTILINE)


def test_another_version_of_a_tool_another_hash(monkeypatch, counter):
    before = make_plan(BOARD, counter).design_hash
    monkeypatch.setattr(planning, "tool_versions", lambda: {"yosys": "0.1", "nextpnr-ecp5": "0.1"})
    assert make_plan(BOARD, counter).design_hash != before


def test_the_clock_is_the_one_the_pll_makes(counter):
    plan = make_plan(replace(BOARD, clock_mhz=97), counter)
    assert plan.clock_hz == 96_875_000
    assert plan.commands["nextpnr-ecp5"][plan.commands["nextpnr-ecp5"].index("--freq") + 1] == "97"


def test_a_clock_that_cannot_be_made(counter):
    with pytest.raises(BoardError, match=r"clock must be from 3\.125"):
        make_plan(replace(BOARD, clock_mhz=1), counter)


def test_an_oscillator_that_is_not_there(counter):
    with pytest.raises(BoardError, match="no oscillator clk12 on ulx3s-45f"):
        make_plan(replace(BOARD, oscillator="clk12"), counter)


def test_a_bit_rate_that_the_link_cannot_make():
    with pytest.raises(BoardError, match=r"clocked by clk25, can.t be made: baud must be from 1 to 3125000"):
        make_plan(replace(BOARD, baud=12_000_000))
