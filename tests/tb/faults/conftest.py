"""The nano chip running the dense layer, and a model of it that has recorded the script; built once."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from vanallen.rtl.config import preset
from vanallen.tb.faults.count import Campaign, make_campaign
from vanallen.tb.faults.layers import dense
from vanallen.tb.faults.model import FAULT, Model

NANO = preset("nano", "none")


@pytest.fixture(scope="session")
def campaign() -> Campaign:
    return make_campaign(NANO, dense(NANO))


@pytest.fixture(scope="session")
def model(campaign: Campaign) -> Model:
    return campaign.model()


@pytest.fixture(scope="session")
def fault(campaign: Campaign, model: Model) -> Callable[..., NDArray[np.void]]:
    """One fault, by the name below the accelerator; ``time`` counts from the start of the job."""

    def make(name: str, time: int, *, bit: int = 0, element: int = 0) -> NDArray[np.void]:
        index = [storage.name for storage in model.storage].index(f"accelerator.{name}")
        return np.array([(model.variable[index], element, bit, campaign.space.start + time)], FAULT)

    return make
