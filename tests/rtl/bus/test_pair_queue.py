"""Two entries in line, and the parity beside each."""

import random

import pytest

from vanallen.rtl.bus.pair_queue import PairQueue

BITS = 9


def steps_of(rng, count):
    """Steps of a queue, and what waits in it before each."""
    line, steps, lines = [], [], []
    for _ in range(count):
        lines.append(line)
        shift = bool(line) and rng.random() < 0.5
        line = line[1:] if shift else line
        push, value = len(line) < 2 and rng.random() < 0.6, rng.getrandbits(BITS)
        steps.append({"value": value, "shift": int(shift), "place": 1 << len(line) if push else 0})
        line = [*line, value] if push else line
    return steps, lines


@pytest.mark.parametrize("protected", [False, True])
def test_first_in_first_out(trace, protected):
    steps, lines = steps_of(random.Random(1), 500)
    names = ["second", "first", "sound"] if protected else ["second", "first"]
    outputs = trace(PairQueue(bits=BITS, protected=protected), steps, names)
    for cycle, (line, (second, *output)) in enumerate(zip(lines, outputs, strict=True)):
        assert not line or output == ([line[0], 1] if protected else [line[0]]), cycle
        assert len(line) < 2 or second == line[1], cycle
    assert sum(map(bool, lines)) > 300
