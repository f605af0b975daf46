"""Whether a device has the multipliers that a chip asks for."""

from __future__ import annotations

from vanallen.rtl.config import Config
from vanallen.rtl.technology import Technology

__all__ = ["LANE_PRODUCTS", "multipliers_needed", "technology_for"]

LANE_PRODUCTS = 4
"""Multipliers of a lane of the requantizer."""

MULTIPLIERS = {"12F": 28, "25F": 28, "45F": 72, "85F": 156}
"""MULT18X18D of an ECP5 by its size (Lattice FPGA-DS-02012, table 1.1)."""


def multipliers_needed(config: Config) -> int:
    """Multipliers of the array, its checksum column and the requantizer."""
    return config.rows * (config.columns + config.side_columns) + LANE_PRODUCTS * config.lanes


def technology_for(config: Config, device: str) -> Technology:
    """DSP blocks for all products of ``config``; where ``device`` has too few, logic for those of the requantizer.

    A device of unknown size is taken to have enough: nextpnr says if it hasn't.
    """
    size = device.rpartition("-")[2]
    enough = multipliers_needed(config) <= MULTIPLIERS.get(size, multipliers_needed(config))
    return Technology.ECP5 if enough else Technology.ECP5_ARRAY
