"""What a gate costs: NAND2 = 1. Imports no Amaranth."""

from __future__ import annotations

import re

__all__ = ["ENABLE", "FLIP_FLOP", "GATES", "LATCHED", "RESET", "weight"]

GATES = {
    "$_NOT_": 0.5,
    "$_NAND_": 1.0,
    "$_NOR_": 1.0,
    "$_AND_": 1.5,
    "$_OR_": 1.5,
    "$_ANDNOT_": 1.5,
    "$_ORNOT_": 1.5,
    "$_XOR_": 2.5,
    "$_XNOR_": 2.5,
    "$_MUX_": 3.0,
}
"""Combinational gates: transistors in static CMOS, over the four of a NAND2. AND and OR are NAND and NOR with an
inverter; XOR is a NOR and an AND-OR-invert (Weste and Harris, CMOS VLSI Design, section 9.2)."""

FLIP_FLOP = 5.33
"""A D flip-flop: 20.02 um2 against 3.75 of a NAND2 (SkyWater sky130_fd_sc_hd, dfxtp_1 and nand2_1)."""

RESET = 1.0
"""A synchronous or asynchronous reset adds this."""

ENABLE = 2.0
"""An enable adds this: the multiplexer that keeps the old value."""

LATCHED = re.compile(r"\$_(?P<kind>DFF|DFFE|SDFF|SDFFE|SDFFCE)_(?P<polarities>[NP01]+)_")
"""Yosys's flip-flops after mapping: ``$_DFF_P_``, ``$_DFFE_PP_``, ``$_SDFF_PP0_``, ``$_SDFFCE_PP0P_``, ``$_DFF_PP0_``
(asynchronous reset) and so on."""


def weight(cell: str) -> float | None:
    """NAND2 equivalents of a mapped cell of Yosys's; None if the table lacks it."""
    if cell in GATES:
        return GATES[cell]
    found = LATCHED.fullmatch(cell)
    if found is None:
        return None
    kind, polarities = found["kind"], found["polarities"]
    has_reset = kind.startswith("S") or any(digit in polarities for digit in "01")
    return FLIP_FLOP + RESET * has_reset + ENABLE * kind.endswith("E")
