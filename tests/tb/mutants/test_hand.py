"""The short regression catches hand-made faults; all of them: `vanallen regress --mutants`."""

from dataclasses import replace

import pytest

from vanallen.rtl.config import preset
from vanallen.tb.mutants.hand import MUTANTS, check_mutant, mutant_verilog
from vanallen.tb.mutants.run import run_mutants

QUICK = (
    "element_loses_swap", "accumulator_stale_bank", "padding_streams_zero", "round_ties_down", "issue_never_waits",
    "write_errors_hidden",
)  # fmt: skip
NANO = preset("nano", "none")


def test_there_are_enough_and_none_twice():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 12


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", QUICK)
def test_mutant_is_killed(name):
    result = run_mutants(NANO, filter=name, drawn=0)
    assert result.survivors == () and result.killed == result.total == 1 and result.good


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_mutants():
    result = run_mutants(NANO)
    assert result.good, result.survivors
    assert len(result.hand) == len(MUTANTS) and len(result.drawn) == 150


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_applies(mutant):
    check_mutant(replace(NANO, columns=2 * NANO.columns) if mutant.wide else NANO, mutant)


def test_a_mutant_that_does_not_apply_is_an_error():
    mutant = MUTANTS[0]
    with pytest.raises(ValueError, match="must find 'no such text' once in elaborate, not 0 times"):
        mutant_verilog(NANO, replace(mutant, old="no such text"))
    with pytest.raises(ValueError, match="must change the design"):
        mutant_verilog(NANO, replace(mutant, new=mutant.old))


def test_a_mutant_leaves_no_trace():
    before = MUTANTS[0].owner.elaborate
    mutant_verilog(NANO, MUTANTS[0])
    assert MUTANTS[0].owner.elaborate is before


def test_a_filter_that_finds_none_is_an_error():
    with pytest.raises(ValueError, match="filter must be part of the name of a mutant, not 'nothing'"):
        run_mutants(NANO, filter="nothing", drawn=0)
