"""The array with its accumulators: products come out of the group, bank and row that a drain slot names."""

import numpy as np
import pytest

from vanallen.rtl.array.unit import ArrayUnit
from vanallen.rtl.config import Config
from vanallen.rtl.memory.scratchpad import Scratchpad

ROWS_STREAMED = 6
LATENCY = Scratchpad.latency


def config(columns, lanes):
    return Config(name="test", rows=4, columns=columns, lanes=lanes, activation_bytes=1024, weight_bytes=1024,
                  accumulator_rows=64, protection="none")  # fmt: skip


def slots(unit, rng):
    """By cycle: fields of the tag, and (weights, activations) of the words that come ``LATENCY`` cycles later."""
    rows, columns = unit.config.rows, unit.config.columns
    weights = rng.integers(-128, 128, (rows, columns))
    activations = rng.integers(-128, 128, (ROWS_STREAMED, rows))
    tags = [{"load": 1, "load_row": row} for row in range(rows)]
    tags += [{"valid": 1, "first": 1, "last": 1, "row": row, "bank": 1, "swap": int(row == 0)}
             for row in range(ROWS_STREAMED)]  # fmt: skip
    words = [(line, [0] * rows) for line in weights.tolist()]
    words += [([0] * columns, line) for line in activations.tolist()]
    return tags, words, activations @ weights


@pytest.mark.parametrize(("columns", "lanes"), [(4, 1), (4, 4), (8, 2), (16, 4)])
def test_each_group_is_drained(simulate, columns, lanes):
    unit = ArrayUnit(config=config(columns, lanes))
    rng = np.random.default_rng(columns + lanes)
    tags, words, product = slots(unit, rng)
    groups = columns // lanes
    drains = [(row, group) for row in range(ROWS_STREAMED) for group in range(groups)]
    start = unit.latency + len(tags) + 2
    got = []

    async def testbench(ctx):
        for cycle in range(start + len(drains) + LATENCY):
            ctx.set(unit.tag, tags[cycle] if cycle < len(tags) else {})
            line, vector = words[cycle - LATENCY] if 0 <= cycle - LATENCY < len(words) else ([0] * columns, [0] * 4)
            ctx.set(unit.weights, line)
            ctx.set(unit.activations, vector)
            row, group = drains[cycle - start] if 0 <= cycle - start < len(drains) else (0, 0)
            here = int(0 <= cycle - start < len(drains))
            ctx.set(unit.drain_tag, {"valid": here, "bank": here, "row": row, "group": group})
            if ctx.get(unit.drained_tag.valid):
                place = ctx.get(unit.drained_tag.row), ctx.get(unit.drained_tag.group)
                got.append((place, [ctx.get(unit.drained[lane]) for lane in range(lanes)]))
            await ctx.tick()

    simulate(unit, testbench)
    want = [((row, group), product[row, group * lanes : (group + 1) * lanes].tolist()) for row, group in drains]
    assert got == want
