"""Placing tensors: nothing overlaps, what fits is found, what doesn't is refused."""

import numpy as np
import pytest

from vanallen.sw.compiler.memory import Tenancy, place


def overlap(tenancies, bases):
    """Pairs that share a word at a moment, word by word and moment by moment."""
    taken = {}
    for index, (tenancy, base) in enumerate(zip(tenancies, bases, strict=True)):
        for moment in range(tenancy.first, tenancy.last + 1):
            for word in range(base, base + tenancy.words):
                if (moment, word) in taken:
                    return taken[moment, word], index
                taken[moment, word] = index
    return None


def test_chain_needs_no_more_than_its_largest_pair():
    chain = [Tenancy(words, moment, moment + 1) for moment, words in enumerate([48, 16, 32, 8, 40])]
    bases = place(chain, 64)
    assert bases is not None and overlap(chain, bases) is None
    assert place(chain, 63) is None


def test_largest_first_is_tried_where_order_of_time_fails():
    tenancies = [Tenancy(2, 0, 1), Tenancy(2, 1, 2), Tenancy(6, 2, 3)]
    bases = place(tenancies, 8)
    assert bases is not None and overlap(tenancies, bases) is None


@pytest.mark.parametrize("seed", range(40))
def test_random_tensors_never_overlap(seed):
    rng = np.random.default_rng(seed)
    tenancies = []
    for _ in range(12):
        first = int(rng.integers(0, 8))
        tenancies.append(Tenancy(int(rng.integers(1, 20)), first, first + int(rng.integers(0, 4))))
    bases = place(tenancies, 400)
    assert bases is not None and overlap(tenancies, bases) is None
    peak = max(sum(t.words for t in tenancies if t.first <= m <= t.last) for m in range(12))
    assert place(tenancies, peak - 1) is None
