"""The running checksum of a transfer against its golden function."""

import random

from vanallen.rtl.bus.transfer_checksum import TransferChecksum
from vanallen.rtl.transfers import checksum


def test_random_words(trace):
    rng, expected, total, steps = random.Random(1), [], 0, []
    for _ in range(2000):
        step = {"enable": int(rng.random() < 0.6), "word": rng.getrandbits(64), "address": rng.getrandbits(19),
                "clear": int(rng.random() < 0.02)}  # fmt: skip
        expected.append(total)
        if step["clear"]:
            total = 0
        elif step["enable"]:
            total = checksum([(step["address"] << 3, step["word"])], total)
        steps.append(step)
    outputs = trace(TransferChecksum(), steps, ["value"])
    assert [value for (value,) in outputs] == expected
    assert max(expected) > 1 << 31
