"""Products of the requantizer are in DSP blocks where the device has enough of them."""

import pytest

from vanallen.rtl.config import preset
from vanallen.rtl.technology import Technology
from vanallen.synth.multipliers import multipliers_needed, technology_for


@pytest.mark.parametrize(
    ("name", "protection", "needed"),
    [("nano", "none", 20), ("nano", "full", 24), ("cubesat", "none", 72), ("cubesat", "full", 80),
     ("payload", "none", 144), ("payload", "full", 152)],
)  # fmt: skip
def test_multipliers_of_a_chip(name, protection, needed):
    assert multipliers_needed(preset(name, protection)) == needed


@pytest.mark.parametrize(
    ("name", "device", "technology"),
    [
        ("payload", "LFE5U-85F", Technology.ECP5),
        ("cubesat", "LFE5U-45F", Technology.ECP5_ARRAY),
        ("cubesat", "LFE5UM5G-45F", Technology.ECP5_ARRAY),
        ("cubesat", "LFE5U-85F", Technology.ECP5),
        ("nano", "LFE5U-12F", Technology.ECP5),
        ("orbital", "some-device", Technology.ECP5),
    ],
)
def test_the_array_comes_first(name, device, technology):
    assert technology_for(preset(name, "full"), device) is technology
