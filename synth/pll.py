"""Settings of the ECP5's PLL, in integers. Imports no Amaranth."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from .errors import BoardError

__all__ = ["DIVIDERS", "INPUT_HZ", "OUTPUT_HZ", "PHASE_DETECTOR_HZ", "TOLERANCE", "VCO_HZ", "Pll", "find_pll"]

MHZ = 1_000_000
INPUT_HZ = (8 * MHZ, 400 * MHZ)
OUTPUT_HZ = (3_125_000, 400 * MHZ)
PHASE_DETECTOR_HZ = (3_125_000, 400 * MHZ)
VCO_HZ = (400 * MHZ, 800 * MHZ)
"""Limits of EHXPLLL (Lattice FPGA-DS-02012, ECP5 family data sheet, sysCLOCK PLL timing)."""

DIVIDERS = range(1, 129)
"""Values of each of its dividers."""

TOLERANCE = Fraction(1, 100)
"""A PLL clock may lie this much below the one asked for, never above it."""


@dataclass(kw_only=True, frozen=True)
class Pll:
    """EHXPLLL with feedback from its own output: ``output = input / reference * feedback``, VCO ``output * divider``.

    ``reference``, ``feedback``, ``divider`` are CLKI_DIV, CLKFB_DIV and CLKOP_DIV.
    """

    input_hz: int
    reference: int
    feedback: int
    divider: int

    @property
    def phase_detector_hz(self) -> Fraction:
        """Frequency at the phase detector."""
        return Fraction(self.input_hz, self.reference)

    @property
    def output_hz(self) -> Fraction:
        """Frequency of the output."""
        return self.phase_detector_hz * self.feedback

    @property
    def vco_hz(self) -> Fraction:
        """Frequency of the oscillator inside."""
        return self.output_hz * self.divider


def _within(value: Fraction | int, limits: tuple[int, int]) -> bool:
    return limits[0] <= value <= limits[1]


def _divider(output_hz: Fraction) -> int | None:
    """The divider that puts the VCO nearest the middle of its range; None if none puts it inside."""
    allowed = [divider for divider in DIVIDERS if _within(output_hz * divider, VCO_HZ)]
    return min(allowed, key=lambda divider: abs(2 * output_hz * divider - sum(VCO_HZ)), default=None)


def find_pll(*, input_hz: int, wanted_hz: int) -> Pll:
    """Settings whose output is ``wanted_hz``, or the highest below it; of equal ones, the fastest phase detector.

    Raises
    ------
    BoardError
        If a frequency is outside the PLL's limits, or nothing comes within ``TOLERANCE``.
    """
    for what, value, limits in (("oscillator", input_hz, INPUT_HZ), ("clock", wanted_hz, OUTPUT_HZ)):
        if not _within(value, limits):
            low, high = (limit / MHZ for limit in limits)
            raise BoardError(f"{what} must be from {low:g} to {high:g} MHz, not {value / MHZ:g}: the PLL's limits")
    best: Pll | None = None
    for reference in DIVIDERS:
        if not _within(Fraction(input_hz, reference), PHASE_DETECTOR_HZ):
            continue
        feedback = min(wanted_hz * reference // input_hz, DIVIDERS[-1])
        if feedback == 0 or (best and Fraction(input_hz * feedback, reference) <= best.output_hz):
            continue
        divider = _divider(Fraction(input_hz * feedback, reference))
        if divider is not None:
            best = Pll(input_hz=input_hz, reference=reference, feedback=feedback, divider=divider)
    if best is None or best.output_hz < wanted_hz * (1 - TOLERANCE):
        nearest = "nothing" if best is None else f"{float(best.output_hz) / MHZ:.6g}"
        raise BoardError(f"the PLL can't make {wanted_hz / MHZ:g} MHz of {input_hz / MHZ:g} MHz: the nearest below is "
                         f"{nearest}; choose another clock_mhz")  # fmt: skip
    return best
