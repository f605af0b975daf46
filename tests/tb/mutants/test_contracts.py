"""A counter with a fault that no simulation reaches breaks its proof; without it the proof holds."""

import pytest

from vanallen.rtl.config import preset
from vanallen.tb.mutants.contracts import broken_proof
from vanallen.tb.mutants.draw import draw

NANO = preset("nano")
COUNTERS = ("job_cycles", "issued_slots", "stalled_slots", "stolen_slots")


@pytest.fixture(scope="module")
def in_counters():
    found = [mutation for mutation in draw(NANO, 150, 1) if mutation.module.endswith(COUNTERS)]
    assert len(found) >= 3, "of 25 in the bus"
    return found


def test_a_fault_in_a_counter_breaks_its_proof(in_counters):
    for mutation in in_counters[:3]:
        assert broken_proof(NANO, mutation) == "counter.saturates: it counts", mutation.name


def test_a_counter_without_its_fault_is_proven(in_counters):
    assert broken_proof(NANO, in_counters[0], active=False) == ""


def test_other_blocks_are_left_to_the_other_steps():
    others = [mutation for mutation in draw(NANO, 12, 1) if not mutation.module.endswith(COUNTERS)]
    assert broken_proof(NANO, others[0]) == ""
