"""The processing element against what its docstring says of weights and latencies, cycle by cycle."""

import random

import pytest

from vanallen.rtl.array.processing_element import ProcessingElement, partial_sum_bits


@pytest.mark.parametrize(("row", "weight_bits"), [(0, 8), (1, 8), (15, 8), (7, 12)])
def test_partial_sums_just_fit(row, weight_bits):
    most = (row + 1) * (1 << 7) * (1 << weight_bits - 1)
    bits = partial_sum_bits(row, weight_bits)
    assert most < 1 << bits - 1
    assert most >= 1 << bits - 2


@pytest.mark.parametrize(("row", "weight_bits", "seed"), [(0, 8, 1), (7, 8, 2), (15, 12, 3)])
def test_random_loads_and_swaps(trace, row, weight_bits, seed):
    rng, cycles = random.Random(seed), 400
    extreme = 1 << weight_bits - 1
    most_above = row * 128 * extreme  # what the rows above can add up to
    steps = [{
        "activation": rng.choice([-128, 127, rng.randint(-128, 127)]),
        "weight": rng.choice([-extreme, extreme - 1, rng.randint(-extreme, extreme - 1)]),
        "sum_in": rng.choice([-most_above, most_above, rng.randint(-most_above, most_above)]) if row else 0,
        "swap": int(rng.random() < 0.2) if cycle > 1 else cycle,
        "load": int(rng.random() < 0.3) if cycle else 1,
    } for cycle in range(cycles)]  # fmt: skip
    outputs = trace(ProcessingElement(row=row, weight_bits=weight_bits), steps,
                    ("sum_out", "activation_out", "swap_out", "load_out"))  # fmt: skip
    loaded, used = None, []
    for step in steps:
        used.append(loaded if step["swap"] else (used[-1] if used else None))  # swap takes what was loaded before
        loaded = step["weight"] if step["load"] else loaded
    latency = ProcessingElement.latency
    for cycle in range(1, cycles):
        before = steps[cycle - 1]
        assert outputs[cycle][1:] == (before["activation"], before["swap"], before["load"]), cycle
        if cycle > latency:
            want = before["sum_in"] + steps[cycle - latency]["activation"] * used[cycle - latency]
            assert outputs[cycle][0] == want, cycle
