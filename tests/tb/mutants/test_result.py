"""When a set of mutants is good enough."""

import pytest

from vanallen.tb.mutants.result import MutantOutcome, Verdict, summary

KILLED, EQUIVALENT, SURVIVED = Verdict


def outcomes(verdict, count, name="m"):
    return tuple(MutantOutcome(f"{name}{verdict}{index}", "bus", "", verdict, "") for index in range(count))


@pytest.mark.parametrize(
    ("hand", "drawn", "good"),
    [
        (outcomes(KILLED, 3), (), True),
        (outcomes(KILLED, 3) + outcomes(SURVIVED, 1), (), False),
        ((), outcomes(KILLED, 97) + outcomes(SURVIVED, 3), True),
        ((), outcomes(KILLED, 96) + outcomes(SURVIVED, 4), False),
        ((), outcomes(KILLED, 97) + outcomes(SURVIVED, 3) + outcomes(EQUIVALENT, 50), True),
        ((), outcomes(KILLED, 96) + outcomes(SURVIVED, 4) + outcomes(EQUIVALENT, 50), False),
        (outcomes(KILLED, 900), outcomes(KILLED, 96) + outcomes(SURVIVED, 4), False),
    ],
)
def test_good(hand, drawn, good):
    result = summary(hand, drawn, seed=1, seconds=2.0)
    assert result.good is good
    assert result.total == len(hand) + len(drawn) == result.killed + len(result.survivors) + len(result.equivalent)
