"""A dozen drawn mutants; all 150: `vanallen regress --mutants`."""

import json

import pytest

from vanallen.rtl.config import preset
from vanallen.tb.mutants import drawn
from vanallen.tb.mutants.draw import draw
from vanallen.tb.mutants.drawn import judge, judge_all, make_batch, quick_failure
from vanallen.tb.mutants.result import MutantOutcome, Verdict
from vanallen.tb.mutants.run import CACHE

NANO = preset("nano", "none")
COUNT, SEED = 12, 5


@pytest.fixture(scope="module")
def batch():
    return make_batch(NANO, draw(NANO, COUNT, SEED), seed=SEED, cache=CACHE)


@pytest.mark.timeout(600)
def test_drawn_mutants_are_killed_and_the_sound_chip_is_not(batch):
    assert quick_failure(batch, 0) == ""
    outcomes = [judge(batch, number) for number in range(1, COUNT + 1)]
    assert sum(outcome.by.startswith("quick: ") for outcome in outcomes) >= COUNT // 2
    survivors = [outcome.name for outcome in outcomes if outcome.verdict is Verdict.SURVIVED]
    assert len(survivors) <= 1, survivors


@pytest.mark.timeout(300)
def test_what_was_judged_is_kept_and_a_broken_process_is_a_kill(batch, tmp_path, monkeypatch):
    own = drawn.Batch(batch.config, batch.mutations, batch.text, batch.library, batch.seed, tmp_path)
    killed = next(number for number in range(1, COUNT + 1) if quick_failure(batch, number))
    seen = []
    first = judge_all(own, (killed,), jobs=1, progress=seen.append)
    assert [outcome.verdict for outcome in first] == [Verdict.KILLED] and first[0].by.startswith("quick: ")
    assert seen == [0, 1]
    (path,) = (tmp_path / "outcomes").glob("*.json")
    assert json.loads(path.read_text())["name"] == first[0].name

    again = []
    monkeypatch.setattr(drawn, "_judge_pool", lambda batch, numbers, jobs, note: again.extend(numbers) or [])
    assert judge_all(own, (killed,), jobs=1, progress=seen.append) == first and again == []
    other = drawn.Batch(batch.config, batch.mutations, batch.text, batch.library, batch.seed, tmp_path / "other")
    monkeypatch.setattr(drawn, "_judge_pool", lambda batch, numbers, jobs, note: list(numbers))
    (dead,) = judge_all(other, (killed,), jobs=1, progress=seen.append)
    assert dead == MutantOutcome(first[0].name, first[0].block, first[0].source, Verdict.KILLED,
                                 "the simulator ended the process")  # fmt: skip
