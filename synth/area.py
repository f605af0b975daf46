"""Area without placement: gate equivalents of a chip, module by module."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from amaranth.back import rtlil  # type: ignore[attr-defined]  # left out of the stubs

from vanallen.rtl.accelerator import Accelerator
from vanallen.rtl.config import Config

from .audit import Audit, audit
from .audited import rules
from .flow import CACHE, locked
from .share_modules import share_modules
from .tools import Say, run_tool, tool_versions
from .weights import LATCHED, weight

__all__ = ["SCRIPT", "Area", "Module", "area_of", "measure_area"]

TOP = "chip"

SCRIPT = f"""
read_rtlil design.il
hierarchy -top {TOP}
proc
opt -full
wreduce
peepopt
alumacc
opt
memory -nomap
opt -fast -full
techmap
opt -fast
abc -g gates,MUX
opt_clean
write_json netlist.json
"""
"""Word cells become flip-flops and gates of two inputs; memories stay whole, and so does the hierarchy."""


@dataclass(kw_only=True, frozen=True)
class Module:
    """A module with all that is in it. ``path`` is "" for the chip; equal neighbours (``pe_0_0`` ...) count ``count``.

    ``gates`` are NAND2 equivalents, memories left out; ``memory_bits`` are theirs.
    """

    path: str
    count: int
    gates: float
    flip_flops: int
    memory_bits: int


@dataclass(kw_only=True, frozen=True)
class Area:
    """The chip's area: NAND2 equivalents without memories, flip-flops, memory bits, mapped cells by type, modules.

    ``audit``: whether all that a protected chip has three times is there three times in these gates.
    """

    config: str
    gates: float
    flip_flops: int
    memory_bits: int
    cells: dict[str, int]
    modules: list[Module]
    seconds: float
    audit: Audit | None = None


@dataclass
class _Sum:
    """What adds up along the hierarchy."""

    cells: dict[str, int]
    memory_bits: int

    def add(self, other: _Sum) -> None:
        for kind, count in other.cells.items():
            self.cells[kind] = self.cells.get(kind, 0) + count
        self.memory_bits += other.memory_bits


def _module(path: str, count: int, total: _Sum) -> Module:
    missing = sorted(kind for kind in total.cells if weight(kind) is None)
    if missing:
        raise ValueError(f"every cell must have a weight, not {', '.join(missing)}: synth/weights.py")
    return Module(
        path=path,
        count=count,
        gates=round(sum(number * (weight(kind) or 0) for kind, number in total.cells.items()), 2),
        flip_flops=sum(number for kind, number in total.cells.items() if LATCHED.fullmatch(kind)),
        memory_bits=total.memory_bits,
    )


def _sums(
    modules: Mapping[str, Any], name: str, path: tuple[str, ...], found: dict[tuple[str, ...], list[_Sum]]
) -> _Sum:
    """Adds up module ``name`` at ``path``; ``found`` gets every module below, equal neighbours under one path."""
    total = _Sum({}, 0)
    for label, cell in modules[name]["cells"].items():
        kind = cell["type"]
        if kind in modules:
            total.add(_sums(modules, kind, (*path, re.sub(r"(_\d+)+$|\$\d+$", "", label)), found))
        elif kind == "$mem_v2":
            size, width = (int(cell["parameters"][parameter], 2) for parameter in ("SIZE", "WIDTH"))
            total.memory_bits += size * width
        elif kind != "$scopeinfo":
            total.cells[kind] = total.cells.get(kind, 0) + 1
    found.setdefault(path, []).append(total)
    return total


def area_of(netlist: Mapping[str, Any], *, config: str = "", seconds: float = 0.0) -> Area:
    """The area of a netlist as ``write_json`` of Yosys wrote it after ``SCRIPT``.

    Raises
    ------
    ValueError
        If a cell has no weight.
    """
    found: dict[tuple[str, ...], list[_Sum]] = {}
    chip = _sums(netlist["modules"], TOP, (), found)
    modules = []
    for path, sums in sorted(found.items()):
        total = _Sum({}, 0)
        for each in sums:
            total.add(each)
        modules.append(_module(".".join(path), len(sums), total))
    whole = _module("", 1, chip)
    return Area(config=config, gates=whole.gates, flip_flops=whole.flip_flops, memory_bits=whole.memory_bits,
                cells=dict(sorted(chip.cells.items())), modules=modules, seconds=seconds)  # fmt: skip


def measure_area(config: Config, *, top: Any = None, cache: Path = CACHE, say: Say = print) -> Area:
    """Area of the chip of ``config`` up to its AXI4-Lite port, in its generic form; ``top`` measures another component.
    A protected chip is audited too.

    Kept under ``cache`` by a hash of design, script and Yosys's version.

    Raises
    ------
    ToolMissing, ToolFailed
        If Yosys isn't there, or fails.
    """
    design = share_modules(rtlil.convert(top or Accelerator(config=config), name=TOP, emit_src=False))
    key = hashlib.sha256(json.dumps([design, SCRIPT, tool_versions(["yosys"])]).encode()).hexdigest()[:16]
    folder = cache / f"area-{config.name}-{config.protection}-{key}"
    audited = config.protected and top is None
    result = folder / (f"area-{rules()}.json" if audited else "area.json")
    with locked(folder):
        if not result.is_file():
            (folder / "design.il").write_text(design, encoding="utf-8")
            (folder / "area.ys").write_text(SCRIPT, encoding="utf-8")
            seconds = run_tool("yosys", ["-q", "area.ys"], folder=folder, say=say)
            netlist = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))
            area = area_of(netlist, config=config.name, seconds=seconds)
            if audited:
                area = replace(area, audit=audit(netlist, Accelerator(config=config)))
            (folder / "netlist.json").unlink()
            result.write_text(json.dumps(asdict(area)), encoding="utf-8")
    kept = json.loads(result.read_text(encoding="utf-8"))
    found = Audit(**kept["audit"]) if audited else None
    return Area(**{**kept, "modules": [Module(**module) for module in kept["modules"]], "audit": found})
