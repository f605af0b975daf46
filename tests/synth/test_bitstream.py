"""The whole flow on a small design, through the real tools: figures, cache, interruption, limits, missed timing."""

import json
import re
import shutil
from dataclasses import replace
from statistics import median

import pytest

from vanallen.boards.catalog import BOARDS
from vanallen.synth import tools
from vanallen.synth.bitstream import build_bitstream
from vanallen.synth.errors import TimeLimit, ToolMissing
from vanallen.synth.flow import folder_of, netlist_verilog
from vanallen.synth.plan import make_plan
from vanallen.synth.report import read_report

BOARD = replace(BOARDS["ulx3s-45f"], config="nano")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, counter):
    """A run with two seeds: its cache, what it gave, what it said."""
    cache, said = tmp_path_factory.mktemp("cache"), []
    return cache, build_bitstream(BOARD, seeds=2, make_core=counter, cache=cache, say=said.append), said


@pytest.fixture
def cache(tmp_path, finished):
    """A copy of the finished run's cache."""
    shutil.copytree(finished[0], tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def no_tools(monkeypatch):
    """Any tool that is run is a failure."""
    for tool in tools.TOOLS:
        monkeypatch.setitem(tools.TOOLS, tool, "no-such-program-anywhere")


def test_a_bitstream_and_its_figures(finished, counter):
    cache, result, said = finished
    folder = folder_of(make_plan(BOARD, counter), cache)
    best = max(result.seeds, key=lambda seed: seed.fmax_mhz)
    bitstream = folder / f"seed-{best.seed}" / "top.bit"
    assert result.bitstream == str(bitstream) and bitstream.read_bytes()[:2] == b"\xff\x00"
    assert result.design_hash == make_plan(BOARD, counter).design_hash
    assert result.met and result.target_mhz == result.clock_mhz == 100
    speeds = [seed.fmax_mhz for seed in result.seeds]
    assert result.fmax_mhz == {"min": min(speeds), "median": median(speeds), "max": max(speeds)}
    assert result.peak_gops == 2 * 16 * 100e6 / 1e9
    assert all(seconds > 0 for name, seconds in result.seconds.items() if name not in ("area", "audit"))
    assert any(re.fullmatch(r"seed \d: [\d.]+ MHz \(\d+ s\), about [\d.]+ min left", line) for line in said), said


def test_figures_are_those_of_nextpnr_s_log(finished, counter):
    cache, result, _ = finished
    for seed in result.seeds:
        log = (folder_of(make_plan(BOARD, counter), cache) / f"seed-{seed.seed}" / "top.tim").read_text()
        routed = dict(re.findall(r"Max frequency for clock +'([^']+)': ([\d.]+) MHz", log))  # the last of each counts
        assert routed.keys() == {"clock.clk", "clock.pll_clk"}
        assert f"{seed.fmax_mhz:.2f}" == routed["clock.clk"]
    used = dict(re.findall(r"^Info:\s+(\w+): +(\d+)/", log, re.MULTILINE))
    cells = {"lut": "TRELLIS_COMB", "ff": "TRELLIS_FF", "dsp": "MULT18X18D", "bram": "DP16KD"}
    assert result.resources == {name: int(used[cell]) for name, cell in cells.items()}
    assert result.resources["dsp"] == 1 and result.resources["ff"] >= 48


def test_the_critical_path_goes_from_register_to_register(finished, counter):
    path = finished[1].critical_path
    assert (path.start, path.end) == ("count", "square")
    assert {hop.signal for hop in path.hops} <= {"count", "square"}
    assert path.logic_ns + path.routing_ns == pytest.approx(1000 / finished[1].fmax_mhz["max"], abs=0.01)


def test_a_finished_design_runs_no_tool(cache, counter, no_tools):
    again = build_bitstream(BOARD, seeds=2, make_core=counter, cache=cache)
    assert all(seed.cached for seed in again.seeds)


def test_one_more_seed_runs_nextpnr_alone(cache, counter, monkeypatch):
    monkeypatch.setitem(tools.TOOLS, "yosys", "no-such-program-anywhere")
    more = build_bitstream(BOARD, seeds=3, jobs=1, make_core=counter, cache=cache)
    assert [seed.cached for seed in more.seeds] == [True, True, False]


def test_half_a_step_is_done_again(cache, counter, no_tools):
    (folder_of(make_plan(BOARD, counter), cache) / "seed-2" / "placement.json").unlink()
    with pytest.raises(ToolMissing):
        build_bitstream(BOARD, seeds=2, make_core=counter, cache=cache)


def test_another_design_is_not_taken_from_the_cache(cache, counter, no_tools):
    with pytest.raises(ToolMissing):
        build_bitstream(replace(BOARD, led=("led", 1)), make_core=counter, cache=cache)


def test_an_interrupted_command_stops_its_tools_and_keeps_what_is_finished(cache, counter):
    def interrupt(line):
        if line.startswith("seed 1"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_bitstream(BOARD, seeds=3, jobs=1, make_core=counter, cache=cache, say=interrupt)
    assert all(seed.cached for seed in build_bitstream(BOARD, seeds=2, make_core=counter, cache=cache).seeds)


def test_a_seed_that_takes_too_long_is_listed(cache, counter):
    result = build_bitstream(BOARD, seeds=3, make_core=counter, cache=cache, time_limit=0.2)
    assert [seed.outcome for seed in result.seeds] == ["placed", "placed", "time limit"]
    assert result.seeds[2].fmax_mhz is None and result.met
    assert result.fmax_mhz["median"] == result.fmax_mhz["min"], "the stopped one is the slowest of three"
    half = build_bitstream(BOARD, seeds=4, make_core=counter, cache=cache, time_limit=0.2)
    assert half.fmax_mhz["median"] == 0, "two of four were stopped"


def test_a_seed_that_was_stopped_is_tried_again_with_more_time_alone(cache, counter, monkeypatch):
    build_bitstream(BOARD, seeds=3, make_core=counter, cache=cache, time_limit=0.2)
    with monkeypatch.context() as without_tools:
        for tool in tools.TOOLS:
            without_tools.setitem(tools.TOOLS, tool, "no-such-program-anywhere")
        again = build_bitstream(BOARD, seeds=3, make_core=counter, cache=cache, time_limit=0.2)
        last = again.seeds[2]
        assert (last.outcome, last.seconds, last.cached) == ("time limit", 0.2, True)
    longer = build_bitstream(BOARD, seeds=3, make_core=counter, cache=cache, time_limit=300)
    assert longer.seeds[2].outcome == "placed"


def test_a_synthesis_that_takes_too_long(tmp_path, counter):
    with pytest.raises(TimeLimit, match=r"yosys was stopped after 0\.2 s"):
        build_bitstream(BOARD, make_core=counter, cache=tmp_path, time_limit=0.2)


def test_missed_timing_is_not_met(tmp_path, counter):
    result = build_bitstream(replace(BOARD, clock_mhz=400), make_core=counter, cache=tmp_path)
    assert not result.met and result.fmax_mhz["max"] < 400 and result.bitstream


def test_the_netlist_as_verilog(cache, counter, no_tools):
    text = netlist_verilog(BOARD, counter, cache=cache).read_text()
    assert re.search(r"^module top\(", text, re.MULTILINE) and "MULT18X18D" in text and "EHXPLLL" in text
    assert text.count("TRELLIS_FF #(") >= 48


def test_a_report_is_read_alone(finished, counter):
    folder = folder_of(make_plan(BOARD, counter), finished[0])
    report = read_report(json.loads((folder / "seed-1" / "report.json").read_text()))
    assert report.available["lut"] == 43848 and report.available["bram"] == 108
