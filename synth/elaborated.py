"""What the elaborated design says of its registers: which are there three times, and what a netlist calls them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Elaboratable, Fragment, Value
from amaranth.hdl._ir import PortDirection, build_netlist  # of this, as of the names, there is no public form
from amaranth.lib import wiring

from vanallen.rtl.control.machine import Control, Triplicated
from vanallen.rtl.control.voter import Voter

__all__ = ["Bit", "Copy", "Elaborated", "plain"]

Bit = tuple[str, int]
"""A register, by its name and the instances it lies in, and the place of a bit in it."""


def plain(name: str) -> str:
    """``name`` without the numbers that Amaranth adds where names in one module are equal."""
    return re.sub(r"\$\d+(?=\.|$)", "", name)


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One of three copies of a machine.

    Members
    -------
    machine : str
        The instances it lies in.
    index : int
    voted, flow : list[Bit]
        The registers whose vote the machine sees, from the voter's lowest bit; those that need no vote.
    votes : list[Bit]
        What its voter gives for each of ``voted``.
    """

    machine: str
    index: int
    voted: list[Bit]
    flow: list[Bit]
    votes: list[Bit]

    @property
    def name(self) -> str:
        """As it is called in messages."""
        return plain(f"{self.machine}.copy_{self.index}")


@dataclass(frozen=True)
class _Part:
    """What was elaborated somewhere: the component, its fragment, and the names that signals have there."""

    origin: Any
    fragment: Any
    names: Any


class Elaborated:
    """The names in a netlist that was made from ``design``; names have the instances they lie in: ``issue.copy_0.row``.

    Parameters
    ----------
    design : Elaboratable or Fragment
        Elaborated already where a platform was needed.
    under : str
        The instance that is looked at, by default all of it.

    Members
    -------
    copies : list[Copy]
        Of all triplicated machines.
    kinds : dict[str, str]
        The class of the component that was elaborated somewhere, by the instances it lies in without numbers.
    bits : dict[str, list[Bit | None]]
        By name of a net, bit by bit: the register or vote that gives it, through nothing but wires.
    inputs : set[Bit]
        Nets, by name and place, at the input ports of the instance that is looked at.
    """

    def __init__(self, design: Elaboratable | Fragment, *, under: str = ""):
        fragment = Fragment.get(design, None)  # type: ignore[no-untyped-call]
        whole = fragment.prepare(_ports(fragment))
        everything: dict[str, _Part] = {}
        for lowered, info in whole.fragments.items():
            everything[".".join(info.name[1:])] = _Part((lowered.origins or (None,))[0], lowered, info.signal_names)
        self._parts = {path: part for path, part in everything.items()
                       if not under or path == under or path.startswith(f"{under}.")}  # fmt: skip
        self.kinds = {plain(path): type(part.origin).__name__ for path, part in self._parts.items()}
        netlist = build_netlist(whole)  # type: ignore[no-untyped-call]
        nets = netlist.signals
        bits = {net: (_join(path, part.names[signal]), place) for path, part in self._parts.items()
                for signal in _sources(part) for place, net in enumerate(nets[signal])}  # fmt: skip
        self.bits = {name: [bits.get(net) for net in nets[signal]] for name, signal in _named(self._parts, nets)}
        # ports that no signal has given its name, as parts of one: Yosys may keep this name of a net and no other
        self.bits |= {name: [bits.get(net) for net in value] for name, value in _ports_of_modules(netlist)
                      if name not in self.bits}  # fmt: skip
        self.copies = [self._copy(path, index) for path, part in self._parts.items()
                       if isinstance(part.origin, Triplicated) for index in range(3)]  # fmt: skip
        ports = {net for signal in _inputs(self._parts[under].origin) if signal in nets
                 for net in nets[signal] if not net.is_const}  # fmt: skip
        self.inputs = {(name, place) for name, signal in _named(everything, nets)
                       for place, net in enumerate(nets[signal]) if net in ports}  # fmt: skip

    def _copy(self, machine: str, index: int) -> Copy:
        path, part = self._find(Control, f"{machine}.copy_{index}" if machine else f"copy_{index}")
        voted: list[Bit] = []
        flow: list[Bit] = []
        names = {signal.name: (_join(path, part.names[signal]), len(signal)) for signal in _registers(part)}
        for member, (name, width) in names.items():
            (voted if member in part.origin.voted else flow).extend((name, place) for place in range(width))
        at, voter = self._find(Voter, f"{path}.vote")
        vote = _join(at, voter.names[voter.origin.vote])
        return Copy(machine=machine, index=index, voted=voted, flow=flow,
                    votes=[(vote, place) for place in range(len(voted))])  # fmt: skip

    def _find(self, kind: type, name: str) -> tuple[str, _Part]:
        """The instance of ``kind`` that is called ``name``."""
        found = ((path, part) for path, part in self._parts.items() if isinstance(part.origin, kind))
        return next((path, part) for path, part in found if plain(path) == plain(name))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _ports(fragment: Any) -> dict[str, tuple[Value, PortDirection]]:
    """Ports of a component as Amaranth's back ends name them."""
    ports = {}
    component = (fragment.origins or (None,))[0]
    if isinstance(component, wiring.Component):
        for path, member, value in component.signature.flatten(component):
            direction = PortDirection.Input if member.flow is wiring.In else PortDirection.Output
            ports["__".join(map(str, path))] = (Value.cast(value), direction)
    return ports


def _inputs(component: Any) -> Iterator[Any]:
    """The signals at the inputs of a component."""
    if isinstance(component, wiring.Component):
        for _, member, value in component.signature.flatten(component):
            if member.flow is wiring.In:
                yield Value.cast(value)


def _named(parts: dict[str, _Part], nets: Any) -> Iterator[tuple[str, Any]]:
    """Signals that ``nets`` has, with each name they have in ``parts``."""
    for path, part in parts.items():
        for signal, name in part.names.items():
            if signal in nets:
                yield _join(path, name), signal


def _ports_of_modules(netlist: Any) -> Iterator[tuple[str, Any]]:
    """Each port of every module, by its name and the instances it lies in, and its nets."""
    for module in netlist.modules:
        for name, (value, _) in module.ports.items():
            yield ".".join((*module.name[1:], name)), value


def _sources(part: _Part) -> Iterator[Any]:
    """The registers in ``part`` itself, and the votes."""
    yield from _registers(part)
    if isinstance(part.origin, Voter):
        yield part.origin.vote  # type: ignore[attr-defined]


def _registers(part: _Part) -> Iterator[Any]:
    """The signals that have flip-flops in ``part`` itself, in the order in which they are first driven."""
    found: dict[int, Any] = {}
    for domain, statements in part.fragment.statements.items():
        if domain != "comb":
            found |= {id(signal): signal for statement in statements for signal in statement._lhs_signals()}
    yield from found.values()
