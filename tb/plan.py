"""The test plan: for each mechanism of protection what it keeps, what is done to it, what must be seen, and where.

Every register and memory of a protected chip belongs to one entry; ``tests/tb/test_plan.py`` sees to it. The page
``docs/test-plan.md`` is made from this table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["FAULT_COUNTERS", "PLAN", "TOP_PATH", "Entry", "entries_of", "members"]

TOP_PATH = "accelerator."
"""What the names of a chip's registers begin with; patterns are of the rest."""

FAULT_COUNTERS = ("recovered", "corrected", "uncorrectable", "outvoted", "refused_writes")
"""Counters that may move after a fault; each entry names its own."""

_JOBS = ("tests/tb/faults/test_protected.py::test_no_upset_is_bad", "regress: faults_dense",
         "regress: faults_diagonal", "regress: faults_twice", "regress: faults_idle")  # fmt: skip
"""What hits every entry while whole jobs run."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A mechanism, and the storage that it keeps.

    Parameters
    ----------
    name : str
        A short name.
    mechanism : str
        What protects the storage.
    storage : tuple of str
        Regular expressions that match whole names of registers and memories, below the accelerator.
    stimulus, seen : str
        What is done to it, and what must be seen.
    counters : frozenset of str
        Counters that may move after a single flip (:data:`FAULT_COUNTERS`); none other may.
    tests : tuple of str
        Tests as pytest names them, and cases as ``regress: NAME``.
    """

    name: str
    mechanism: str
    storage: tuple[str, ...]
    stimulus: str
    seen: str
    counters: frozenset[str]
    tests: tuple[str, ...]

    def owns(self, name: str) -> bool:
        """Whether a register or memory of this name belongs to the entry."""
        short = name.removeprefix(TOP_PATH)
        return any(re.fullmatch(pattern, short) for pattern in self.storage)


def _entry(
    name: str, mechanism: str, *storage: str, seen: str, counters: str = "", tests: Iterable[str] = (),
    stimulus: str = "one bit, at any cycle of a job and between jobs",
) -> Entry:  # fmt: skip
    return Entry(name=name, mechanism=mechanism, storage=storage, stimulus=stimulus, seen=seen,
                 counters=frozenset(counters.split()), tests=(*tests, *_JOBS))  # fmt: skip


_RAM = r"(activation|weight|parameter|command)_ram"
_CONTRACTS = ("tests/rtl/control/test_machine.py::test_any_flip_in_a_copy_is_gone",)
_SCRUB = "tests/rtl/memory/test_protected.py"
_BRIDGE = ("tests/rtl/bus/test_protected_bridge.py::test_any_bit_may_be_struck",)
_SOUND = "outputs right, the block done again"
_OUTVOTED = "outputs, cycles and the next job right; counter `outvoted`"
_FALSE = "outputs right; at worst the block is done again for nothing"

PLAN = (
    _entry(
        "ram_words", "SECDED with the row folded in; the scrubber puts words right", rf"{_RAM}\.ram",
        stimulus="one bit of any word; two bits of a word that is read",
        seen="one: corrected in time, counter `corrected`; two: counter `uncorrectable`, the block done again, then an "
        "error with its cause, or right again if the word is written anew",
        counters="corrected",
        tests=(f"{_SCRUB}::test_one_wrong_bit_is_corrected_and_put_right", f"{_SCRUB}::test_two_wrong_bits_are_told_and_stay",
               "tests/rtl/ecc/test_secded.py::test_every_double_flip_is_told", "regress: faults_double"),
    ),
    _entry(
        "ram_written", "the codeword is made before the register at the data pins", rf"{_RAM}\.(codeword_\d+|\$signature__data)",
        seen="as of a RAM word: corrected when it is read", counters="corrected",
        tests=("tests/rtl/ecc/test_hardware.py::test_encoder",),
    ),
    _entry(
        "ram_read", "SECDED of the word as read; parity of the corrected data, predicted beside them",
        rf"{_RAM}\.ram\.read_\d+", rf"{_RAM}\.decoder_\d+\.(stored|syndrome|predicted|data_register|parity_register)",
        seen="corrected, or the data disagree with their parity: outputs right, the block or the access done again",
        counters="corrected uncorrectable recovered refused_writes",
        tests=("tests/rtl/ecc/test_hardware.py::test_a_flip_of_any_register_is_told",),
    ),
    _entry(
        "ram_row", "the row is part of the code: a word of another row is told, never corrected",
        rf"{_RAM}\.(address|row|row_\d)", seen=_SOUND + "; counter `uncorrectable`",
        counters="corrected uncorrectable recovered",
        tests=("tests/rtl/ecc/test_secded.py::test_every_wrong_address_is_told",),
    ),
    _entry(
        "ram_control", "three copies of access and scrubber, voted in every cycle", rf"{_RAM}\.access\.copy_\d\.\w+",
        seen=_OUTVOTED, counters="outvoted",
        tests=(f"{_SCRUB}::test_one_copy_can_not_read_or_write", f"{_SCRUB}::test_newer_data_are_never_overwritten",
               *_CONTRACTS, "regress: faults_control"),
    ),
    _entry(
        "machines", "three copies, voted in every cycle: sequencer, drain, commit, governor, fill, host settings",
        r"(issue|drain|commit|governor|fill|host)\.copy_\d\.\w+", seen=_OUTVOTED, counters="outvoted",
        tests=(*_CONTRACTS, "tests/rtl/control/test_machine.py::test_what_flows_holds_nothing", "regress: faults_control"),
    ),
    _entry(
        "job_machine", "three copies, voted in every cycle: the job, its replays and its watchdog",
        r"job\.copy_\d\.\w+", seen=_OUTVOTED, counters="outvoted",
        tests=(*_CONTRACTS, "regress: faults_control", "regress: faults_last_cycle"),
    ),
    _entry(
        "bus_control", "three copies of both channels, voted in every cycle",
        r"bridge\.(read|write)_channel\.copy_\d\.\w+", seen="every access answered, once and in turn; counter `outvoted`",
        counters="outvoted", tests=(*_BRIDGE, *_CONTRACTS),
    ),
    _entry(
        "bus_writes", "parity of the queued address and word, tested as the write executes; the transfer's checksum",
        r"bridge\.(addresses|words)\.\w+", r"bridge\.(address|word)(\$\d+)?",
        seen="a write that was hit is refused and not done: counter `refused_writes`; what was hit later shows in the "
        "checksum of the transfer", counters="refused_writes corrected uncorrectable",
        tests=("tests/rtl/bus/test_protected_bridge.py::test_writes_are_done_wrong_without_the_parity", *_BRIDGE),
    ),
    _entry(
        "bus_reads", "the host reads twice or compares the transfer's checksum",
        r"bridge\.(chosen(\$\d+)?|enable|register_value)", r"bridge\.reads\.\w+", r"bridge\.reads\.\$signal\$\d+",
        r"bridge\.queue\.entry_\d+", seen="at most one answer is wrong, none is lost; outputs in the chip right",
        counters="refused_writes", tests=_BRIDGE,
    ),
    _entry(
        "tags", "parity made in the triplicated part, tested at the end of each pipe, after the last use",
        r"array\.(tags|drain_tags|drain_select_\w+|drain_show_\w+)\.tag_\d+", r"requantizer\.tags\.tag_\d+",
        stimulus="one bit at any cycle; valid, row, bank, swap, load row, first, padding and write of a slot one by one",
        seen=_SOUND + "; counter `tag`, `weight_identity`, `checksum`, or a row missing", counters="recovered",
        tests=("regress: tags", "tests/rtl/test_structure.py::test_only_control_and_the_tag_steer"),
    ),
    _entry(
        "weight_edge", "parity beside the byte, tested as it enters", r"array\.(i\$\d+|weights|vector)",
        r"array\.weight_parity", seen=_SOUND, counters="recovered",
    ),
    _entry(
        "weights", "checksum column: its weight is the sum of the others", r"array\.column_skew\.element_\d+_\d+",
        r"array\.array\.pe_\d+_\d+\.(shadow|active)", r"array\.weight_sum\.sum_\d+",
        seen=_SOUND + "; counter `checksum`", counters="recovered",
    ),
    _entry(
        "weight_enables", "they end behind the checksum column, where they move the weight row's identity",
        r"array\.array\.pe_\d+_\d+\.(load|swap)(\$\d+)?", r"array\.watch_\d+\.(shadow|active)",
        seen=_SOUND + "; counter `weight_identity` or `checksum`", counters="recovered", tests=("regress: tags",),
    ),
    _entry(
        "activations", "parity beside the byte, tested behind the checksum column",
        r"array\.array\.pe_\d+_\d+\.activation", r"array\.row_skew\.element_\d+_\d+", r"array\.parity_\d+_\d+",
        r"array\.parity(\$\d+)?", seen=_SOUND + "; counter `activation_parity`", counters="recovered",
    ),
    _entry(
        "sums", "checksum column: products, partial sums and accumulators of a row add up to its own",
        r"array\.array\.pe_\d+_\d+\.(product|total)", r"array\.accumulator_\d+\.\S+", r"array\.(drained|chosen)",
        r"array\.test\.(rest|together|marks\.tag_\d+)", seen=_SOUND + "; counter `checksum`", counters="recovered",
    ),
    _entry(
        "lanes", "a parity bit beside each register, a residue of the product",
        r"requantizer\.lane_\d+\.(?!wrong)\S+", seen=_SOUND + "; counter `requantizer`", counters="recovered",
    ),
    _entry(
        "packer", "parity of each byte goes with the word to the RAM and is compared there",
        r"requantizer\.(byte_\d+|write_parity)", seen=_SOUND + "; counter `activation_memory` or `requantizer`",
        counters="recovered corrected",
    ),
    _entry(
        "alarms", "what a check found, for one cycle: one that is lost has nothing to tell, for only one bit flips",
        r"array\.(tag_wrong|weight_wrong|test\.wrong)", r"array\.watch_\d+\.(activation|identity)_wrong",
        r"requantizer\.(wrong|lane_\d+\.wrong)", rf"{_RAM}\.written_wrong",
        rf"{_RAM}\.decoder_\d+\.(corrected|uncorrectable)_register", seen=_FALSE,
        counters="recovered corrected uncorrectable outvoted refused_writes",
    ),
    _entry(
        "held_command", "the command's own checksum, tested as held in every cycle", r"store\.word_\d",
        seen="the command is fetched anew; counter `command_memory`", counters="recovered",
    ),
    _entry(
        "reports", "they steer nothing: counters, cycle log, last failure, checksums of transfers",
        r"(job_cycles|issued_slots|stalled_slots|stolen_slots|throttled_slots)\.value", r"cycle_log\.\S+",
        r"(corrected|uncorrectable|recovered|outvoted|refused_writes)\.value", r"fault_\w+\.value",
        r"last_(row|window|uncorrectable)", r"bridge\.(written|read)_checksum\.value",
        seen="outputs and cycles right, whatever the report says", counters=" ".join(FAULT_COUNTERS),
        tests=("tests/rtl/bus/test_counters.py::test_saturates_and_clears",),
    ),
    _entry(
        "alarm_input", "none: it holds for one cycle, and only slows down", r"(thermal_alarm_|alarm_)\d",
        seen="outputs right; a few cycles more if a limit is set",
    ),
)  # fmt: skip
"""The entries."""


def entries_of(name: str) -> tuple[Entry, ...]:
    """The entries that a register or memory belongs to; there must be one."""
    return tuple(entry for entry in PLAN if entry.owns(name))


def members(names: Iterable[str]) -> dict[str, list[str]]:
    """The names of each entry, by the entry's name."""
    names = list(names)
    return {entry.name: [name for name in names if entry.owns(name)] for entry in PLAN}
