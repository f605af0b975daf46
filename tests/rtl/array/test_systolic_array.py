"""The systolic array against numpy, with tiles back to back as the issue machine sends them."""

import numpy as np
import pytest

from vanallen.rtl.array.systolic_array import SystolicArray


def stream(rng, rows, columns, tiles):
    """Per cycle: weights and load, activations and swap, unskewed; and (cycle, activations, tile) of every vector."""
    # full-range values, and tiles of one value's extremes
    weights = [rng.integers(-128, 128, (rows, columns)) for _ in range(tiles)]
    weights[0][:], weights[1][:] = -128, 127
    slots = [{"load": row, "weights": weights[0][row]} for row in range(rows)]
    vectors = []
    for tile in range(tiles):
        length = int(rng.choice([1, 2, rows - 1, rows, rows + 3]))
        for slot in range(max(length, rows) if tile < tiles - 1 else length):
            entry = {"swap": slot == 0}
            if slot < rows and tile < tiles - 1:
                entry |= {"load": slot, "weights": weights[tile + 1][slot]}
            if slot < length:
                entry["vector"] = rng.integers(-128, 128, rows) if tile else np.full(rows, -128)
                vectors.append((len(slots), entry["vector"], tile))
            slots.append(entry)
            if rng.random() < 0.1:
                slots.append({})  # a bubble
    return slots, vectors, weights


def skewed(slots, rows, columns, cycles):
    """Steps of :func:`trace`: row r of activations and swap r cycles later, column c of weights c cycles later."""
    steps = []
    for cycle in range(cycles):
        at = [slots[cycle - delay] if 0 <= cycle - delay < len(slots) else {} for delay in range(max(rows, columns))]
        steps.append({
            "activations": [int(at[row]["vector"][row]) if "vector" in at[row] else 99 for row in range(rows)],
            "swap": sum(1 << row for row in range(rows) if at[row].get("swap")),
            "load": 1 << at[0]["load"] if "load" in at[0] else 0,
            "weights": {str(column): int(at[column]["weights"][column]) if "load" in at[column] else -77
                        for column in range(columns)},
        })  # fmt: skip
    return steps


@pytest.mark.parametrize(("rows", "columns", "seed"), [(4, 4, 1), (4, 8, 2), (8, 8, 3), (16, 2, 4)])
def test_tiles_back_to_back(trace, rows, columns, seed):
    rng = np.random.default_rng(seed)
    slots, vectors, weights = stream(rng, rows, columns, tiles=4)
    array = SystolicArray(rows=rows, columns=columns)
    outputs = trace(array, skewed(slots, rows, columns, len(slots) + rows + columns + 4), ["sums"])
    for start, vector, tile in vectors:
        want = vector @ weights[tile]
        got = [outputs[start + array.latency(column)][0][str(column)] for column in range(columns)]
        assert got == want.tolist(), (start, tile)


def test_what_entered_leaves_at_the_right(trace):
    rows, columns = 4, 8
    slots, _, _ = stream(np.random.default_rng(5), rows, columns, tiles=4)
    steps = skewed(slots, rows, columns, len(slots))
    sides = ("activations", "swap", "load")
    outputs = trace(SystolicArray(rows=rows, columns=columns, open_end=True), steps, [f"{side}_out" for side in sides])
    for cycle in range(columns, len(steps)):
        left = [list(value) if side == "activations" else value
                for side, value in zip(sides, outputs[cycle], strict=True)]  # fmt: skip
        assert left == [steps[cycle - columns][side] for side in sides], cycle
