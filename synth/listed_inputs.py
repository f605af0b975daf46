"""The written list: what is there once and steers something, and why a flip of it does no harm."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["PLAIN", "PROTECTED", "Exemption"]


@dataclass(frozen=True)
class Exemption:
    """Registers of a component that may steer; all members but ``owner`` and ``reason`` are regular expressions that
    match the whole.

    Members
    -------
    owner : str
        The class of the component that they lie in.
    register : str
        Their names there, as in the elaborated design or as in a netlist.
    reaches : str
        What they may steer: a ``state``, or what their value selects, enables, addresses, or makes a register hold.
    target : str
        The class of the component in which they do.
    reason : str
        What protects them there.
    """

    owner: str
    register: str
    reaches: str
    target: str
    reason: str

    @property
    def steers_machines(self) -> bool:
        """Whether the next state of a machine may follow from them: what the audit of a netlist looks for."""
        return bool(re.fullmatch(self.reaches, "state") and re.fullmatch(self.target, "Control"))


PLAIN = (
    Exemption("CommandStore", r"word_\d", "state", "Control",
              "the command as held: its checksum is tested on these registers in every cycle"),
    Exemption("Accelerator", "alarm|thermal_alarm_1", "state", "Control",
              "the alarm, synchronised: when slots are issued, not what; right again a cycle later"),
    Exemption("ProcessingElement", "load(_out)?", "hold", "ProcessingElement",
              "the load enable ends behind the last column, where a protected chip compares it with the tag's"),
    Exemption("ProcessingElement", "swap(_out)?", "hold", "ProcessingElement",
              "the swap enable likewise"),
    Exemption("PairQueue", "first|entry_0", "state", "Control",
              "the address and the word of a write: under parity, compared in the cycle in which it executes"),
    Exemption("PairQueue", "second|entry_1", "state", "Control",
              "whether the write after next waits for a read: one that was struck waits no longer, and isn't done"),
    Exemption("ReadAddress", "first|address", "state", "Control",
              "where the host reads: under parity, and where it doesn't fit the answer is an error"),
    Exemption("HostBridge", "error_in|collected_error", "select", "HostBridge",
              "a read's error: one more is an answer with an error; with one less no source was chosen: zero"),
    Exemption("ResponseQueue", "comes", "hold|select", "HostBridge|ResponseQueue",
              "which place takes the word that was collected: another word in one, as the transfer's checksum tells"),
    Exemption("ResponseQueue", r"entry_\d", "select", "HostBridge",
              "the error flag of a read selects its response code: as the answer, under the transfer's checksum"),
)  # fmt: skip
"""The written list of both builds: each register outside control that steers something, and what protects it there."""

PROTECTED = (
    *PLAIN,
    Exemption("TagPipe", r"taps|tag_\d+(\.\w+)?", "state", "Control",
              "the tags: parity made by the copies that issue them, tested where each pipe ends, behind its last use"),
    Exemption("TagPipe", "taps", "address|enable|select", "(Checksum)?Accumulator", "the same"),
    Exemption("TagPipe", "taps", "hold|select", "ArrayUnit|ProcessingElement|Requantizer|Scratchpad", "the same"),
    Exemption("ProcessingElement", "load(_out)?|swap(_out)?", "hold", "ChecksumElement",
              "load and swap of the checksum column: they are its neighbour's, and compared with the tags' behind it"),
    Exemption("Accelerator", r"injected|chosen_\w+", "state", "Control|TagPipe",
              "what the host chose to hit, and that it was hit: one hit less or more, which is found like any other"),
    Exemption("Accelerator", r"injected|chosen_\w+", "hold", "ProcessingElement", "likewise: a lost load"),
    Exemption("ArrayUnit", "selects_wrong", "state", "Control", "what a check found"),
    Exemption("ParityChecks", r"wrong(\.\w+)?", "state", "Control", "what a check found"),
    Exemption("ChecksumTest", "row|wrong", "state", "Control", "what a check found"),
    Exemption("Accelerator", "found", "state", "Control", "what a check found"),
    Exemption("Scratchpad", "written_wrong", "state", "Control", "what a check found"),
    Exemption("Decoder", "uncorrectable(_register)?", "state", "Control", "what a check found"),
    Exemption("Decoder", "corrected(_register)?", "state", "Control",
              "one more writes a word back that was right, as it was decoded; one less puts it right later"),
    Exemption("Scratchpad", "(corrected|uncorrectable)_word", "hold|select", "Accelerator",
              "what is kept of the last word that had wrong bits: it only reports"),
    Exemption("HostBridge", "word_in|collected_(failed|parity)|from_memory", "select", "HostBridge",
              "the check of a word that the host reads: it is an error if they disagree"),
)  # fmt: skip
"""The written list of the protected build, in which only state machines count as control: each register that is there
once and steers something. "What a check found": one more makes a block begin again, one less takes a second flip."""
