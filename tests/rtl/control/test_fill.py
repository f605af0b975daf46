"""The fill pass."""

import pytest

from vanallen.rtl.control.fill import FillMachine
from vanallen.rtl.control.machine import Control


@pytest.mark.parametrize("rows", [64, 100])
def test_counts_every_row_once_and_stops(trace, rows):
    outputs = trace(Control(machine=FillMachine(rows=rows)), [{}] * (rows + 40), ["filling", "address"])
    assert outputs[:rows] == [(1, row) for row in range(rows)]
    assert all(filling == 0 for filling, _ in outputs[rows:])


def test_restart_fills_again(trace):
    rows = 32
    steps = [{}] * 50 + [{"restart": 1}, {"restart": 0}] + [{}] * 40 + [{"restart": 1}, {"restart": 0}] + [{}] * 10
    steps += [{"restart": 1}, {"restart": 0}] + [{}] * 40
    outputs = trace(Control(machine=FillMachine(rows=rows)), steps, ["filling", "address"])
    for start in (0, 51, 105):
        assert outputs[start : start + rows] == [(1, row) for row in range(rows)]
        assert outputs[start + rows][0] == 0
