"""From a plan to a bitstream in steps: synthesis once, placement and routing by seed, packing. Each is done once."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vanallen.boards.board import Board

from .errors import TimeLimit
from .plan import DESIGN, Plan, make_plan
from .recipe import NETLIST
from .tools import Say, run_tool
from .top import MakeCore, chip

__all__ = ["CACHE", "Step", "folder_of", "locked", "netlist_verilog", "pack", "place", "synthesize"]

CACHE = Path("build/synth")
"""Where designs are kept, from the current folder."""


@dataclass(kw_only=True, frozen=True)
class Step:
    """A step that is done: its folder, the seconds it took when it was done, and whether that was an earlier time."""

    folder: Path
    seconds: float
    cached: bool


def folder_of(plan: Plan, cache: Path = CACHE) -> Path:
    """Where the files of ``plan`` lie, named after its hash."""
    return cache / f"{plan.board.name}-{plan.design_hash}"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The folder for this process alone; another one waits."""
    folder.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _step(name: str, folder: Path, tool: str, arguments: list[str], time_limit: float | None, say: Say) -> Step:
    """Runs a tool unless ``<name>.json`` says that it was done, or stopped after as long as it would have now. That is
    written last, so half a step counts as none."""
    record = folder / f"{name}.json"
    known = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    if "seconds" in known:
        return Step(folder=folder, seconds=known["seconds"], cached=True)
    if time_limit is not None and known.get("stopped", 0.0) >= time_limit:
        raise TimeLimit(tool, known["stopped"], earlier=True)
    try:
        seconds = run_tool(tool, arguments, folder=folder, time_limit=time_limit, say=say)
    except TimeLimit as late:
        _record(record, {"stopped": late.seconds})
        raise
    _record(record, {"seconds": seconds})
    return Step(folder=folder, seconds=seconds, cached=False)


def _record(path: Path, what: Mapping[str, float]) -> None:
    written = path.with_suffix(".new")
    written.write_text(json.dumps(what), encoding="utf-8")
    written.replace(path)


def synthesize(plan: Plan, *, cache: Path = CACHE, time_limit: float | None = None, say: Say = print) -> Step:
    """Yosys: ``top.json`` for nextpnr, and the same netlist as Verilog.

    Raises
    ------
    ToolMissing, ToolFailed, TimeLimit
        As :func:`~vanallen.synth.tools.run_tool` does.
    """
    folder = folder_of(plan, cache)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in plan.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return _step("synthesis", folder, "yosys", plan.commands["yosys"], time_limit, say)


def place(plan: Plan, seed: int, *, cache: Path = CACHE, time_limit: float | None = None, say: Say = print) -> Step:
    """nextpnr with ``seed``, after :func:`synthesize`; ``report.json`` in the step's folder says what came of it.

    Raises
    ------
    ToolMissing, ToolFailed, TimeLimit
        As :func:`~vanallen.synth.tools.run_tool` does.
    """
    folder = folder_of(plan, cache) / f"seed-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    above = (f"{DESIGN}.json", f"{DESIGN}.lpf")
    arguments = [f"../{part}" if part in above else part for part in plan.commands["nextpnr-ecp5"]]
    return _step("placement", folder, "nextpnr-ecp5", [*arguments, "--seed", str(seed)], time_limit, say)


def pack(plan: Plan, seed: int, *, cache: Path = CACHE, say: Say = print) -> Step:
    """ecppack of the design that :func:`place` placed with ``seed``: ``top.bit`` in the step's folder.

    Raises
    ------
    ToolMissing, ToolFailed
        As :func:`~vanallen.synth.tools.run_tool` does.
    """
    folder = folder_of(plan, cache) / f"seed-{seed}"
    return _step("bitstream", folder, "ecppack", plan.commands["ecppack"], None, say)


def netlist_verilog(board: Board, make_core: MakeCore = chip, *, cache: Path = CACHE, say: Say = print) -> Path:
    """The netlist that goes onto ``board``, as Verilog: what Yosys's ``write_verilog`` makes of the synthesized design
    beside the JSON that nextpnr reads, hence the same cells.

    The top module is ``top`` and its ports are the board's pins; the cells are ECP5's (LUT4, TRELLIS_FF, CCU2C, PFUMX,
    L6MUX21, DP16KD, MULT18X18D, EHXPLLL, TRELLIS_IO ...), processing elements are modules of their own. From the cache
    where it is there, else it takes Yosys's minutes.

    Raises
    ------
    BoardError, ToolMissing, ToolFailed
        As the steps do.
    """
    plan = make_plan(board, make_core)
    with locked(folder_of(plan, cache)):
        return synthesize(plan, cache=cache, say=say).folder / NETLIST
