"""Flips while host and chip talk: without protection they matter, with it they don't."""

import re

import pytest

from vanallen.rtl.config import preset
from vanallen.tb.faults.exchange import EXCHANGES, exchange
from vanallen.tb.faults.outcome import Outcome

BAD = (Outcome.HANG, Outcome.DUE, Outcome.SDC)


@pytest.mark.timeout(300)  # the first builds the model
@pytest.mark.parametrize("name", EXCHANGES)
def test_no_flip_is_bad_with_protection(name: str) -> None:
    result = exchange(preset("nano"), name, sample=1500, seed=3, quick=True)
    assert [place for outcome in BAD for place in result.places(outcome)] == []
    counts = result.counts()
    assert counts[Outcome.LATE] > 0 and sum(counts.values()) == 1500 == len(set(result.numbers.tolist()))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", EXCHANGES)
def test_flips_are_bad_without(name: str) -> None:
    result = exchange(preset("nano", "none"), name, sample=1500, seed=3, quick=True)
    counts = result.counts()
    assert counts[Outcome.SDC] > 3
    # nothing is done again; at most the host waits for a cycle, where a flip says that there is no room, that a read is
    # in the way of a write, or that none is due
    assert counts[Outcome.LATE] <= 3
    assert all(re.search(r"(room|\.holds|\.due)$", register) for register, *_ in result.places(Outcome.LATE))
    register, bit, cycle = result.places(Outcome.SDC)[0]
    assert register.startswith("accelerator.") and bit >= 0 and 0 <= cycle < result.cycles


def test_another_exchange_is_refused() -> None:
    with pytest.raises(ValueError, match="exchange must be one of load, status, read-back, not 'talk'"):
        exchange(preset("nano"), "talk")
