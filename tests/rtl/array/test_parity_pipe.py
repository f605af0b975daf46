"""A parity meets its bits one by one."""

import random

from vanallen.rtl.array.parity_pipe import ParityPipe


def test_a_bit_that_changed_shows(trace):
    """The bits of a word come a cycle after each other, as those of the words around it do."""
    depth, rng = 5, random.Random(1)
    words = [rng.getrandbits(depth) for _ in range(100)]
    flipped = [rng.choice([0, 0, 1 << rng.randrange(depth)]) for _ in words]
    steps = []
    for cycle in range(len(words)):
        came = [words[cycle - place] ^ flipped[cycle - place] if cycle >= place else 0 for place in range(depth)]
        fold = sum((came[place] >> place & 1) << place for place in range(depth))
        steps.append({"i": words[cycle].bit_count() & 1, "fold": fold})
    outputs = [row[0] >> depth for row in trace(ParityPipe(depth=depth), steps, ["taps"])]
    assert outputs[depth:] == [int(mask != 0) for mask in flipped[: len(words) - depth]]
