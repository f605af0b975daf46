"""The test of drained rows: right ones pass, and every single bit that is wrong is told."""

import random

import pytest

from vanallen.rtl.array.checksum_test import ChecksumTest
from vanallen.rtl.array.residue import MODULUS

MOST = 1 << 29


def steps_of(rows, lanes, rng):
    """Rows of some slots each, now and then a free cycle between; ``rows``: values, slots first, and the checksum."""
    steps, ends, checksums = [], [], {}
    for slots, checksum in rows:
        for place, values in enumerate(slots):
            if rng.random() < 0.2:
                steps.append({"values": [0] * lanes, "begins": 0, "ends": 0})
            steps.append({"values": values, "begins": place == 0, "ends": place == len(slots) - 1})
            if place == 0:
                checksums[len(steps) + 1] = checksum
        ends.append(len(steps) - 1)
    steps += [{"values": [0] * lanes, "begins": 0, "ends": 0} for _ in range(5)]
    for place, step in enumerate(steps):
        step["checksum"] = checksums.get(place, rng.randrange(256))
    return steps, ends


@pytest.mark.parametrize("lanes", [1, 2, 4, 8])
def test_rows(trace, lanes):
    rng, rows, wrong = random.Random(lanes), [], []
    for _ in range(300):
        slots = [[rng.choice([-MOST, MOST, 0, -1, rng.randint(-MOST, MOST)]) for _ in range(lanes)]
                 for _ in range(rng.randint(1, 4))]  # fmt: skip
        checksum = sum(map(sum, slots)) % MODULUS
        if checksum == 0:
            checksum = rng.choice([0, MODULUS])
        wrong.append(rng.random() < 0.5)
        if wrong[-1]:
            slot, lane, bit = rng.randrange(len(slots)), rng.randrange(lanes), rng.randrange(32)
            value = (slots[slot][lane] ^ 1 << bit) & 0xFFFFFFFF
            slots[slot][lane] = value - (value >> 31 << 32)
        rows.append((slots, checksum))
    steps, ends = steps_of(rows, lanes, rng)
    outputs = [row[0] for row in trace(ChecksumTest(lanes=lanes), steps, ["wrong"])]
    told = [cycle - 4 for cycle, value in enumerate(outputs) if value]
    assert told == [end for end, bad in zip(ends, wrong, strict=True) if bad]
