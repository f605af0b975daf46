"""The accumulators of a column: read, add, write of one tag, and the other bank drained meanwhile."""

import random

import pytest

from vanallen.rtl.array.accumulator import Accumulator

LOW = 1 << 31


def wrap(value):
    return (value + LOW) % (2 * LOW) - LOW


def schedule(rng, rows, blocks):
    """Slots (kind, bank, row, first, partial sum) by cycle; block k accumulates in bank k % 2 while k - 1 drains."""
    adds, drains, cycle = {}, {}, 0
    for block in range(blocks):
        order, bank, start = rng.sample(range(rows), rng.choice([1, 2, 5, rows])), block % 2, cycle
        for turn in range(rng.randint(1, 4)):
            turn_start = cycle
            for row in order:
                value = rng.choice([-(1 << 17), (1 << 17) - 1, rng.randint(-(1 << 17), 1 << 16)])
                adds[cycle] = (bank, row, turn == 0, value)
                cycle += 1
            cycle = max(cycle, turn_start + 4)  # a row comes again 4 cycles after itself, no sooner
        cycle = max(cycle, start + 24)
        for offset in range(16):
            drains[cycle + 4 + offset] = (bank, rng.choice(order))
        cycle += 4
    return adds, drains, cycle + 24


def model(adds):
    """By cycle: contents of the accumulators after the sums of that cycle's slot."""
    contents, history = {}, {}
    for cycle, (bank, row, first, value) in sorted(adds.items()):
        contents[bank, row] = wrap((0 if first else contents[bank, row]) + value)
        history[cycle] = dict(contents)
    return history


@pytest.mark.parametrize(("rows", "seed"), [(16, 1), (64, 2)])
def test_random_blocks(trace, rows, seed):
    adds, drains, cycles = schedule(random.Random(seed), rows, blocks=12)
    steps = []
    for cycle in range(cycles):
        reads, adding, writes = (adds.get(cycle - delay) for delay in (0, 2, 3))
        drain, drained = drains.get(cycle), drains.get(cycle - Accumulator.latency)
        step = {}
        for port, slot in (("read", reads), ("write", writes), ("drain", drain)):
            step |= {f"{port}.valid": slot is not None, f"{port}.bank": slot[0] if slot else 1,
                     f"{port}.row": slot[1] if slot else 3}  # fmt: skip
        step |= {"add_bank": adding[0] if adding else 0, "add_first": adding[2] if adding else 0,
                 "partial_sum": adding[3] if adding else -5, "drained_bank": drained[0] if drained else 0}  # fmt: skip
        steps.append(step)
    outputs = trace(Accumulator(rows=rows, sum_bits=18), steps, ["drained"])
    history = model(adds)
    assert drains
    for cycle, key in drains.items():
        if cycle + Accumulator.latency < cycles:
            contents = history[max(at for at in history if at <= cycle - 4)]
            assert outputs[cycle + Accumulator.latency][0] == contents[key], (cycle, key)


def test_the_sum_wraps(trace):
    """A row added to every 4 cycles, until 32 bits overflow."""
    turns, value = 40, (1 << 27) - 1
    steps = [{"read.valid": cycle % 4 == 0, "add_first": cycle == 2, "write.valid": cycle % 4 == 3,
              "partial_sum": value} for cycle in range(4 * turns)]  # fmt: skip
    steps += [{"read.valid": 0, "write.valid": 0, "drain.valid": 1}, {}, {}]
    outputs = trace(Accumulator(rows=16, sum_bits=28), steps, ["drained"])
    assert outputs[-1][0] == wrap(turns * value) != turns * value
