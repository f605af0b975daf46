"""Faults that a proof finds: in a block whose contract says all that it does.

The counters are 40 bits wide and no simulation counts that far; `vanallen prove` holds their contract for every value.
A mutant of one is killed if that proof no longer holds with the mutant in the place of the sound counter.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from vanallen.rtl.config import Config
from vanallen.rtl.registers import COUNTERS
from vanallen.rtl.verilog import TOP
from vanallen.tb.formal.registry import COUNTER, proofs
from vanallen.tb.formal.solver import convert, solve

from .draw import CONTROL, Mutation, prepared
from .yosys import run_yosys

__all__ = ["broken_proof"]

_LIMIT = 120.0
"""Seconds the proof may take; it takes two."""

_PLACE = "top.counter"
"""The counter's module in the specification."""


def _module(text: str, name: str) -> str:
    found = re.search(
        rf"(?:^attribute [^\n]*\n)*^module \\{re.escape(name)}\n.*?^end\n", text, re.MULTILINE | re.DOTALL
    )
    if found is None:
        raise ValueError(f"design must have a module {name}")
    return found[0]


def _mutated(config: Config, mutation: Mutation, active: bool) -> str:
    """The module with the fault, by the name that the specification knows."""
    script = f"read_rtlil prepared.il\n{mutation.command(1, 1)}\nwrite_rtlil mutated.il"
    text = run_yosys(script, {"prepared.il": prepared(config)}, ("mutated.il",))[1]["mutated.il"]
    module = _module(text, mutation.module).replace(f"\\{mutation.module}\n", f"\\{_PLACE}\n", 1)
    fixed = rf"  wire \\{CONTROL}\n  connect \\{CONTROL} 1'{active:d}"
    return re.sub(rf"^  wire input \d+ \\{CONTROL}$", fixed, module, count=1, flags=re.MULTILINE)


def broken_proof(config: Config, mutation: Mutation, *, active: bool = True) -> str:
    """What the proof of a counter says of ``mutation``; empty if it holds, or if the fault isn't in a counter. A fault
    that isn't ``active`` must be found to change nothing.

    Raises
    ------
    YosysFailed, SolverMissing
        If a tool fails or isn't installed.
    ValueError
        If the proof is not decided.
    """
    if mutation.module not in [f"{TOP}.accelerator.{name}" for name in COUNTERS]:
        return ""
    (proof,) = (proof for proof in proofs(config) if proof.name == COUNTER)
    design = convert(proof.build())
    design = design.replace(_module(design, _PLACE), _mutated(config, mutation, active))
    with tempfile.TemporaryDirectory(prefix="vanallen-proof-") as folder:
        answer = solve(design, proof.mode, proof.depth, proof.script, Path(folder) / COUNTER, _LIMIT)
    if answer.status not in ("PASS", "FAIL", "UNKNOWN"):
        raise ValueError(f"{COUNTER} must be decided, not end with {answer.status}: {answer.log.strip()[-500:]}")
    return "" if answer.status == "PASS" else f"{COUNTER}: {', '.join(answer.broken)}"
