"""`vanallen synth`: the list, wrong usage, what is missing, exit statuses. The flow itself: tests/synth."""

import json
import sys

import pytest

from vanallen.sw.cli.main import main
from vanallen.synth import area, bitstream, compare, tools
from vanallen.synth.area import Area
from vanallen.synth.audit import Audit

BOARD = """
from vanallen.boards.board import Board

BOARD = Board(
    name="mine",
    config="nano",
    clock_mhz={clock_mhz},
    platform="amaranth_boards.ulx3s:ULX3S_45F_Platform",
    device="LFE5U-45F",
    speed="6",
    oscillator="clk25",
    protection="{protection}",
)
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Results go under `build/` of the current folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def board_file(tmp_path):
    def write(clock_mhz, protection="none"):
        (tmp_path / "mine.py").write_text(BOARD.format(clock_mhz=clock_mhz, protection=protection))
        return "mine.py"

    return write


@pytest.fixture
def square(monkeypatch):
    """In place of the chip, a counter and its square: seconds for the tools, and too slow for 400 MHz."""
    from amaranth.hdl import Module, Signal
    from amaranth.lib import wiring
    from amaranth.lib.wiring import In, Out

    class Square(wiring.Component):
        rx: In(1)
        tx: Out(1)
        interrupt: Out(1)
        thermal_alarm: In(1)

        def elaborate(self, platform):
            m = Module()
            count = Signal(16)
            m.d.sync += [count.eq(count + self.rx), self.tx.eq((count * count).xor()), self.interrupt.eq(count[-1])]
            return m

    monkeypatch.setattr(bitstream, "chip", lambda board, link_hz: Square())


def one_line(capsys, *arguments):
    assert main(["synth", *arguments]) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("vanallen: ")
    return line


def test_without_an_option_the_boards(capsys):
    assert main(["synth", "--json", "-"]) == 0
    captured = capsys.readouterr()
    boards = json.loads(captured.out)["boards"]
    assert [(board["name"], board["config"]) for board in boards] == [
        ("ulx3s-85f", "payload"),
        ("ulx3s-45f", "cubesat"),
    ]
    assert "ulx3s-85f" in captured.err and "payload" in captured.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--board", "no-such"], "board must be one of ulx3s-85f, ulx3s-45f or a .py file, not 'no-such'"),
        (["--board", "none.py"], "there is no board file none.py"),
        (["--seeds", "2"], "--seeds goes with --board: name one of ulx3s-85f"),
        (["--no-place", "--time-limit", "5"], "--time-limit goes with --board"),
        (["--audit"], "--audit goes with --no-place, or with --board"),
        (["--no-place", "--audit", "--protection", "none"], "it goes with --protection full"),
        (["--board", "ulx3s-45f", "--audit", "--protection", "none"], "it goes with --protection full"),
        (["--board", "ulx3s-45f", "--config", "nano"], "--config goes with --no-place"),
        (["--compare"], "--compare goes with --no-place, or with --board"),
        (["--board", "ulx3s-45f", "--compare", "--protection", "full"], "it goes without --protection"),
    ],
)
def test_wrong_usage_is_one_line(capsys, arguments, message):
    assert message in one_line(capsys, *arguments)


@pytest.mark.parametrize("arguments", [["--board", "ulx3s-45f", "--no-place"], ["--seeds", "0"]])
def test_options_that_are_not_there(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        main(["synth", *arguments])
    assert stop.value.code == 2 and len(capsys.readouterr().err.splitlines()) == 1


def test_a_clock_that_cannot_be_made_is_one_line(capsys, board_file):
    assert "clock must be from 3.125 to 400 MHz, not 1" in one_line(capsys, "--board", board_file(1), "--quiet")


def test_missing_packages_are_one_line(capsys, monkeypatch):
    monkeypatch.setitem(tools.PACKAGES, "nextpnr-ecp5", "no-such-package-anywhere")
    assert "pip install 'vanallen[boards]'" in one_line(capsys, "--board", "ulx3s-45f", "--quiet")
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "amaranth_boards", None)
    assert "pip install 'vanallen[boards]'" in one_line(capsys, "--board", "ulx3s-45f", "--quiet")


def test_a_time_limit_for_synthesis_is_one_line(capsys, board_file, square, monkeypatch):
    monkeypatch.setattr(bitstream, "TIME_LIMIT", 0.01)
    assert "yosys was stopped after 0.01 s" in one_line(capsys, "--board", board_file(100), "--quiet")


def test_exit_status_says_whether_timing_is_met(capsys, board_file, square, monkeypatch):
    monkeypatch.setattr(bitstream, "measure_area", lambda *_, **__: None)  # the chip's own, half a minute
    assert main(["synth", "--board", board_file(100), "--seeds", "2", "--json", "-"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    keys = {"bitstream", "fmax_mhz", "target_mhz", "met", "critical_path", "resources", "gates", "seeds", "peak_gops",
            "seconds", "design_hash"}  # fmt: skip
    assert keys <= set(result) and result["met"] and len(result["seeds"]) == 2
    assert "100 MHz met; bitstream: " in captured.err and "critical path: " in captured.err
    assert result["design_hash"] in result["bitstream"]
    assert main(["synth", "--board", board_file(400), "--json", "-"]) == 1
    captured = capsys.readouterr()
    assert not json.loads(captured.out)["met"] and "400 MHz MISSED" in captured.err


def test_both_bitstreams_side_by_side(capsys, board_file, square, monkeypatch):
    gates = {"none": 200.0, "full": 300.0}

    def measure(config, **_):
        return Area(config=config.name, gates=gates[config.protection], flip_flops=10, memory_bits=10, cells={},
                    modules=[], seconds=0.0, audit=None)  # fmt: skip

    monkeypatch.setattr(bitstream, "measure_area", measure)
    monkeypatch.setattr(bitstream, "audit_board", lambda *_: audited())
    assert main(["synth", "--board", board_file(100), "--compare", "--seeds", "2", "--json", "-"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    none, full, overhead = result["none"], result["full"], result["overhead"]
    assert (none["protection"], full["protection"], result["protection"]) == ("none", "full", "full")
    assert set(overhead) == {"gates", "lut", "ff", "dsp", "bram", "fmax"} - {"bram"}, "none of block RAM has no share"
    assert overhead["gates"] == 0.5 and overhead["lut"] == full["resources"]["lut"] / none["resources"]["lut"] - 1
    assert overhead["fmax"] == full["fmax_mhz"]["median"] / none["fmax_mhz"]["median"] - 1
    assert len(none["seeds"]) == len(full["seeds"]) == 2
    assert "what protection costs" in captured.err and "+50.0%" in captured.err
    assert main(["synth", "--board", board_file(400), "--compare", "--json", "-"]) == 1


FAILURES = ["job.copy_0 and job.copy_1 are one register", "host.copy_2.enable has no voter"]


def audited(*failures):
    return Audit(registers=3573, voters=1821, listed_inputs=["store.word_0"], failures=list(failures))


@pytest.fixture
def areas(monkeypatch):
    """In place of Yosys: ``areas(failures)`` are found in protected chips."""

    def use(*failures):
        def measure(config, **_):
            audit = audited(*failures) if config.protected else None
            return Area(config=config.name, gates=100.0, flip_flops=10, memory_bits=10, cells={}, modules=[],
                        seconds=0.0, audit=audit)  # fmt: skip

        monkeypatch.setattr(area, "measure_area", measure)
        monkeypatch.setattr(compare, "measure_area", measure)

    return use


AUDITED = (["--config", "nano", "--audit"], ["--config", "nano", "--protection", "full"],
           ["--config", "nano", "--compare"], ["--config", "nano", "--compare", "--audit"])  # fmt: skip


@pytest.mark.parametrize("options", AUDITED)
def test_every_protected_chip_is_audited(capsys, areas, options):
    areas()
    assert main(["synth", "--no-place", *options, "--json", "-"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["audit"] == {"registers": 3573, "voters": 1821, "listed_inputs": ["store.word_0"],
                                                 "failures": []}  # fmt: skip
    line = "audit of nano: 3,573 registers of copies, 1,821 voters, 1 listed inputs: sound"
    assert captured.err.splitlines().count(line) == 1


@pytest.mark.parametrize("options", AUDITED)
def test_failures_of_the_audit_are_exit_status_1(capsys, areas, options):
    areas(*FAILURES)
    assert main(["synth", "--no-place", *options, "--json", "-"]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["audit"]["failures"] == FAILURES
    assert captured.err.rstrip().splitlines()[-2:] == FAILURES and "2 failures:" in captured.err


def test_an_unprotected_chip_is_not_audited(capsys, areas):
    areas(*FAILURES)
    assert main(["synth", "--no-place", "--config", "nano", "--protection", "none", "--json", "-"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result["protection"] == "none" and result["audit"] is None and "audit" not in captured.err


def test_a_board_whose_netlist_has_failures_is_not_placed(capsys, board_file, square, monkeypatch):
    monkeypatch.setattr(bitstream, "audit_board", lambda *_: audited(*FAILURES))
    monkeypatch.setattr(bitstream, "place", None)
    assert main(["synth", "--board", board_file(100, "full"), "--json", "-"]) == 1
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result["audit"]["failures"] == FAILURES and result["bitstream"] is None and not result["met"]
    assert set(FAILURES) <= set(captured.err.splitlines())


def test_the_audit_of_a_board(capsys, board_file, square, monkeypatch):
    monkeypatch.setattr(bitstream, "audit_board", lambda *_: audited())
    monkeypatch.setattr(bitstream, "measure_area", lambda *_, **__: None)
    assert main(["synth", "--board", board_file(100, "full"), "--audit", "--json", "-"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["audit"]["failures"] == []
    assert "voters, 1 listed inputs: sound" in captured.err
    assert "say --protection full" in one_line(capsys, "--board", board_file(100, "none"), "--audit")
