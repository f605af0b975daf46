"""The fill pass."""

import pytest

from vanallen.rtl.control.fill import FillMachine
from vanallen.rtl.control.machine import Control


@pytest.mark.parametrize("rows", [64, 100])
def test_lasts_as_many_cycles_as_rows(trace, rows):
    outputs = trace(Control(machine=FillMachine(rows=rows)), [{}] * (rows + 40), ["filling"])
    assert outputs[:rows] == [(1,)] * rows
    assert outputs[rows:] == [(0,)] * 40


def test_zeros_come_until_each_memory_has_ended(trace):
    """Each memory begins a cycle after the pass, and ends a cycle after it."""
    rows = 64
    outputs = trace(Control(machine=FillMachine(rows=rows)), [{}] * (rows + 40), ["filling", "zero"])
    assert outputs[rows - 1 : rows + 2] == [(1, 1), (0, 1), (0, 0)]
    assert all(zero >= filling for filling, zero in outputs)


def test_restart_fills_again(trace):
    rows = 32
    steps = [{}] * 50 + [{"restart": 1}, {"restart": 0}] + [{}] * 40 + [{"restart": 1}, {"restart": 0}] + [{}] * 10
    steps += [{"restart": 1}, {"restart": 0}] + [{}] * 40
    outputs = trace(Control(machine=FillMachine(rows=rows)), steps, ["filling", "zero"])
    for start in (0, 51, 105):
        assert outputs[start : start + rows] == [(1, 1)] * rows
        assert outputs[start + rows] == (0, 1)
