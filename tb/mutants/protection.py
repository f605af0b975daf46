"""Mutants of the protection: each takes a part of it away, and names what must notice.

Without a fault they do nothing that the regression could see; so each has a killer of its own, the cheapest there is: a
proof, a simulation of a component, or a sample of upsets in the registers that the part guards. Every killer finds
nothing on the sound hardware.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from vanallen.rtl.accelerator import Accelerator
from vanallen.rtl.array.checksum_test import ChecksumTest
from vanallen.rtl.array.parity_checks import ParityChecks
from vanallen.rtl.array.unit import ArrayUnit
from vanallen.rtl.bus.pair_queue import PairQueue
from vanallen.rtl.bus.transfer_checksum import TransferChecksum
from vanallen.rtl.config import Config
from vanallen.rtl.control.command import CommandStore
from vanallen.rtl.control.commit import CommitMachine
from vanallen.rtl.control.drain import DrainMachine
from vanallen.rtl.control.governor import GovernorMachine
from vanallen.rtl.control.issue import IssueMachine
from vanallen.rtl.control.job import JobMachine
from vanallen.rtl.control.machine import Triplicated
from vanallen.rtl.control.voter import Voter
from vanallen.rtl.ecc.correction import Correction
from vanallen.rtl.ecc.encoder import Encoder
from vanallen.rtl.ecc.syndrome import Syndrome
from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.rtl.memory.scrubber import ScrubbedAccessMachine
from vanallen.rtl.requant.lane import Lane
from vanallen.rtl.requant.requantizer import Requantizer

from .chosen import ChosenChip
from .edits import Edit, applied
from .killers import Killer, Proven, Simulated, Struck
from .result import MutantOutcome, Verdict

__all__ = ["PROTECTION", "ProtectionMutant", "run_protection"]


@dataclass(frozen=True)
class ProtectionMutant:
    """``edits`` take away a part of the protection, and ``killer`` must notice."""

    name: str
    edits: tuple[Edit, ...]
    killer: Killer


def _mutant(
    name: str, owner: type | ModuleType, method: str, old: str, new: str, killer: Killer, *more: tuple[str, str]
) -> ProtectionMutant:
    """``more``: what else changes in the method."""
    edits = tuple(Edit(owner, method, *change) for change in ((old, new), *more))
    return ProtectionMutant(name, edits, killer)


_VOTE = "majority(self.first, self.second, self.third)"
_SUMS = r"array\.array\.pe_.*\.(product|total|active)"
_CONTROL = "copy.governor"
_CORRECTS = Proven("code.corrects.32_11")

PROTECTION = (
    # voters and copies
    _mutant("voter_follows_a_peer", Voter, "elaborate", _VOTE, "self.second", Proven(_CONTROL)),
    _mutant("voter_output_stuck", Voter, "elaborate", _VOTE, f"{_VOTE} & ~1", Proven(_CONTROL)),
    _mutant("voter_keeps_its_own", Voter, "elaborate", _VOTE, "self.first", Simulated("copies")),
    _mutant("copy_struck_untold", Triplicated, "elaborate",
            "self.copies[0].differs | self.copies[1].differs", "self.copies[0].differs", Simulated("copies")),
    _mutant("copy_decides_pins", Scratchpad, "elaborate",
            "agreed(getattr(copy, name) for copy in access.copies)", "getattr(access.copies[0], name)",
            Simulated("pins")),
    _mutant("copy_decides_tags", Accelerator, "_agreed",
            "agreed(getattr(copy, port) for copy in self.machines[machine].copies)",
            "getattr(self.machines[machine].copies[0], port)",
            Struck(r"(issue|drain)\.copy_0\.(tag|picked|address|offset|row|column)")),
    # codes and scrubbers of the memories
    _mutant("decoder_corrects_nothing", Correction, "elaborate",
            "self.word[: code.data_bits] ^ wrong", "self.word[: code.data_bits]", _CORRECTS),
    _mutant("decoder_keeps_parity", Correction, "elaborate",
            "self.stored_parity ^ wrong_byte", "self.stored_parity", _CORRECTS),
    _mutant("double_error_untold", Correction, "elaborate", "self.syndrome.any() & ~is_column", "0", _CORRECTS),
    _mutant("syndrome_without_address", Syndrome, "elaborate",
            "code.address_columns", "(0 for _ in code.address_columns)", Proven("code.syndrome.32_11")),
    _mutant("check_bits_without_address", Encoder, "elaborate",
            "*self.code.address_columns", "*(0 for _ in self.code.address_columns)", Proven("code.encoder.32_11")),
    _mutant("uncorrectable_ignored", Scratchpad, "_decode",
            "copy.wrong | written_wrong", "written_wrong", Simulated("uncorrectable")),
    _mutant("scrubber_overwrites_newer", ScrubbedAccessMachine, "step",
            "arrives & now.still[-1] & ~own", "arrives & ~own", Proven("scrubber.newest")),
    _mutant("scrubber_never_runs", ScrubbedAccessMachine, "step",
            "~(asks | now.filling | now.scrubbing)", "0", Simulated("scrubbing")),
    _mutant("scrubber_writes_nothing", ScrubbedAccessMachine, "step",
            "Mux(puts_right, first, own_writes)", "own_writes", Simulated("scrubbing")),
    _mutant("scrubber_stays", ScrubbedAccessMachine, "step",
            "now.row + (now.filling | now.finished)", "now.row + now.filling", Simulated("scrubbing")),
    _mutant("written_byte_unchecked", Scratchpad, "_check_written",
            "parity != self.write_parity", "parity[1:] != self.write_parity[1:]", Simulated("written")),
    _mutant("written_word_unchecked", Scratchpad, "_check_written",
            "(parity != self.write_parity)", "0", Struck(r"requantizer\.byte_.")),
    # checks of the array
    _mutant("checksum_skipped", ChecksumTest, "elaborate",
            "marks.taps[3].ends & (rest != 0) & (rest != MODULUS) & (rest != 2 * MODULUS)", "0", Struck(_SUMS)),
    _mutant("weight_parity_skipped", ParityChecks, "elaborate",
            "self._weight_row(m) & self.load.any()", "0", Struck(r"array\.column_skew\..*")),
    _mutant("activation_parity_skipped", ParityChecks, "elaborate",
            "self._vector(m) & self.taps[ENTERING + self.config.columns + self.config.rows].valid", "0",
            Struck(r"array\.(row_skew\..*|array\.pe_.*\.activation)")),
    _mutant("padding_has_parity", ParityChecks, "_vector",
            "self.activation_parity.xor() & ~self.taps[ARRIVING].padding", "self.activation_parity.xor()",
            Struck(r"array\.row_skew\..*")),
    _mutant("enables_unchecked", ParityChecks, "elaborate",
            "self._enables(m)", "0", Struck(r"array\.array\.pe_.*\.(load|swap).*")),
    _mutant("issue_tag_unchecked", ParityChecks, "elaborate", "self._tag(m)", "0", Struck(r"array\.tags\..*")),
    _mutant("selects_unchecked", ArrayUnit, "_parities",
            "checks.wrong.tag | selects_wrong", "checks.wrong.tag", Struck(r"array\.drain_(select|show)_.*", 10_000)),
    _mutant("drain_tag_unchecked", Accelerator, "_protection",
            "array.tag | found[0]", "array.tag", Struck(r"array\.drain_tags\..*|requantizer\.tags\..*")),
    _mutant("struck_tag_writes", Accelerator, "_memories", "~sound(self.requantizer.asking)", "0",
            Struck(r"requantizer\.tags\..*", 1500)),
    _mutant("halted_block_writes", Accelerator, "_memories", "job.halt", "0",
            Struck(r"store\.word_1", 3000)),
    _mutant("issue_tag_parity_inverted", IssueMachine, "_outputs",
            "tag.as_value().xor()", "~tag.as_value().xor()", Struck(r"array\.tags\..*")),
    _mutant("drain_tag_parity_inverted", DrainMachine, "_outputs",
            "tag.as_value().xor()", "~tag.as_value().xor()", Struck(r"requantizer\.tags\..*")),
    # checks of the requantizer
    _mutant("parameter_parity_ignored", Lane, "elaborate",
            "self.normalized_valid & self._parameter_wrong(m, entering, left)", "0",
            Struck(r"requantizer\.lane_0\.(fraction|below|subnormal)_.|parameter_ram\.decoder_0\.data_register")),
    _mutant("stage_parity_ignored", Lane, "elaborate",
            "normalize.wrong", "0", Struck(r"requantizer\.lane_0\.normalize\..*")),
    _mutant("residue_ignored", Lane, "elaborate",
            "multiply.wrong", "0", Struck(r"requantizer\.lane_0\.multiply\.(low_.*|high_.*|inner|outer|total)")),
    _mutant("byte_parity_made_late", Requantizer, "_guard",
            "*(lane.value_parity for lane in lanes)", "*(lane.value.as_unsigned().xor() for lane in lanes)",
            Struck(r"requantizer\.lane_0\.round\..*")),
    # commit, replay, watchdog, governor
    _mutant("checks_ignored", JobMachine, "_protect",
            "_bits(now, WORKS) & now.faulted", "0", Struck(_SUMS)),
    _mutant("commit_beside_a_fault", JobMachine, "_run",
            "now.calm", "1", Struck(r"requantizer\.byte_.", 1500)),
    _mutant("commit_before_the_checks", CommitMachine, "step",
            "now.row_1", "retired.valid & retired.row_ends", Struck(r"requantizer\.byte_.", 1500),
            ("now.end_1", "Mux(retired.valid, retired.end, End.NONE)")),
    _mutant("commit_without_rows", CommitMachine, "step",
            "row_ends & (counted == port.block_rows)", "1", Simulated("rows")),
    _mutant("replay_limit_ignored", JobMachine, "_replay", "now.replays.any()", "1", Simulated("replays")),
    _mutant("replay_not_counted", JobMachine, "_replay", "now.replays - 1", "now.replays", Simulated("replays")),
    _mutant("replay_skips_a_block", JobMachine, "_protect", "now.blocks", "now.blocks + 1", Struck(_SUMS)),
    _mutant("replay_repeats_all", JobMachine, "_protect", "now.blocks", "0", Simulated("committed")),
    _mutant("replay_loses_address", DrainMachine, "_advance",
            "Mux(port.skips_row, port.command.output_groups, passed)", "passed", Struck(_SUMS)),
    _mutant("watchdog_stands", JobMachine, "_protect", "now.watchdog - 1", "now.watchdog", Proven("watchdog.falls")),
    _mutant("watchdog_unheard", JobMachine, "_protect",
            "port.busy & (now.phase != Phase.FLUSH) & expired", "0", Simulated("watchdog")),
    _mutant("governor_window_long", GovernorMachine, "step",
            "now.place + 1 >= port.window", "now.place >= port.window", Proven("governor.bound")),
    _mutant("governor_alarm_ignored", GovernorMachine, "step",
            "Mux(port.alarm, port.slots >> 1, port.slots)", "port.slots", Proven("governor.bound")),
    # the held command and the host's side
    _mutant("command_checksum_untested", CommandStore, "elaborate",
            "self.command.checksum == reduce(xor, pieces, CHECKSUM_SEED)", "1", Struck(r"store\.word_.")),
    _mutant("running_command_untested", JobMachine, "_trouble",
            "runs & now.faults[COMMAND_ERRORS.index(ErrorCode.BAD_CHECKSUM)]", "0", Struck(r"store\.word_.")),
    _mutant("host_write_parity_ignored", PairQueue, "elaborate",
            "~entries[0].xor()", "1", Struck(r"bridge\.(words|addresses)\.entry_.", 3000)),
    _mutant("transfer_checksum_stands", TransferChecksum, "elaborate",
            "self.enable", "0", Simulated("transfers")),
    _mutant("transfer_checksum_without_address", TransferChecksum, "elaborate",
            " ^ self.address", "", Simulated("transfers")),
)  # fmt: skip
"""At least one a mechanism."""


def run_protection(
    config: Config, mutants: Sequence[ProtectionMutant], *, seed: int, progress: Callable[[int], None], cache: Path
) -> tuple[MutantOutcome, ...]:
    """What the killers find; ``progress`` is told how many mutants are done.

    Raises
    ------
    ValueError
        If a killer finds something on the sound hardware (then it says nothing about mutants), or can't decide.
    ToolMissing, BuildError, SolverMissing
        If a tool isn't there or fails.
    """
    numbers = {number: mutant for number, mutant in enumerate(PROTECTION, 1) if mutant in mutants}
    # the chip has the others too: so it is the same, and built once, whichever are chosen
    chip = ChosenChip(config, {number: mutant.edits for number, mutant in enumerate(PROTECTION, 1)
                               if isinstance(mutant.killer, Struck)}, cache=cache)  # fmt: skip
    for killer in dict.fromkeys(mutant.killer for mutant in mutants):
        if said := _find(chip, 0, (), killer, seed):
            raise ValueError(f"sound hardware must pass {killer}: {said}")
    outcomes: list[MutantOutcome] = []
    for number, mutant in numbers.items():
        progress(len(outcomes))
        found = _find(chip, number, mutant.edits, mutant.killer, seed)
        source = mutant.edits[0].source
        verdict = Verdict.KILLED if found else Verdict.SURVIVED
        outcomes.append(MutantOutcome(mutant.name, source.split(".")[0], source, verdict, found))
    progress(len(outcomes))
    return tuple(outcomes)


def _find(chip: ChosenChip, number: int, edits: tuple[Edit, ...], killer: Killer, seed: int) -> str:
    if isinstance(killer, Struck):
        return chip.strike(number, killer.storage, layer=killer.layer, sample=killer.sample, seed=seed)
    with applied(edits, name=f"{number}"):
        return killer.find(chip.config)
