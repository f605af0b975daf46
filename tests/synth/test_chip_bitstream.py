"""The chip itself as a bitstream: minutes each, so the quick tests build a counter instead (test_bitstream.py)."""

from dataclasses import replace

import pytest

from vanallen.boards.catalog import BOARDS
from vanallen.rtl.config import PROTECTIONS, preset
from vanallen.synth.bitstream import build_bitstream

NANO = replace(BOARDS["ulx3s-45f"], name="nano-45f", config="nano", protection="none", clock_mhz=50)


def check(result, config):
    assert result.met and result.fmax_mhz["max"] >= result.target_mhz
    assert all(used <= result.available[name] for name, used in result.resources.items())
    assert result.resources["dsp"] >= config.macs_per_cycle, "the array is in DSP blocks"
    path = result.critical_path
    assert not any("TRELLIS" in name or "LUT4" in name for name in (path.start, path.end)), path


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_nano_meets_its_clock():
    check(build_bitstream(NANO), preset("nano"))


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("protection", PROTECTIONS)
@pytest.mark.parametrize("name", BOARDS)
def test_a_board_that_ships_meets_its_clock(name, protection):
    check(build_bitstream(replace(BOARDS[name], protection=protection)), preset(BOARDS[name].config, protection))
