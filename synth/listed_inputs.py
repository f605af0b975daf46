"""The written list: what is there once and steers what is there three times."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["LISTED"]

LISTED: Mapping[str, str] = {
    "bridge.addresses.entry_0": "a write's address, with its parity: if that doesn't fit, nothing is written",
    "bridge.words.entry_0": "a write's word and whether it is a whole one, with parity: likewise",
    "bridge.reads.address": "a read's address: the host gets another word; that a write waits for it, or not, is in "
    "the scratchpad's hands, which drops a read of the row that is written",
    "*_ram.decoder_*.corrected_register": "what the scrubber writes back: the corrected word, a right one even if "
    "there was nothing to correct; without it the scrubber finds the wrong bit a round later",
}  # fmt: skip
"""By pattern of the names of registers and memories in the accelerator: why a flip of one, which all three copies of a
machine see alike, does no harm."""
