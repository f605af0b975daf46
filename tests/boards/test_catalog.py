"""The boards that ship, against the board files of Amaranth that they name."""

import subprocess
import sys

import pytest

from vanallen.boards.board import Board
from vanallen.boards.catalog import BOARDS
from vanallen.synth.find_board import platform_of
from vanallen.synth.top import board_pll

GOOD = {"name": "mine", "config": "nano", "clock_mhz": 50, "platform": "a:B", "device": "d", "speed": "6",
        "oscillator": "clk"}  # fmt: skip


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.name)
def test_board_is_what_its_board_file_says(board):
    platform = platform_of(board)
    assert (platform.device, platform.speed) == (board.device, board.speed)
    pll = board_pll(board, platform)
    assert pll.input_hz == platform.lookup(board.oscillator).clock.frequency
    assert pll.output_hz == board.clock_mhz * 1_000_000
    uart = platform.request(*board.uart, dir="-")
    assert len(uart.rx) == len(uart.tx) == len(platform.request(*board.led, dir="-")) == 1


def test_protected_payload_on_an_85f_and_cubesat_on_a_45f():
    assert {name: (board.config, board.device, board.protection) for name, board in BOARDS.items()} == {
        "ulx3s-85f": ("payload", "LFE5U-85F", "full"),
        "ulx3s-45f": ("cubesat", "LFE5U-45F", "full"),
    }


def test_the_list_loads_nothing_heavy():
    code = "import sys, vanallen.boards.catalog; sys.exit(any(name.startswith('amaranth') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    ("field", "value", "error", "message"),
    [
        ("config", "no-such", ValueError, "configuration must be one of nano, .*, not 'no-such'"),
        ("protection", "half", ValueError, r"protection must be one of \('none', 'full'\), not 'half'"),
        ("clock_mhz", 0, ValueError, "clock_mhz must be above 0 and at most 400, not 0"),
        ("clock_mhz", 401, ValueError, "clock_mhz must be above 0"),
        ("clock_mhz", "50", TypeError, "clock_mhz must be a number, not '50'"),
        ("baud", True, TypeError, "baud must be a number, not True"),
        ("baud", -1, ValueError, "baud must be positive, not -1"),
        ("platform", "amaranth_boards.ulx3s", ValueError, "platform must be module:Class, not 'amaranth_boards.ulx3s'"),
    ],
)
def test_wrong_data_say_what_they_must_be(field, value, error, message):
    with pytest.raises(error, match=message):
        Board(**{**GOOD, field: value})
