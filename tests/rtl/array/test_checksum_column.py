"""The checksum column: weights, elements and accumulators, against integers modulo 255."""

import random

import numpy as np
import pytest

from vanallen.rtl.array.checksum_column import ChecksumAccumulator, ChecksumColumn
from vanallen.rtl.array.residue import MODULUS
from vanallen.rtl.array.weight_sum import WeightSum


def residues(carried):
    return carried % MODULUS


@pytest.mark.parametrize("columns", [4, 8, 12, 16])
def test_weight_sums(trace, columns):
    rng = np.random.default_rng(columns)
    rows = rng.integers(-128, 128, (200, columns))
    rows[:6] = np.array([-128, 127, 0, 1, -1, 64])[:, None]
    steps = [{"weights": [int(rows[max(cycle - column, 0)][column]) for column in range(columns)]}
             for cycle in range(len(rows))]  # fmt: skip
    outputs = [row[0] for row in trace(WeightSum(columns=columns), steps, ["weight"])]
    for row in range(len(rows) - columns):
        assert residues(outputs[row + columns]) == int(rows[row].sum()) % MODULUS, row


@pytest.mark.parametrize("rows", [4, 8, 16])
def test_sums_of_tiles(trace, rows):
    """One activation row a cycle; load and swap of all rows at once, skewed as the rows are."""
    rng, cycles = random.Random(rows), 300
    vectors = [[rng.choice([-128, 127, rng.randint(-128, 127)]) for _ in range(rows)] for _ in range(cycles)]
    weight = [rng.choice([0, 255, 254, rng.randrange(256)]) for _ in range(cycles)]
    load = [1 << rng.randrange(rows) if cycle >= rows else 1 << cycle for cycle in range(cycles)]
    swap = [cycle == rows or (cycle > rows and rng.random() < 0.2) for cycle in range(cycles)]
    steps = [{
        "activations": [vectors[max(cycle - row, 0)][row] for row in range(rows)],
        "weight": weight[cycle], "load": load[cycle],
        "swap": sum(1 << row for row in range(rows) if cycle >= row and swap[cycle - row]),
    } for cycle in range(cycles)]  # fmt: skip
    outputs = [row[0] for row in trace(ChecksumColumn(rows=rows), steps, ["sum"])]
    latency = rows - 1 + 3
    for start in range(rows, cycles - latency):
        total = 0
        for row in range(rows):
            swapped = max(cycle for cycle in range(start + 1) if swap[cycle]) + row
            loaded = max(cycle for cycle in range(swapped) if load[cycle] >> row & 1)
            total += vectors[start][row] * weight[loaded]
        assert residues(outputs[start + latency]) == total % MODULUS, start


def test_accumulators(trace):
    """A row added to every 4 cycles: the first replaces, the others add."""
    rng = random.Random(1)
    values = [rng.choice([511, 0, 255, rng.randrange(512)]) for _ in range(60)]
    steps = [{"read.valid": cycle % 4 == 0, "add_first": cycle == 2, "write.valid": cycle % 4 == 3,
              "partial_sum": values[cycle // 4]} for cycle in range(4 * len(values))]  # fmt: skip
    steps += [{"read.valid": 0, "write.valid": 0, "drain.valid": 1}, {}, {}]
    outputs = trace(ChecksumAccumulator(rows=16), steps, ["drained"])
    assert residues(outputs[-1][0]) == sum(values) % MODULUS
