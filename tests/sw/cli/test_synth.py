"""`vanallen synth`: the list, wrong usage, what is missing, exit statuses. The flow itself: tests/synth."""

import json
import sys

import pytest

from vanallen.sw.cli.main import main
from vanallen.synth import bitstream, tools

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
)
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Results go under `build/` of the current folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def board_file(tmp_path):
    def write(clock_mhz):
        (tmp_path / "mine.py").write_text(BOARD.format(clock_mhz=clock_mhz))
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
        (["--board", "ulx3s-45f", "--config", "nano"], "--config goes with --no-place"),
    ],
)
def test_wrong_usage_is_one_line(capsys, arguments, message):
    assert message in one_line(capsys, *arguments)


@pytest.mark.parametrize("arguments", [["--audit"], ["--board", "ulx3s-45f", "--no-place"], ["--seeds", "0"]])
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
