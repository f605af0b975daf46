"""The written list: what is there once and steers what is there three times."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["LISTED"]

LISTED: Mapping[str, str] = {
    "bridge.addresses.entry_0": "a write's address, with its parity: if that doesn't fit, nothing is written",
    "bridge.words.entry_0": "a write's word and whether it is a whole one, with parity: likewise",
    "bridge.reads.address": (
        "a read's address: the host gets another word; whether a write waits for the read changes no data, since the "
        "scratchpad itself drops a read of the row that is written"
    ),
    "store.word_?": "the command as held: its checksum is tested on these registers in every cycle",
    "thermal_alarm_?": "halves the issue rate, a cycle sooner or later",
    "*_ram.decoder_*.corrected_register": (
        "has the scrubber write back the word that arrives, which is right whether or not there was anything to "
        "correct; or not write it back, until it comes round again"
    ),
    "*_ram.decoder_*.uncorrectable_register": (
        "a false alarm does the block again; one that is lost takes a word with two wrong bits and this flip"
    ),
    "activation_ram.written_wrong": "a false alarm does the block again; one that is lost takes another flip",
}
"""By pattern of the names of registers and memories in the accelerator: why a flip of one, which all three copies of a
machine see alike, does no harm."""
