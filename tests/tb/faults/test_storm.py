"""A storm on nano: what is planned is flipped in time, protection stands it, and without it answers are lost."""

import pytest

from vanallen.rtl.config import preset
from vanallen.sw.driver import Health
from vanallen.tb.faults.storm import Answer, Flagged, StormResult, storm
from vanallen.tb.faults.storm_target import StormTarget

FULL, NONE = preset("nano", "full"), preset("nano", "none")
EVERY = 250


@pytest.fixture(scope="module")
def protected():
    return storm(FULL, images=6, every=EVERY, seed=1, quick=True)


def test_a_protected_chip_answers_right_in_a_storm(protected):
    """Eight flips where the documents' storm has one."""
    assert protected.good and not protected.count(Answer.WRONG) and not protected.loads
    assert protected.health.corrected, "some of the flips must be noticed"


def test_a_protected_chip_answers_right_in_a_storm_of_registers():
    result = storm(FULL, images=6, every=500, seed=1, memories=False, quick=True)
    assert result.good and not any(storage.is_memory for _, storage, _, _ in result.flips)
    assert result.health.recovered and result.health.outvoted


def test_flips_come_all_the_time(protected):
    cycles = [cycle for cycle, *_ in protected.flips]
    assert cycles == list(range(cycles[0], protected.cycles + 1, EVERY))
    assert cycles[0] <= EVERY + 4 and len(cycles) > 100
    hit = {storage.is_memory for _, storage, _, _ in protected.flips}
    assert hit == {False, True}
    assert all(word < storage.elements and bit < storage.bits for _, storage, word, bit in protected.flips)
    assert sum(protected.by_part().values()) == len(cycles)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_storm_without_protection_loses_answers(seed):
    result = storm(NONE, images=6, every=EVERY, seed=seed, quick=True)
    assert not result.good
    assert result.count(Answer.WRONG) or len(result.flagged) > 2


def test_a_seed_is_a_storm():
    flips = []
    for seed, waits in ((3, [5000]), (3, [1, 1999, 3000]), (4, [5000])):
        target = StormTarget(NONE, every=7, seed=seed, quick=True)
        for cycles in waits:
            target.wait(cycles)
        flips.append(target.flipped())
        assert target.flips == len(flips[-1]) == 5000 // 7
        assert target.flipped(700) == flips[-1][700:]
        target.close()
    assert flips[0] == flips[1] != flips[2]


def test_every_must_be_a_number_of_cycles():
    with pytest.raises(ValueError, match="every must be at least 1, not 0"):
        StormTarget(NONE, every=0, seed=1)


@pytest.mark.parametrize(
    ("wrong", "flagged", "good"), [(0, 0, True), (0, 2, True), (0, 3, False), (1, 0, False), (1, 3, False)]
)
def test_what_is_expected(wrong, flagged, good):
    answers = [Answer.WRONG] * wrong + [Answer.FLAGGED] * flagged + [Answer.RIGHT] * (9 - wrong - flagged)
    result = StormResult(1, "", answers, [Flagged(0, "", True)] * flagged, health=Health())
    assert result.good is good and result.answered == 9 - flagged
