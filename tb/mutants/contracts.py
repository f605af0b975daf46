"""Faults that a proof judges: in a block whose contract says what it does, for every input.

No simulation counts to the end of a 40-bit counter, or meets the one sum in a million that a wrong low bit of a product
rounds another way; `vanallen prove` holds contracts for all of them. A mutant in such a block is killed if the proof no
longer holds with the same fault in the same cell of the specification's copy of the block.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from vanallen.rtl.bus.host_bridge import MEMORIES
from vanallen.rtl.config import Config
from vanallen.rtl.registers import COUNTERS, register
from vanallen.rtl.verilog import TOP
from vanallen.tb.formal.proof import Proof
from vanallen.tb.formal.registry import COUNTER, CYCLE_LOG, proofs
from vanallen.tb.formal.solver import convert, solve

from .draw import CONTROL, Mutation, prepared
from .result import Verdict
from .yosys import run_yosys

__all__ = ["Contract", "by_contract", "contracts"]

_LIMIT = 240.0
"""Seconds a proof may take; the longest takes thirty."""

_PREPARE = """
read_rtlil specification.il
hierarchy -top top
proc -norom
"""
"""As the chip is prepared, so that the block has the same cells in the same order, also those a proof leaves out."""

_CELL = re.compile(r"^  cell (\S+) (\S+)\n((?:    parameter .*\n)*)((?:    connect .*\n)*)", re.MULTILINE)


@dataclass(frozen=True)
class Contract:
    """``module`` of the chip, with what is below it, is ``place`` in the specifications of ``proofs``. If ``complete``,
    they say all that the block does, so that a fault with which they hold changes nothing; but for what enters and
    leaves the submodule ``cut``, whose inside is another contract's."""

    module: str
    place: str
    proofs: tuple[str, ...]
    complete: bool
    cut: str = ""


def contracts(config: Config) -> tuple[Contract, ...]:
    """The blocks that have contracts; of one in another, the inner one counts."""
    below = f"{TOP}.accelerator"
    width = register(COUNTERS[0]).field("count").width
    found = [Contract(f"{below}.{name}", "top.counter", (COUNTER,), True) for name in COUNTERS
             if register(name).field("count").width == width]  # fmt: skip
    found.append(Contract(f"{below}.cycle_log", "top.log", (CYCLE_LOG,), False))
    rams = [f"{window.name.lower()}_ram" for window in MEMORIES]
    found += [Contract(f"{below}.{ram}", "top.dut", (f"memory.{ram}",), False) for ram in rams]
    for lane in range(config.lanes):
        module = f"{below}.requantizer.lane_{lane}"
        found += [Contract(module, "top.dut", ("lane.whole",), True, cut="multiply"),
                  Contract(f"{module}.multiply", "top.dut", ("lane.products", "lane.product_sum"), True)]  # fmt: skip
    return tuple(found)


@dataclass(frozen=True)
class _Cell:
    """A cell; ``kind`` is its type and parameters, or empty for a submodule, whose type is named after its place."""

    name: str
    kind: str
    ports: frozenset[str]


def _cells(text: str, module: str) -> list[_Cell]:
    """The cells of ``module``, in order."""
    found = re.search(rf"^module \\{re.escape(module)}\n.*?^end\n", text, re.MULTILINE | re.DOTALL)
    cells = [] if found is None else _CELL.findall(found[0])
    return [
        _Cell(name.removeprefix("\\"), kind + parameters if kind.startswith("$") else "",
              frozenset(re.findall(r"connect \\?(\S+) ", connections)))
        for kind, name, parameters, connections in cells
    ]  # fmt: skip


@lru_cache(maxsize=4)
def _specification(config: Config, proof: str) -> tuple[Proof, str]:
    (found,) = (one for one in proofs(config) if one.name == proof)
    files = {"specification.il": convert(found.build())}
    return found, run_yosys(f"{_PREPARE}write_rtlil prepared.il\n", files, ("prepared.il",))[1]["prepared.il"]


def _counterpart(config: Config, mutation: Mutation, contract: Contract, specification: str) -> Mutation | None:
    """The same fault in the specification's copy of the block: in the submodule of the same name, or the cell at the
    same place in the list; where a memory makes the lists differ, the cell of the same name and kind. None where there
    is none to judge by: a submodule whose port has another name or lies at the contract's cut, a clock (the proofs have
    one, and one edge), a cell that an incomplete contract doesn't need."""
    if mutation.port in ("CLK", "clk") or (mutation.module, mutation.cell) == (contract.module, contract.cut):
        return None
    place = contract.place + mutation.module.removeprefix(contract.module)
    here, there = _cells(prepared(config), mutation.module), _cells(specification, place)
    submodule = next((cell for cell in there if not cell.kind and cell.name == mutation.cell), None)
    if submodule is not None:
        return mutation.moved(place, mutation.cell) if mutation.port in submodule.ports else None
    if [cell.kind for cell in here] == [cell.kind for cell in there]:
        return mutation.moved(place, there[[cell.name for cell in here].index(mutation.cell)].name)
    if contract.complete:
        raise ValueError(f"{place} in the specification must have the cells of {mutation.module}")
    own = next(cell for cell in here if cell.name == mutation.cell)
    kinds = {cell.name: cell.kind for cell in there}
    alike = all(kinds.get(cell.name, cell.kind) == cell.kind for cell in here)  # the same name is the same cell
    return mutation.moved(place, own.name) if own.kind and alike and own.name in kinds else None


def _with_fault(specification: str, mutation: Mutation, active: bool) -> str:
    script = f"read_rtlil prepared.il\n{mutation.command(1, 1)}\nwrite_rtlil mutated.il\n"
    text = run_yosys(script, {"prepared.il": specification}, ("mutated.il",))[1]["mutated.il"]
    top = text.rindex("\nmodule \\top\n")
    fixed = rf"  wire \\{CONTROL}\n  connect \\{CONTROL} 1'{active:d}"
    return text[:top] + re.sub(rf"^  wire input \d+ \\{CONTROL}$", fixed, text[top:], count=1, flags=re.MULTILINE)


def _broken(proof: Proof, design: str) -> str:
    """What the proof says of ``design``; empty if it holds."""
    with tempfile.TemporaryDirectory(prefix="vanallen-proof-") as folder:
        answer = solve(design, proof.mode, proof.depth, proof.script, Path(folder) / proof.name, _LIMIT)
    if answer.status not in ("PASS", "FAIL", "UNKNOWN"):
        raise ValueError(f"{proof.name} must be decided, not end with {answer.status}: {answer.log.strip()[-500:]}")
    return "" if answer.status == "PASS" else f"{proof.name}: {', '.join(answer.broken)}"


def by_contract(config: Config, mutation: Mutation, *, active: bool = True) -> tuple[Verdict, str] | None:
    """Killed, and by which rule, if a proof of the block no longer holds; equivalent, and which proofs say so, if they
    say all that it does and hold. None if that decides nothing. A fault that isn't ``active`` must change nothing.

    Raises
    ------
    YosysFailed, SolverMissing
        If a tool fails or isn't installed.
    ValueError
        If a proof is not decided, or its specification has another block than the chip.
    """
    matching = [one for one in contracts(config) if f"{mutation.module}.".startswith(f"{one.module}.")]
    if not matching:
        return None
    contract = max(matching, key=lambda one: len(one.module))
    for name in contract.proofs:
        proof, specification = _specification(config, name)
        moved = _counterpart(config, mutation, contract, specification)
        if moved is None:
            return None
        if said := _broken(proof, _with_fault(specification, moved, active)):
            return Verdict.KILLED, f"proof: {said}"
    return (Verdict.EQUIVALENT, f"proof: {', '.join(contract.proofs)}") if contract.complete else None
