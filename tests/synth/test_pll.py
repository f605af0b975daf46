"""The PLL's settings: inside the data sheet's limits, as near as any, and as Project Trellis's own tool finds them."""

import re
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vanallen.synth.errors import BoardError
from vanallen.synth.pll import find_pll

MHZ = 1_000_000


def outputs(input_hz, wanted_hz):
    """By trying all: what the PLL can make of the input, at most the frequency wanted. Limits as in the data sheet."""
    for reference in range(1, 129):
        detector = Fraction(input_hz, reference)
        if not Fraction("3.125") <= detector / MHZ <= 400:
            continue
        for feedback in range(1, 129):
            output = detector * feedback
            if output > wanted_hz:
                break
            if any(400 <= output * divider / MHZ <= 800 for divider in range(1, 129)):
                yield output


@settings(max_examples=40)
@given(st.integers(8 * MHZ, 400 * MHZ), st.integers(4 * MHZ, 400 * MHZ))
def test_settings_are_inside_the_limits_and_the_best_there_are(input_hz, wanted_hz):
    best = max(outputs(input_hz, wanted_hz), default=None)
    try:
        pll = find_pll(input_hz=input_hz, wanted_hz=wanted_hz)
    except BoardError:
        assert best is None or best < Fraction(99, 100) * wanted_hz
        return
    assert pll.output_hz == best
    assert pll.output_hz == Fraction(input_hz * pll.feedback, pll.reference) <= wanted_hz
    assert all(1 <= value <= 128 for value in (pll.reference, pll.feedback, pll.divider))
    assert 400 * MHZ <= pll.output_hz * pll.divider <= 800 * MHZ
    assert 3.125 * MHZ <= Fraction(input_hz, pll.reference) <= 400 * MHZ


@pytest.mark.parametrize(
    ("input_mhz", "output_mhz"), [(25, 100), (100, 100), (12, 60), (48, 160), (25, 62.5), (16, 200)]
)
def test_frequencies_of_trellis(tmp_path, input_mhz, output_mhz):
    tool = shutil.which("yowasp-ecppll", path=str(Path(sys.executable).parent))
    run = subprocess.run(
        [tool, "-i", str(input_mhz), "-o", str(output_mhz)], capture_output=True, text=True, check=True
    )
    said = {name: float(value) for name, value in re.findall(r"^(.*): ([\d.]+)", run.stdout, re.MULTILINE)}
    pll = find_pll(input_hz=int(input_mhz * MHZ), wanted_hz=int(output_mhz * MHZ))
    assert pll.output_hz == said["clkout0 frequency"] * MHZ, said
    assert (pll.reference, pll.feedback) == (said["Refclk divisor"], said["Feedback divisor"])


@pytest.mark.parametrize(
    ("input_hz", "wanted_hz", "message"),
    [
        (1 * MHZ, 100 * MHZ, "oscillator must be from 8 to 400 MHz, not 1: the PLL's limits"),
        (25 * MHZ, 500 * MHZ, "clock must be from 3.125 to 400 MHz, not 500"),
        (8 * MHZ, 7_900_000, r"the PLL can't make 7\.9 MHz of 8 MHz: the nearest below is 4; choose another clock_mhz"),
    ],
)
def test_what_cannot_be_made_says_so(input_hz, wanted_hz, message):
    with pytest.raises(BoardError, match=message):
        find_pll(input_hz=input_hz, wanted_hz=wanted_hz)
