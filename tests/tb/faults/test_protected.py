"""The protected nano chip: no sampled upset hangs it, is flagged or changes an output."""

import pytest

from vanallen.rtl.config import preset
from vanallen.tb.faults.count import count, make_campaign
from vanallen.tb.faults.layers import LAYERS
from vanallen.tb.faults.outcome import Outcome

BAD = (Outcome.HANG, Outcome.DUE, Outcome.SDC)
FULL = preset("nano", "full")


@pytest.mark.parametrize("memories, sample", [(False, 3000), (True, 500)], ids=["registers", "memories"])
@pytest.mark.parametrize("layer", LAYERS)
def test_no_upset_is_bad(layer: str, memories: bool, sample: int) -> None:
    result = count(make_campaign(FULL, LAYERS[layer](FULL), memories=memories), sample=sample, seed=1)
    assert {name: places for name in BAD if (places := result.places(name))} == {}
    counts = result.counts()
    assert counts[Outcome.CORRECTED], "upsets of what is read must be corrected"
    assert memories or counts[Outcome.RECOVERED], "upsets of the data path must lead to replays"


@pytest.mark.parametrize("layer", LAYERS)
def test_the_same_upsets_change_outputs_without_protection(layer: str) -> None:
    config = preset("nano", "none")
    counts = count(make_campaign(config, LAYERS[layer](config)), sample=3000, seed=1).counts()
    assert counts[Outcome.SDC] and counts[Outcome.HANG]
