"""What `vanallen regress` prints of an outcome, and its exit status."""

import pytest

from vanallen.sw.cli.output import Output
from vanallen.sw.cli.regress import show


def outcome(*, failed=0, survivors=None, missed=(), filter=""):
    cases = [
        {"name": "matmul_small", "seed": 4, "seconds": 1.25, "outcome": "passed"},
        {"name": "padding", "seed": 5, "seconds": 0.5, "outcome": "failed" if failed else "passed"},
    ]
    mutants = None if survivors is None else {"total": 12, "killed": 12 - len(survivors), "survivors": list(survivors)}
    coverage = {"points": 40, "hit": 40 - len(missed), "missed": list(missed)}
    return {"passed": 2 - failed, "failed": failed, "cases": cases, "coverage": coverage, "mutants": mutants,
            "filter": filter}  # fmt: skip


@pytest.mark.parametrize(
    ("result", "status", "said"),
    [
        (outcome(), 0, "2 passed, 0 failed"),
        (outcome(failed=1), 1, "1 passed, 1 failed"),
        (outcome(survivors=[]), 0, "mutants: 12 of 12 killed"),
        (outcome(survivors=["swap_lost"]), 1, "survivors: swap_lost"),
        (outcome(missed=["stride_4"]), 0, "coverage: 39 of 40 points\nmissed: stride_4"),
        (outcome(missed=["a", "b", "c"]), 1, "coverage: 37 of 40 points"),
        (outcome(missed=["a", "b", "c"], filter="padding"), 0, "coverage: 37 of 40 points"),
    ],
    ids=[
        "good",
        "failed case",
        "mutants killed",
        "mutant survives",
        "point missed",
        "too many missed",
        "a filter misses more",
    ],
)
def test_outcome_and_exit_status(capsys, result, status, said):
    assert show(Output(json_path=None, quiet=False), result) == status
    out = capsys.readouterr().out
    assert said in out and "matmul_small" in out
