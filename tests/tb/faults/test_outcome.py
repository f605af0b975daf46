"""The first class that fits is a record's."""

import numpy as np
import pytest

from vanallen.rtl.commands import ErrorCode
from vanallen.tb.faults.model import RECORD
from vanallen.tb.faults.outcome import Outcome, classify
from vanallen.tb.faults.replays import Alarm, alarms


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


def test_alarms_are_counted_by_cause_and_false_where_nothing_wrong_was_written() -> None:
    records = np.zeros(6, RECORD)
    records["moved"] = [1, 1, 1, 1, 0, 0]
    records["cause"] = [ErrorCode.TAG, ErrorCode.CHECKSUM, ErrorCode.CHECKSUM, 255, 0, 0]
    records["clean"] = [1, 0, 1, 1, 0, 0]
    records["failed"] = [0, 0, 0, 0, 1, 0]
    found = alarms(records, classify(records, ("recovered",)))
    assert found[0] == Alarm("CHECKSUM", 2, 1)
    assert {(alarm.cause, alarm.faults, alarm.false) for alarm in found[1:]} == {
        ("TAG", 1, 1), ("ROWS_MISSING or BAD_CHECKSUM", 1, 1), ("no replay", 1, 1)}  # fmt: skip
    records["wrong"][4] = 1
    assert sum(alarm.false for alarm in alarms(records, classify(records, ("recovered",)))) == 3
