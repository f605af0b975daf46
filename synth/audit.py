"""Whether what is there three times in the design is there three times in the netlist, and all of it votes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from amaranth.hdl import Elaboratable, Fragment

from .elaborated import Bit, Copy, Elaborated, plain
from .flat_netlist import Cell, FlatNetlist, Net
from .listed_inputs import PROTECTED, Exemption

__all__ = ["Audit", "audit"]


_COPY = re.compile(r".*?\bcopy_\d(\$\d+)?(?=\.)")
_LOST = re.compile(r"_TRELLIS_FF_Q(_\d+)?$|(\.\d+)+$")
"""What Yosys adds to the name of a net in that of the flip-flop, and to that of a memory in those of its parts."""


@dataclass(kw_only=True, frozen=True)
class Audit:
    """What was found; sound if there are no ``failures``.

    Members
    -------
    registers : int
        Flip-flops that are one of three.
    voters : int
        Voters, each of one bit, that were found to give the majority of the right three flip-flops.
    listed_inputs : list[str]
        Registers and memories that are there once and from which a triplicated machine's state follows.
    failures : list[str]
        What is wrong, a sentence each.
    """

    registers: int
    voters: int
    listed_inputs: list[str]
    failures: list[str]


def audit(
    netlist: Mapping[str, Any],
    design: Elaboratable | Fragment,
    *,
    listed: Sequence[Exemption] = PROTECTED,
    under: str = "",
) -> Audit:
    """Compares a netlist, of ECP5 cells or generic gates, with the design it was made from.

    A failure is a register that a copy of a machine lacks, or shares with another copy; a voter that isn't there, is
    shared, or gives anything but the majority of that register in the three copies; a copy that
    follows from state of another copy, or from its own without the vote, be it through a single gate; a register or
    memory that is there once, that a machine's next state follows from, and that is not listed; an entry of the list
    that nothing fits; a design in which nothing is triplicated.

    Parameters
    ----------
    netlist : Mapping
        As ``write_json`` of Yosys wrote it, with hierarchy or flattened.
    design : Elaboratable or Fragment
        Elaborated already where that takes a platform.
    listed : Sequence[Exemption]
        The registers and memories that may be there once, and why; of the list those that steer machines.
    under : str
        The instance that is audited, for example ``system.accelerator`` on a board: what is before its ports is as if
        outside the chip, and names on the list are those within it.
    """
    return _Auditor(FlatNetlist(netlist), Elaborated(design, under=under), listed, under).audit()


@dataclass(frozen=True, kw_only=True)
class _Owned:
    """A flip-flop that is one of three: the copy it belongs to, its name, whether there is a vote on it."""

    copy: Copy
    name: str
    voted: bool


class _Auditor:
    """The checks, one after the other; each adds to ``failures``, once for the bits of a word."""

    def __init__(self, netlist: FlatNetlist, design: Elaborated, listed: Sequence[Exemption], under: str):
        self.netlist, self.design, self.under = netlist, design, under
        self.listed = {entry: False for entry in listed if entry.steers_machines}  # whether anything fits it
        self.failures: dict[str, None] = {}
        self.owners: dict[Net, _Owned] = {}
        self.votes: dict[Net, Copy] = {}
        self.singles: dict[str, None] = {}
        self.voters = 0
        self.inputs = {netlist.nets[name][place] for name, place in design.inputs if name in netlist.nets}
        self.nets: dict[Bit, Net] = {}
        self.names: dict[Net, str] = {}
        for name, bits in design.bits.items():
            for bit, net in zip(bits, netlist.nets.get(name, ()), strict=False):
                if bit is not None and self.nets.get(bit) not in netlist.drivers:
                    self.nets[bit] = net
                    self.names.setdefault(net, plain(bit[0]))
        self.inside: dict[str, list[Net]] = defaultdict(list)  # registers, by the copy they lie in
        for cell in netlist.cells:
            if cell.is_register and (within := _COPY.match(cell.name)):
                self.inside[plain(within[0])].extend(cell.outputs["Q"])

    def audit(self) -> Audit:
        copies = self.design.copies
        machines = [copies[first : first + 3] for first in range(0, len(copies), 3)]
        for three in machines:
            self._check_registers(three)
        for three in machines:
            for copy in three:
                self._check_voter(copy, three)
        for copy in copies:
            self._check_inputs(copy)
        self._check_list()
        if not self.owners:
            self._fail("nothing is there three times")
        return Audit(registers=len(self.owners), voters=self.voters, listed_inputs=sorted(self.singles),
                     failures=list(self.failures))  # fmt: skip

    def _fail(self, message: str) -> None:
        self.failures[message] = None

    def _is_register(self, net: Net | None) -> bool:
        driver = self.netlist.drivers.get(net) if isinstance(net, int) else None
        return driver is not None and driver.is_register

    def _check_registers(self, copies: list[Copy]) -> None:
        """A bit that is voted on is a flip-flop in each of ``copies``, its own, or one constant in all; of the others
        each has as many. Some of these have no name: Yosys's `abc9` keeps another one of the same net."""
        for bits in zip(*(copy.voted for copy in copies), strict=True):
            nets = [self.nets.get(bit) for bit in bits]
            if len(set(nets)) > 1 or not isinstance(nets[0], str):
                for copy, (register, _), net in zip(copies, bits, nets, strict=True):
                    self._own(copy, plain(register), net, voted=True)
        for copy in copies:
            for bit in copy.flow:
                if self._is_register(net := self.nets.get(bit)):
                    self._own(copy, plain(bit[0]), net, voted=False)
        for copy in copies:
            for net in self.inside[copy.name]:
                if net not in self.owners:
                    self._own(copy, self.names.get(net, f"{copy.name}'s register without a name"), net, voted=False)
        counts = [sum(owned.copy is copy for owned in self.owners.values()) for copy in copies]
        if len(set(counts)) > 1 or not counts[0]:
            self._fail(f"the copies of {plain(copies[0].machine)} have {', '.join(map(str, counts))} registers")

    def _own(self, copy: Copy, name: str, net: Net | None, *, voted: bool) -> None:
        if net is None or not self._is_register(net):
            self._fail(f"{name} is no register")
            return
        owned = self.owners.setdefault(net, _Owned(copy=copy, name=name, voted=voted))
        if owned.copy is not copy:
            self._fail(f"{owned.name} and {name} are one register")
        if self.netlist.drivers[net].holds:
            self._fail(f"{name} keeps its value without a vote")

    def _check_voter(self, copy: Copy, copies: list[Copy]) -> None:
        """Each voted register has a voter of its own, which gives the majority of the three copies' registers."""
        for place, vote in enumerate(copy.votes):
            three = [self.nets.get(each.voted[place], "x") for each in copies]
            name, net = plain(copy.voted[place][0]), self.nets.get(vote)
            if not all(map(self._is_register, three)):
                continue  # removed, or a failure already
            if net is None:
                self._fail(f"{name} has no voter")
                continue
            if net in self.votes:
                self._fail(f"{self.votes[net].name} and {copy.name} share the voter of {name}")
            elif not self._is_majority(net, three):
                self._fail(f"the voter of {name} does not give the majority of the three copies")
            else:
                self.voters += 1
            self.votes.setdefault(net, copy)

    def _is_majority(self, vote: Net, three: Sequence[Net]) -> bool:
        try:
            return all(
                self._value(vote, dict(zip(three, values, strict=True))) == (sum(values) >= 2)
                for values in product((0, 1), repeat=3)
            )
        except LookupError:
            return False

    def _value(self, net: Net, known: Mapping[Net, int]) -> int:
        """What gates make of ``known`` nets; LookupError if there is anything else."""
        if isinstance(net, str):
            return {"0": 0, "1": 1}[net]
        if net in known:
            return known[net]
        cell = self.netlist.drivers[net]
        if not cell.is_gate:
            raise LookupError(cell.name)
        return cell.value({pin: self._value(nets[0], known) for pin, nets in cell.inputs.items()})

    def _check_inputs(self, copy: Copy) -> None:
        """Walks back from the registers of ``copy`` to votes of its own, ports, and what is there once."""
        own = [net for net, owned in self.owners.items() if owned.copy is copy]
        waiting = [net for register in own for net in _all(self.netlist.drivers[register].inputs)]
        seen = set(waiting)
        while waiting:
            net = waiting.pop()
            cell = self.netlist.drivers.get(net)
            if net in self.inputs or not self._goes_on(net, copy) or cell is None:
                continue
            if not cell.is_gate:
                self._check_single(self._label(net, cell), copy)
            following = set(_unclocked(cell)) - seen
            seen |= following
            waiting += following

    def _goes_on(self, net: Net, copy: Copy) -> bool:
        """Whether ``net`` is neither a vote nor a register of a copy; if it is, it must be ``copy``'s to read."""
        voter, owned = self.votes.get(net), self.owners.get(net)
        if voter is not None and voter.index != copy.index:
            self._fail(f"{copy.name} follows from the voter of {voter.name}")
        elif owned is not None and owned.voted:
            self._fail(f"{copy.name} follows from {owned.name} without a vote")
        elif owned is not None and owned.copy.index != copy.index:
            self._fail(f"{copy.name} follows from {owned.name}")
        return voter is None and owned is None

    def _label(self, net: Net, cell: Cell) -> str:
        """The name of a register or memory."""
        name = self.names.get(net) if cell.is_register else None
        return name or plain(_LOST.sub("", cell.name))

    def _check_single(self, name: str, copy: Copy) -> None:
        """Whether a register or memory is on the list, by the component that it lies in and its name there."""
        inside = name.removeprefix(f"{self.under}." if self.under else "")
        self.singles[inside] = None
        owner, register = self._placed(name)
        fitting = [entry for entry in self.listed
                   if entry.owner == owner and re.fullmatch(entry.register, register)]  # fmt: skip
        self.listed.update(dict.fromkeys(fitting, True))
        if not fitting:
            self._fail(f"{copy.name.rpartition('.')[0]} follows from {inside}, which is there once and not listed")

    def _placed(self, name: str) -> tuple[str, str]:
        """The class of the component that a register or memory lies in, and its name there; it may have fields."""
        parts = name.split(".")
        for end in range(len(parts) - 1, -1, -1):
            if (kind := self.design.kinds.get(".".join(parts[:end]))) is not None:
                return kind, ".".join(parts[end:])
        return "", name

    def _check_list(self) -> None:
        for entry, fits in self.listed.items():
            if not fits:
                self._fail(f"{entry.register} of {entry.owner} is listed, but no machine that is there three times "
                           "follows from it")  # fmt: skip


def _unclocked(cell: Cell) -> Iterator[Net]:
    """Nets that what ``cell`` gives follows from in the same cycle."""
    if cell.is_gate:
        yield from _all(cell.inputs)
    elif cell.kind == "TRELLIS_DPR16X4":
        yield from cell.inputs["RAD"]
    elif cell.kind == "$mem_v2":
        clocked = cell.parameters["RD_CLK_ENABLE"][::-1]
        address = cell.inputs["RD_ADDR"]
        width = len(address) // len(clocked)
        for port, bit in enumerate(clocked):
            if bit == "0":
                yield from address[port * width : (port + 1) * width]


def _all(pins: Mapping[str, tuple[Net, ...]]) -> Iterator[Net]:
    for nets in pins.values():
        yield from nets
