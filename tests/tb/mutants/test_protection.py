"""Mutants of the protection are killed, each by what it names; all of them: `vanallen regress --mutants --protection
full`."""

from dataclasses import replace

import pytest

from vanallen.rtl.config import preset
from vanallen.rtl.control.voter import Voter
from vanallen.tb.mutants.edits import Edit, applied, rewritten
from vanallen.tb.mutants.killers import Proven, Simulated, Struck
from vanallen.tb.mutants.protection import PROTECTION, run_protection
from vanallen.tb.mutants.result import Verdict
from vanallen.tb.mutants.run import CACHE, run_mutants

FULL = preset("nano", "full")
QUICK = (
    "voter_follows_a_peer", "voter_keeps_its_own", "copy_struck_untold", "copy_decides_pins", "double_error_untold",
    "uncorrectable_ignored", "scrubber_overwrites_newer", "scrubber_never_runs", "written_byte_unchecked",
    "commit_without_rows", "replay_repeats_all", "replay_limit_ignored", "replay_not_counted", "watchdog_stands",
    "watchdog_unheard", "governor_window_long", "transfer_checksum_stands",
)  # fmt: skip


def test_there_are_enough_and_none_twice():
    assert len({mutant.name for mutant in PROTECTION}) == len(PROTECTION) >= 20
    assert {type(mutant.killer) for mutant in PROTECTION} == {Proven, Simulated, Struck}
    assert {edit.source.split(".")[0] for mutant in PROTECTION for edit in mutant.edits} >= {
        "accelerator", "array", "bus", "control", "ecc", "memory", "requant"
    }  # fmt: skip


@pytest.mark.parametrize("mutant", PROTECTION, ids=lambda mutant: mutant.name)
def test_every_mutant_applies(mutant):
    """Its text is there once; that it changes the hardware, its killer says."""
    with applied(mutant.edits, name=mutant.name):
        pass


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", QUICK)
def test_mutant_is_killed(name):
    """And its killer finds nothing on the sound hardware, else there would be an error."""
    result = run_mutants(FULL, filter=name)
    assert result.survivors == () and result.killed == result.total == 1 and result.good
    (outcome,) = result.hand
    assert outcome.by.startswith(("proof ", "simulation: "))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_mutants():
    result = run_mutants(FULL)
    assert result.good, result.survivors
    assert len(result.hand) == len(PROTECTION) and result.drawn == ()


def test_a_killer_that_finds_something_on_sound_hardware_is_an_error(monkeypatch):
    monkeypatch.setattr("vanallen.tb.mutants.killers.BENCHES", {"rows": lambda config: "something"})
    chosen = [mutant for mutant in PROTECTION if mutant.killer == Simulated("rows")]
    with pytest.raises(ValueError, match=r"sound hardware must pass .*rows.*: simulation: something"):
        run_protection(FULL, chosen, seed=0, progress=lambda done: None, cache=CACHE)


def test_a_mutant_that_nothing_notices_survives(monkeypatch):
    mutant = next(mutant for mutant in PROTECTION if mutant.killer == Simulated("rows"))
    other = replace(mutant, killer=Simulated("transfers"))
    monkeypatch.setattr("vanallen.tb.mutants.protection.PROTECTION", (other,))
    (outcome,) = run_protection(FULL, [other], seed=0, progress=lambda done: None, cache=CACHE)
    assert (outcome.verdict, outcome.by, outcome.block) == (Verdict.SURVIVED, "", "control")


def test_a_filter_that_finds_none_is_an_error():
    with pytest.raises(ValueError, match="filter must be part of the name of a mutant, not 'no such'"):
        run_mutants(FULL, filter="no such")


def test_edits_leave_no_trace_and_are_made_once():
    before = Voter.elaborate
    edit = Edit(Voter, "elaborate", "self.second, self.third", "self.first, self.third")
    with applied([edit], name="some"):
        assert Voter.elaborate is not before
    assert Voter.elaborate is before
    with pytest.raises(ValueError, match="mutant some must find 'nothing there' once in elaborate, not 0 times"), \
            applied([replace(edit, old="nothing there")], name="some"):  # fmt: skip
        pass
    with pytest.raises(ValueError, match=r"must not change 'third\)' in elaborate twice"):
        rewritten(before, [("self.second, self.third)", ""), ("third)", "")], name="some")
