"""Campaigns on the unprotected nano chip: classes of chosen upsets, and that the ways to count agree."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vanallen.tb.faults import count as module
from vanallen.tb.faults.count import Campaign, count, make_campaign
from vanallen.tb.faults.layers import dense, diagonal
from vanallen.tb.faults.model import Model
from vanallen.tb.faults.outcome import Outcome, classify

from .conftest import NANO

Fault = Callable[..., NDArray[np.void]]


def _classes(model: Model, faults: list[NDArray[np.void]]) -> list[Outcome]:
    records = model.run(np.concatenate(faults))
    return [Outcome(value) for value in classify(records, ())]


@pytest.mark.parametrize(
    "name, bit, time, outcome",
    [
        ("job.phase", 1, 60, Outcome.HANG),
        ("fill.filling", 0, 40, Outcome.HANG),
        ("store.word_2", 7, 50, Outcome.DUE),
        ("issue.outside", 0, 50, Outcome.DUE),
        ("requantizer.lane_0.round.clamped", 3, 85, Outcome.SDC),
        ("host.enable", 0, 50, Outcome.LATE),
        ("activation_ram.access.row", 2, 50, Outcome.LATENT),
        ("job_cycles.value", 3, 50, Outcome.MASKED),
        ("cycle_log.log.read_0", 3, 50, Outcome.MASKED),
        ("activation_ram.decoded", 3, 0, Outcome.MASKED),
    ],
)
def test_class_of_a_chosen_register_bit(model: Model, fault: Fault, name: str, bit: int, time: int,
                                        outcome: Outcome) -> None:  # fmt: skip
    assert _classes(model, [fault(name, time, bit=bit)]) == [outcome]


def test_class_of_chosen_memory_bits(model: Model, fault: Fault) -> None:
    job = dense(NANO)
    fields = job.layers[0]
    weight = fault("weight_ram.ram", 0, element=fields["weight_base"], bit=6)
    beside = fault("weight_ram.ram", 0, element=NANO.weight_words - 1, bit=6)
    output = fault("activation_ram.ram", 0, element=fields["output_base"], bit=6)
    used = fault("activation_ram.ram", 125, element=fields["input_base"] + 1, bit=6)
    log = fault("cycle_log.log", 0, element=5, bit=6)
    classes = [Outcome.SDC, Outcome.LATENT, Outcome.MASKED, Outcome.SDC, Outcome.MASKED]
    assert _classes(model, [weight, beside, output, used, log]) == classes
    assert model.run(used)["wrong"] == 2, "the first job had read it, the second one reads it wrong"


def test_a_fault_that_changes_nothing_leaves_everything_as_it_was(model: Model, fault: Fault) -> None:
    record = model.run(fault("cycle_log.log", 0, element=5), early=False)[0]
    assert not any(record[name] for name in record.dtype.names if name != "simulated")
    lost = model.run(fault("activation_ram.ram", 0, element=NANO.activation_words - 1), early=False)[0]
    assert lost["live"] == 2 and not lost["late"]


def test_an_accumulator_bit_is_wrong_only_between_its_write_and_its_read(campaign: Campaign, model: Model,
                                                                         fault: Fault) -> None:  # fmt: skip
    faults = [fault("array.accumulator_1.bank_0", time, element=2, bit=28) for time in range(campaign.space.cycles)]
    classes = _classes(model, faults)
    wrong = [time for time, outcome in enumerate(classes) if outcome is Outcome.SDC]
    assert set(classes) <= {Outcome.SDC, Outcome.MASKED, Outcome.LATENT}
    assert 10 < len(wrong) < campaign.space.cycles // 2
    assert len(np.flatnonzero(np.diff(wrong) > 1)) <= 1, "two tiles: the bit may be dead while the second is added"


def test_a_run_that_ends_early_is_of_the_same_class(campaign: Campaign) -> None:
    early, full = (count(campaign, sample=3000, seed=1, early=early) for early in (True, False))
    assert (early.numbers == full.numbers).all()
    assert (early.outcomes == full.outcomes).all()
    assert early.simulated < full.simulated / 3
    assert {Outcome.HANG, Outcome.DUE, Outcome.SDC, Outcome.LATENT, Outcome.MASKED} <= set(early.outcomes.tolist())


def test_what_is_inferred_is_what_would_be_simulated(campaign: Campaign) -> None:
    bits = np.random.default_rng(3).choice(campaign.space.bits, 400, replace=False)
    cycles = campaign.space.cycles
    numbers = np.concatenate([np.arange(bit * cycles, (bit + 1) * cycles) for bit in np.sort(bits).tolist()])
    inferred, simulated = (count(campaign, numbers=numbers, infer=infer) for infer in (True, False))
    kept = [name for name in inferred.records.dtype.names or () if name not in ("simulated", "converged", "inferred")]
    assert (inferred.records[kept] == simulated.records[kept]).all()
    assert not simulated.records["inferred"].any()
    taken = inferred.records["inferred"] > 0
    assert 0.1 < taken.mean() < 0.9
    costs, all_costs = (result.records["simulated"].astype(int) for result in (inferred, simulated))
    assert costs[taken].max() == 1, "a step to the next cycle, which is known"
    saved = all_costs[taken].sum()
    assert saved > 100 * costs[taken].sum() and costs.sum() < all_costs.sum() - 0.9 * saved


def test_many_models_count_as_one_does_and_what_is_done_is_not_done_again(
    campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHUNK", 500)
    calls: list[tuple[int, int]] = []
    first = count(campaign, sample=1800, seed=2, jobs=2, folder=tmp_path, progress=lambda *done: calls.append(done))
    assert [done for done, _ in calls][-1] == 1800 and {total for _, total in calls} == {1800} and len(calls) == 4
    parts = sorted(tmp_path.rglob("*.npz"))
    assert len(parts) == 4
    parts[1].unlink()
    runs: list[int] = []
    original = Model.run
    monkeypatch.setattr(Model, "run", lambda self, faults, **how: (runs.append(len(faults)),
                                                                  original(self, faults, **how))[1])  # fmt: skip
    again = count(campaign, sample=1800, seed=2, jobs=1, folder=tmp_path)
    assert len(runs) == 1 and (again.records == first.records).all()


def test_another_design_or_job_has_another_key(campaign: Campaign) -> None:
    assert replace(campaign, verilog=campaign.verilog + "\n").key != campaign.key
    other = make_campaign(NANO, diagonal(NANO))
    assert other.key != campaign.key and other.library == campaign.library


def test_result_says_where(campaign: Campaign, tmp_path: Path) -> None:
    result = count(campaign, sample=2000, seed=4)
    counts, table = result.counts(), result.by_register()
    assert sum(counts.values()) == 2000
    for outcome in Outcome:
        assert counts[outcome] == sum(row[outcome] for row in table.values()) == len(result.places(outcome))
    name, word, bit, time = result.places(Outcome.SDC)[0]
    assert table[name][Outcome.SDC] and word == 0 and 0 <= time < campaign.space.cycles
    assert bit < next(storage.bits for storage in campaign.space.storage if storage.name == name)
    result.save(tmp_path / "result.npz")
    with np.load(tmp_path / "result.npz") as stored:
        assert (stored["outcomes"] == result.outcomes).all() and name in stored["names"]


def test_a_sample_is_drawn_without_repetition_and_all_is_all(campaign: Campaign) -> None:
    drawn = module._draw(campaign.space.faults, 1000, 9)
    assert len(set(drawn.tolist())) == 1000 and drawn.max() < campaign.space.faults
    assert (drawn == module._draw(campaign.space.faults, 1000, 9)).all()
    assert len(module._draw(campaign.space.faults, None, 0)) == campaign.space.bits * campaign.space.cycles


def test_memory_bits_are_a_space_of_their_own(campaign: Campaign, model: Model) -> None:
    memories = make_campaign(NANO, dense(NANO), memories=True)
    words = [storage for storage in model.storage if storage.is_memory]
    assert memories.space.bits == sum(storage.bits * storage.elements for storage in words)
    assert count(memories, sample=500, seed=1).counts()[Outcome.HANG] == 0
