"""The regression catches hand-made faults; all of them: `vanallen regress --mutants`."""

from dataclasses import replace

import pytest

from vanallen.rtl.config import preset
from vanallen.tb.mutants import MUTANTS, mutant_verilog, run_mutants

QUICK = ("padding_streams_zero", "round_ties_down", "issue_never_waits", "write_errors_hidden")
NANO = preset("nano")


def test_there_are_enough_and_none_twice():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 12


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", QUICK)
def test_mutant_is_killed(name):
    assert run_mutants(NANO, filter=name).survivors == ()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_all_mutants_are_killed():
    result = run_mutants(NANO)
    assert result.survivors == () and result.killed == result.total == len(MUTANTS)


def test_a_mutant_that_does_not_apply_is_an_error():
    mutant = MUTANTS[0]
    with pytest.raises(ValueError, match="must find 'no such text' once in elaborate, not 0 times"):
        mutant_verilog(NANO, replace(mutant, old="no such text"))
    with pytest.raises(ValueError, match="must change the Verilog"):
        mutant_verilog(NANO, replace(mutant, new=mutant.old))


def test_a_mutant_leaves_no_trace():
    before = MUTANTS[0].owner.elaborate
    mutant_verilog(NANO, MUTANTS[0])
    assert MUTANTS[0].owner.elaborate is before
