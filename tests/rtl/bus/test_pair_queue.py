"""Two entries in line, and the parity beside each."""

import random

import pytest

from vanallen.rtl.bus.pair_queue import PairQueue

BITS = 9


def steps_of(rng, count):
    """Steps of a queue, and for each what is first in it before it: None if there is nothing."""
    line, steps, firsts = [], [], []
    for _ in range(count):
        firsts.append(line[0] if line else None)
        shift = bool(line) and rng.random() < 0.5
        line = line[1:] if shift else line
        push, value = len(line) < 2 and rng.random() < 0.6, rng.getrandbits(BITS)
        steps.append({"value": value, "shift": int(shift), "place": 1 << len(line) if push else 0})
        line = [*line, value] if push else line
    return steps, firsts


@pytest.mark.parametrize("protected", [False, True])
def test_first_in_first_out(trace, protected):
    steps, firsts = steps_of(random.Random(1), 500)
    names = ["following", "first", "sound"] if protected else ["following", "first"]
    outputs = trace(PairQueue(bits=BITS, protected=protected), steps, names)
    before = None
    for cycle, (first, (following, *output)) in enumerate(zip(firsts, outputs, strict=True)):
        assert first is None or output == ([first, 1] if protected else [first]), cycle
        assert first is None or first == before, cycle
        before = following
    assert sum(first is not None for first in firsts) > 300
