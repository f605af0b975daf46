"""`vanallen run` on a board simulated at the pins of its serial line, by way of a pseudo-terminal."""

import json
import os
import tty

import pytest

from vanallen.rtl.config import PRESETS
from vanallen.sw.cli.main import main
from vanallen.sw.driver.simulated_board import BoardModel, SimulatedBoard

ARGUMENTS = ["run", "digits", "--input", "digits:test", "--limit", "3", "--check"]


@pytest.fixture
def board():
    board = SimulatedBoard(BoardModel(PRESETS["nano"]))
    yield board
    board.close()


def refused(capsys, *arguments):
    """The one line that is said, with exit status 2."""
    assert main([*ARGUMENTS, *arguments]) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert captured.out == "" and line.startswith("vanallen: ") and "Traceback" not in line
    return line


def test_digits_through_the_pins(capsys, board):
    assert main([*ARGUMENTS, "--config", "nano", "--target", f"serial:{board.port}", "--json", "-"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["bit_exact"] is True and result["differing_values"] == 0
    chip = [layer for layer in result["layers"] if layer["where"] == "chip"]
    assert chip and all(layer["cycles"] == layer["model_cycles"] > 0 for layer in chip)
    assert os.path.basename(result["outputs"]) == "digits-nano-serial.npz"
    assert board.model.cycles > 1_000_000 and board.model.discarded == 0


def test_another_chip_than_expected(capsys, board):
    line = refused(capsys, "--config", "cubesat", "--target", f"serial:{board.port}")
    assert "is another one, see --config" in line and "cubesat" in line


def test_no_such_port(capsys):
    line = refused(capsys, "--target", "serial:/dev/no-such-port")
    assert "/dev/no-such-port can't be opened: " in line


def test_nobody_answers(capsys):
    master, slave = os.openpty()
    tty.setraw(slave)
    line = refused(capsys, "--target", f"serial:{os.ttyname(slave)}")
    assert "no answer from /dev/pts/" in line and "is --baud what it was made for?" in line
    os.close(master)
    os.close(slave)


def test_a_board_that_goes_away_is_status_1(capsys, board, monkeypatch):
    run = board.model.run

    def run_a_while(cycles, sent):
        return run(cycles, sent) if board.model.cycles < 200_000 else (len(sent), b"")

    monkeypatch.setattr(board.model, "run", run_a_while)
    assert main([*ARGUMENTS, "--config", "nano", "--target", f"serial:{board.port}"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vanallen: serial:/dev/pts/") and "no answer" in line


def test_no_such_target(capsys):
    with pytest.raises(SystemExit, match="2"):
        main([*ARGUMENTS, "--target", "board"])
    assert "must be sim, golden or serial:PORT, not 'board'" in capsys.readouterr().err
