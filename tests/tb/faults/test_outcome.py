"""The first class that fits is a record's."""

import numpy as np
import pytest

from vanallen.tb.faults.model import RECORD
from vanallen.tb.faults.outcome import Outcome, classify


def _class(counters: tuple[str, ...] = ("recovered", "corrected"), allowance: int = 0, **fields: int) -> Outcome:
    record = np.zeros(1, RECORD)
    for name, value in fields.items():
        record[name] = value
    return Outcome(classify(record, counters, allowance=allowance)[0])


@pytest.mark.parametrize(
    "fields, outcome",
    [
        ({"hang": 2, "failed": 1, "wrong": 1}, Outcome.HANG),
        ({"failed": 1, "wrong": 1}, Outcome.DUE),
        ({"refused": 2, "wrong": 1}, Outcome.DUE),
        ({"wrong": 2, "moved": 3, "late": 4}, Outcome.SDC),
        ({"moved": 3, "late": 40}, Outcome.RECOVERED),
        ({"late": -1, "moved": 2}, Outcome.LATE),
        ({"moved": 2, "live": 1}, Outcome.CORRECTED),
        ({"live": 1}, Outcome.LATENT),
        ({}, Outcome.MASKED),
        ({"converged": 1}, Outcome.MASKED),
    ],
)
def test_class(fields: dict[str, int], outcome: Outcome) -> None:
    assert _class(**fields) is outcome


def test_counters_are_known_by_name() -> None:
    assert _class(("corrected",), moved=1) is Outcome.CORRECTED
    assert _class((), moved=3) is Outcome.MASKED


def test_an_allowance_is_in_time() -> None:
    assert _class(allowance=3, late=-3) is Outcome.MASKED
    assert _class(allowance=3, late=4) is Outcome.LATE
