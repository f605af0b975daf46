"""The test plan: for each mechanism of protection what it keeps, what is done to it, what must be seen, and where.

Every register and memory of a protected chip belongs to one entry; ``tests/tb/test_plan.py`` sees to it. The page
``docs/test-plan.md`` is made from this table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["PLAN", "TOP_PATH", "Entry", "entries_of", "members"]

TOP_PATH = "accelerator."
"""What the names of a chip's registers begin with; patterns are of the rest."""

_JOBS = ("tests/tb/faults/test_protected.py::test_no_upset_is_bad",)
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
    tests : tuple of str
        Tests as pytest names them.
    also : tuple of str
        Cases of the regression besides the entry's own.
    """

    name: str
    mechanism: str
    storage: tuple[str, ...]
    stimulus: str
    seen: str
    tests: tuple[str, ...]
    also: tuple[str, ...] = ()

    @property
    def cases(self) -> tuple[str, ...]:
        """Cases of the regression that deposit faults in the entry's storage."""
        return (f"faults_{self.name}", *self.also)

    def owns(self, name: str) -> bool:
        """Whether a register or memory of this name belongs to the entry."""
        short = name.removeprefix(TOP_PATH)
        return any(re.fullmatch(pattern, short) for pattern in self.storage)


def _entry(
    name: str, mechanism: str, *storage: str, seen: str, tests: Iterable[str] = (), also: tuple[str, ...] = (),
    stimulus: str = "one bit, at any cycle of a job and between jobs",
) -> Entry:  # fmt: skip
    return Entry(name=name, mechanism=mechanism, storage=storage, stimulus=stimulus, seen=seen,
                 tests=(*tests, *_JOBS), also=also)  # fmt: skip


_RAM = r"(activation|weight|parameter|command)_ram"
_CONTRACTS = ("tests/rtl/control/test_machine.py::test_any_flip_in_a_copy_is_gone",)
_SCRUB = "tests/rtl/memory/test_protected.py"
_ARRAY = "tests/rtl/array/test_protection.py"
_BRIDGE = ("tests/rtl/bus/test_protected_bridge.py::test_any_bit_may_be_struck",)
_SOUND = "outputs right, the block done again"
_OUTVOTED = "outputs, cycles and the next job right; counter `outvoted`"
_FALSE = "outputs right; at worst the block is done again for nothing"

PLAN = (
    _entry(
        "ram_words",
        "SECDED with the row folded in; the scrubber puts words right",
        rf"{_RAM}\.ram",
        stimulus="one bit of any word; two bits of a word that is read",
        seen="one: corrected in time, counter `corrected`; two: counter `uncorrectable`, the block done again, then an "
        "error with its cause, or right again if it is written anew",
        tests=(
            f"{_SCRUB}::test_one_wrong_bit_is_corrected_and_put_right",
            f"{_SCRUB}::test_two_wrong_bits_are_told_and_stay",
            "tests/rtl/ecc/test_secded.py::test_every_double_flip_is_told",
        ),
        also=("faults_double", "faults_in_scrub"),
    ),
    _entry(
        "ram_written",
        "the codeword is made before the register at the data pins",
        rf"{_RAM}\.(codeword_\d+|\$signature__data)",
        seen="as of a RAM word: corrected when it is read",
        tests=("tests/rtl/ecc/test_hardware.py::test_encoder",),
        also=("faults_double", "faults_in_scrub"),
    ),
    _entry(
        "ram_read",
        "SECDED of the word as read; parity of the corrected data, predicted beside them",
        rf"{_RAM}\.ram\.read_\d+",
        rf"{_RAM}\.decoder_\d+\.(stored|(data|check|parity)_register)",
        seen="corrected, or the data disagree with their parity: outputs right, the block or the access done again",
        tests=("tests/rtl/ecc/test_hardware.py::test_a_flip_of_any_register_is_told",),
        also=("faults_double", "faults_in_scrub"),
    ),
    _entry(
        "ram_row",
        "the row is part of the code: a word of another row is told, never corrected",
        rf"{_RAM}\.(address|row|row_\d|decoder_\d+\.row)",
        seen=_SOUND + "; counter `uncorrectable`",
        tests=("tests/rtl/ecc/test_secded.py::test_every_wrong_address_is_told",),
        also=("faults_in_scrub",),
    ),
    _entry(
        "ram_control",
        "three copies of access and scrubber, voted in every cycle",
        rf"{_RAM}\.access\.copy_\d\.\w+",
        seen=_OUTVOTED,
        tests=(
            f"{_SCRUB}::test_one_copy_can_not_read_or_write",
            f"{_SCRUB}::test_newer_data_are_never_overwritten",
            *_CONTRACTS,
        ),
        also=("faults_in_scrub", "faults_in_replay"),
    ),
    _entry(
        "machines",
        "three copies, voted in every cycle: sequencer, drain, commit, governor, fill, host settings",
        r"(issue|drain|commit|governor|fill|host)\.copy_\d\.\w+",
        seen=_OUTVOTED,
        tests=(*_CONTRACTS, "tests/rtl/control/test_machine.py::test_what_flows_holds_nothing"),
        also=("faults_in_replay",),
    ),
    _entry(
        "job_machine",
        "three copies, voted in every cycle: the job, its replays and its watchdog",
        r"job\.copy_\d\.\w+",
        seen=_OUTVOTED,
        tests=_CONTRACTS,
        also=("faults_in_replay",),
    ),
    _entry(
        "bus_control",
        "three copies of both channels, voted in every cycle",
        r"bridge\.(read|write)_channel\.copy_\d\.\w+",
        seen="every access answered, once and in turn; counter `outvoted`",
        tests=(*_BRIDGE, *_CONTRACTS),
    ),
    _entry(
        "bus_writes",
        "parity of the queued address and word, tested as the write executes; the transfer's checksum",
        r"bridge\.(addresses|words)\.\w+",
        r"bridge\.(address|word)(\$\d+)?",
        seen="a write that was hit is refused and not done: counter `refused_writes`; what was hit later shows in the "
        "checksum of the transfer",
        tests=("tests/rtl/bus/test_protected_bridge.py::test_writes_are_done_wrong_without_the_parity", *_BRIDGE),
    ),
    _entry(
        "bus_reads",
        "parity of address and word, exactly one source; the host reads twice or compares the transfer's checksum",
        r"bridge\.(chosen_\w+|register_value)",
        r"bridge\.reads\.\w+",
        r"bridge\.(queue\.(entry_\d+|comes)|collected(_\w+)?|from_memory|arrived)",
        seen="outputs in the chip right; no answer is lost, one at most is wrong or an error",
        tests=_BRIDGE,
    ),
    _entry(
        "tags",
        "parity made in the triplicated part, tested at the end of each pipe, after the last use",
        r"array\.(tags|drain_tags|drain_select_\w+|drain_show_\w+|checksum_show)\.tag_\d+",
        r"array\.parities\.tag\.parity_\d+",
        r"requantizer\.tags\.tag_\d+",
        stimulus="one bit at any cycle; each field of a slot by itself",
        seen=_SOUND + "; counter `tag`, `weight_identity`, `checksum`, or a row missing",
        tests=(f"{_ARRAY}::test_what_goes_wrong", "tests/rtl/test_structure.py::test_only_control_and_the_tag_steer"),
        also=("faults_tag", "faults_tag_bite", "faults_in_replay"),
    ),
    _entry(
        "weight_edge",
        "a parity of the row, tested as it enters the columns",
        r"array\.(i\$\d+|weights|vector)",
        r"array\.parities\.(weight_row\.parity_\d+|weight_row_parity)",
        seen=_SOUND,
    ),
    _entry(
        "weights",
        "checksum column: its weight is the sum of the others",
        r"array\.column_skew\.element_\d+_\d+",
        r"array\.(array\.pe_\d+_\d+|checksum_column\.element_\d+)\.(shadow|active)",
        r"array\.weight_sum\.sum_\d+",
        seen=_SOUND + "; counter `checksum`",
    ),
    _entry(
        "weight_enables",
        "they end behind the checksum column, where they are compared with those of the tags",
        r"array\.array\.pe_\d+_\d+\.(load|swap)(\$\d+)?",
        r"array\.parities\.enables\.parity_\d+",
        seen=_SOUND + "; counter `weight_identity` or `checksum`",
        tests=(f"{_ARRAY}::test_what_goes_wrong",),
    ),
    _entry(
        "activations",
        "a parity of the vector, tested behind the last column",
        r"array\.(array\.pe_\d+_\d+|checksum_column\.element_\d+)\.activation",
        r"array\.row_skew\.element_\d+_\d+",
        r"array\.parities\.(vector\.parity_\d+|vector_parity)",
        seen=_SOUND + "; counter `activation_parity`",
    ),
    _entry(
        "sums",
        "checksum column: products, partial sums and accumulators of a row add up to its own",
        r"array\.array\.pe_\d+_\d+\.(product|total)",
        r"array\.checksum_column\.element_\d+\.(folded|total)",
        r"array\.(checksum_)?accumulator(_\d+)?\.\S+",
        r"array\.(drained|chosen)",
        r"array\.test\.(lane_\d+|rest|slot|marks\.tag_\d+)",
        seen=_SOUND + "; counter `checksum`",
    ),
    _entry(
        "lanes",
        "a parity bit beside each register, a residue of the product",
        r"requantizer\.lane_\d+\.(?!wrong)\S+",
        seen=_SOUND + "; counter `requantizer`",
        tests=("tests/rtl/requant/test_protection.py::test_every_wrong_word_is_told_and_nothing_else",),
    ),
    _entry(
        "packer",
        "parity of each byte goes with the word to the RAM and is compared there",
        r"requantizer\.(byte_\d+|write_parity)",
        seen=_SOUND + "; counter `activation_memory` or `requantizer`",
    ),
    _entry(
        "alarms",
        "what a check found, for one cycle: one that is lost has nothing to tell, for only one bit flips",
        r"array\.(selects_wrong|test\.wrong|parities\.wrong)",
        r"found|requantizer\.(wrong|lane_\d+\.wrong)",
        rf"{_RAM}\.written_wrong",
        rf"{_RAM}\.decoder_\d+\.(corrected|uncorrectable)_register",
        seen=_FALSE,
    ),
    _entry(
        "held_command",
        "the command's own checksum, tested as held in every cycle",
        r"store\.word_\d",
        seen="the command is fetched anew; counter `recovered`",
        also=("faults_in_replay",),
    ),
    _entry(
        "reports",
        "they steer nothing: counters, cycle log, last failure, checksums of transfers",
        r"(job_cycles|issued_slots|stalled_slots|stolen_slots|throttled_slots)\.(value|counts)",
        r"cycle_log\.\S+",
        r"(corrected|uncorrectable|recovered|outvoted|refused_writes)\.(value|counts)",
        r"fault_\w+\.(value|counts)",
        r"last_(row|window|uncorrectable)",
        rf"{_RAM}\.(corrected|uncorrectable)\$\d+",
        r"(\w+\.)+differs",
        r"bridge\.(written|read)_checksum\.value",
        seen="outputs and cycles right, whatever the report says",
        tests=("tests/rtl/bus/test_counters.py::test_saturates_and_clears",),
    ),
    _entry(
        "injection",
        "none: it holds for one cycle, and only says that what was injected has hit",
        r"injected|bridge\.hit",
        seen="outputs right; an injection may be made once more, or not at all",
    ),
    _entry(
        "choices",
        "none: what it chooses is hit for one cycle, where it can be, and is found there",
        rf"(chosen|hits)_\w+|{_RAM}\.flips",
        seen="outputs right; the counters of what is hit",
        tests=("tests/sw/cli/test_run_simulation.py::test_a_fault_is_noticed_and_does_no_harm",),
    ),
    _entry(
        "alarm_input",
        "none: it holds for one cycle, and only slows down",
        r"(thermal_alarm_|alarm_)\d",
        seen="outputs right; a few cycles more if a limit is set",
    ),
)
"""The entries."""


def entries_of(name: str) -> tuple[Entry, ...]:
    """The entries that a register or memory belongs to; there must be one."""
    return tuple(entry for entry in PLAN if entry.owns(name))


def members(names: Iterable[str]) -> dict[str, list[str]]:
    """The names of each entry, by the entry's name."""
    names = list(names)
    return {entry.name: [name for name in names if entry.owns(name)] for entry in PLAN}
