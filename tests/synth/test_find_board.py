"""Boards by name and by file; what is wrong with a file is said in one line."""

import sys

import pytest

from vanallen.boards.catalog import BOARDS
from vanallen.synth.errors import BoardError, ToolMissing
from vanallen.synth.find_board import find_board, platform_of

MINE = """
from vanallen.boards.board import Board

BOARD = Board(
    name="mine",
    config="nano",
    clock_mhz=50,
    platform="amaranth_boards.versa_ecp5_5g:VersaECP55GPlatform",
    alarm=("switch", 0),
    device="LFE5UM5G-45F",
    speed="8",
    oscillator="clk100",
)
"""


def board_file(tmp_path, text):
    path = tmp_path / "mine.py"
    path.write_text(text)
    return str(path)


def test_a_board_of_ones_own(tmp_path):
    board = find_board(board_file(tmp_path, MINE))
    assert (board.name, board.config, board.clock_mhz) == ("mine", "nano", 50)
    assert platform_of(board).device == "LFE5UM5G-45F"


def test_shipped_boards_by_name():
    assert find_board("ulx3s-85f") is BOARDS["ulx3s-85f"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MINE.replace("nano", "giant"), "ValueError: configuration must be one of nano, .*, not 'giant'"),
        (
            MINE.replace("clock_mhz=50", "clock_mhz=50, protection='some'"),
            "ValueError: protection must be one of .*, not 'some'",
        ),
        (MINE.replace("BOARD =", "OTHER ="), r"must define BOARD = Board\(\.\.\.\)"),
        ("BOARD = 3", r"must define BOARD = Board\(\.\.\.\)"),
        ("import no_such_module", "ModuleNotFoundError"),
        ("BOARD = (", "SyntaxError"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path, text, message):
    with pytest.raises(BoardError, match=message):
        find_board(board_file(tmp_path, text))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no-such", "board must be one of ulx3s-85f, ulx3s-45f or a .py file, not 'no-such'"),
        ("no/such.py", "there is no board file no/such.py"),
    ],
)
def test_no_such_board(name, message):
    with pytest.raises(BoardError, match=message):
        find_board(name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("LFE5UM5G-45F", "LFE5U-85F"),
            r"device and speed of mine must be .*\('LFE5UM5G-45F', '8'\), not \('LFE5U-85F'",
        ),
        ((":VersaECP55GPlatform", ":Nothing"), "can't be made: .*Nothing"),
        (("versa_ecp5_5g:", "nothing:"), "No module named 'amaranth_boards.nothing'"),
    ],
)
def test_a_board_that_its_board_file_contradicts(tmp_path, change, message):
    board = find_board(board_file(tmp_path, MINE.replace(*change)))
    with pytest.raises(BoardError, match=message):
        platform_of(board)


def test_without_the_package_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "amaranth_boards", None)
    for name in [name for name in sys.modules if name.startswith("amaranth_boards.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ToolMissing, match=r"pip install 'vanallen\[boards\]'"):
        platform_of(BOARDS["ulx3s-45f"])
