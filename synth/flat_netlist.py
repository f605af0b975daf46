"""A synthesized netlist without hierarchy: cells, and nets by the names that they have in the design."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Cell", "FlatNetlist", "Net"]

Net = int | str
"""A net's number, or the constant ``0``, ``1``, ``x`` or ``z``."""

_GATE = re.compile(r"\$_(AND|NAND|OR|NOR|XOR|XNOR|ANDNOT|ORNOT|NOT|MUX)_|LUT4|CCU2C|PFUMX|L6MUX21")
_FLIP_FLOP = re.compile(r"\$_S?DFFC?E?_[NP01]+_|TRELLIS_FF")
_CLOCKS = {"C", "CLK"}

_FUNCTIONS: Mapping[str, Callable[[Mapping[str, int]], int]] = {
    "$_AND_": lambda pins: pins["A"] & pins["B"],
    "$_NAND_": lambda pins: 1 - (pins["A"] & pins["B"]),
    "$_OR_": lambda pins: pins["A"] | pins["B"],
    "$_NOR_": lambda pins: 1 - (pins["A"] | pins["B"]),
    "$_XOR_": lambda pins: pins["A"] ^ pins["B"],
    "$_XNOR_": lambda pins: 1 - (pins["A"] ^ pins["B"]),
    "$_ANDNOT_": lambda pins: pins["A"] & (1 - pins["B"]),
    "$_ORNOT_": lambda pins: pins["A"] | (1 - pins["B"]),
    "$_NOT_": lambda pins: 1 - pins["A"],
    "$_MUX_": lambda pins: pins["B"] if pins["S"] else pins["A"],
}


@dataclass(frozen=True, eq=False)
class Cell:
    """A cell. ``name``: with the instances it lies in; ``kind``: Yosys's type; ``inputs``, ``outputs``: nets by pin.

    The clock of a flip-flop is left out.
    """

    name: str
    kind: str
    parameters: Mapping[str, str]
    inputs: Mapping[str, tuple[Net, ...]]
    outputs: Mapping[str, tuple[Net, ...]]

    @property
    def is_register(self) -> bool:
        """Whether it is a flip-flop."""
        return bool(_FLIP_FLOP.fullmatch(self.kind))

    @property
    def is_gate(self) -> bool:
        """Whether it is a combinational cell, of the fabric or of the generic library."""
        return bool(_GATE.fullmatch(self.kind))

    @property
    def holds(self) -> bool:
        """Whether it is a flip-flop that may keep its value: its enable is no constant."""
        enable = self.inputs.get("CE" if self.kind == "TRELLIS_FF" else "E", ())
        return self.is_register and any(isinstance(net, int) for net in enable)

    def value(self, pins: Mapping[str, int]) -> int:
        """The output of a gate or look-up table.

        Raises
        ------
        LookupError
            For any other cell.
        """
        if self.kind == "LUT4":
            place = sum(pins.get(pin, 0) << bit for bit, pin in enumerate("ABCD"))
            return int(self.parameters["INIT"], 2) >> place & 1
        return _FUNCTIONS[self.kind](pins)


class FlatNetlist:
    """The top module of a netlist with all that is in it, as ``write_json`` of Yosys wrote it, flattened or not.

    Instances of modules that the netlist has are opened, so that a net has one number from end to end.

    Parameters
    ----------
    netlist : Mapping

    Members
    -------
    cells : list[Cell]
    nets : dict[str, tuple[Net, ...]]
        By name, with the instances it lies in: ``issue.copy_0.state``. Names that Yosys hides are left out.
    drivers : dict[Net, Cell]
        The cell that drives a net. Ports of the top drive the others.

    Raises
    ------
    ValueError
        If not one module is marked as the top.
    """

    def __init__(self, netlist: Mapping[str, Any]):
        self._modules = {name: module for name, module in netlist["modules"].items()
                         if not {"blackbox", "whitebox"} & module["attributes"].keys()}  # fmt: skip
        tops = [name for name, module in self._modules.items() if "top" in module["attributes"]]
        if len(tops) != 1:
            raise ValueError(f"a netlist must have one top module, not {tops!r}")
        self._count = 0
        self._alias: dict[Net, Net] = {}
        self.cells: list[Cell] = []
        self.nets: dict[str, tuple[Net, ...]] = {}
        self._open(tops[0], "", {})
        self.cells = [self._resolved(cell) for cell in self.cells]
        self.nets = {name: self._all(nets) for name, nets in self.nets.items()}
        self.drivers: dict[Net, Cell] = {net: cell for cell in self.cells for nets in cell.outputs.values()
                        for net in nets if isinstance(net, int)}  # fmt: skip

    def _open(self, name: str, path: str, local: dict[Net, Net]) -> None:
        """Adds an instance of a module. ``local``: the nets at its ports, by their numbers in the module."""
        module = self._modules[name]

        def numbered(bits: Iterable[Net]) -> tuple[Net, ...]:
            return tuple(self._number(bit, local) for bit in bits)

        for label, net in module["netnames"].items():
            if not net["hide_name"]:
                self.nets[path + label] = numbered(net["bits"])
        for label, cell in module["cells"].items():
            pins = {pin: numbered(bits) for pin, bits in cell["connections"].items()}
            if cell["type"] in self._modules:
                self._open(cell["type"], f"{path}{label}.", self._connected(cell["type"], pins))
            elif cell["type"] != "$scopeinfo":
                self.cells.append(_cell(path + label, cell, pins))

    def _number(self, bit: Net, local: dict[Net, Net]) -> Net:
        if isinstance(bit, int) and bit not in local:
            self._count += 1
            local[bit] = self._count
        return local.get(bit, bit)

    def _connected(self, module: str, pins: Mapping[str, tuple[Net, ...]]) -> dict[Net, Net]:
        """What the nets of an instance's ports are outside. Ports that are one net inside join those outside."""
        local: dict[Net, Net] = {}
        for port, entry in self._modules[module]["ports"].items():
            for bit, outer in zip(entry["bits"], pins.get(port, ()), strict=False):
                inner = self._same(local.setdefault(bit, outer) if isinstance(bit, int) else bit)
                outer = self._same(outer)
                if isinstance(outer, int) and inner != outer:
                    self._alias[outer] = inner
                elif isinstance(inner, int) and inner != outer:
                    self._alias[inner] = outer
        return local

    def _same(self, net: Net) -> Net:
        while net in self._alias:
            net = self._alias[net]
        return net

    def _all(self, nets: Iterable[Net]) -> tuple[Net, ...]:
        return tuple(map(self._same, nets))

    def _resolved(self, cell: Cell) -> Cell:
        inputs, outputs = ({pin: self._all(nets) for pin, nets in pins.items()} for pins in (cell.inputs, cell.outputs))
        return Cell(cell.name, cell.kind, cell.parameters, inputs, outputs)


def _cell(name: str, entry: Mapping[str, Any], pins: Mapping[str, tuple[Net, ...]]) -> Cell:
    inputs, outputs = {}, {}
    for pin, nets in pins.items():
        if entry["port_directions"][pin] == "output":
            outputs[pin] = nets
        elif pin not in _CLOCKS or not _FLIP_FLOP.fullmatch(entry["type"]):
            inputs[pin] = nets
    return Cell(name, entry["type"], entry.get("parameters", {}), inputs, outputs)
