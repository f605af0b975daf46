"""The audit as a step of every protected build: of a board's netlist, and of the chip up to its AXI4-Lite port."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from amaranth.hdl import Fragment

from vanallen.rtl.config import Config
from vanallen.rtl.technology import Technology
from vanallen.rtl.verilog import Top

from .audit import Audit, audit
from .errors import AuditFailed
from .find_board import platform_of
from .plan import DESIGN, Plan
from .top import BoardTop

__all__ = ["audit_board", "audit_chip", "require_sound", "rules"]

CHIP = "accelerator"
"""The chip in the netlist of :func:`~vanallen.synth.gate_netlist.chip_netlist`."""

CHIP_ON_BOARD = "system.accelerator"


@cache
def rules() -> str:
    """The hash of the checks and the written list: an audit that was made by others counts as none."""
    here = Path(__file__).resolve().parent
    names = ("audit.py", "elaborated.py", "flat_netlist.py", "listed_inputs.py")
    return hashlib.sha256(b"".join((here / name).read_bytes() for name in names)).hexdigest()[:16]


def audit_board(plan: Plan, folder: Path) -> Audit:
    """The audit of the netlist in ``folder``, the one that nextpnr reads. It is kept there.

    Raises
    ------
    BoardError, ToolMissing
        As :func:`~vanallen.synth.find_board.platform_of` does.
    """
    record = folder / f"audit-{rules()}.json"
    if not record.is_file():
        netlist = json.loads((folder / f"{DESIGN}.json").read_text(encoding="utf-8"))
        design = Fragment.get(BoardTop(board=plan.board), platform_of(plan.board))  # type: ignore[no-untyped-call]
        found = audit(netlist, design, under=CHIP_ON_BOARD)
        written = record.with_suffix(".new")
        written.write_text(json.dumps(asdict(found)), encoding="utf-8")
        written.replace(record)
    return Audit(**json.loads(record.read_text(encoding="utf-8")))


def audit_chip(netlist: Mapping[str, Any], config: Config) -> Audit:
    """The audit of what :func:`~vanallen.synth.gate_netlist.chip_netlist` made of ``config``."""
    return audit(netlist, Top(config=config, technology=Technology.ECP5), under=CHIP)


def require_sound(found: Audit | None) -> None:
    """Ends a build whose audit has failures.

    Raises
    ------
    AuditFailed
    """
    if found is not None and found.failures:
        raise AuditFailed(found)
