"""A board's design as the files and commands that the tools are given, and the hash of it all."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

from vanallen.boards.board import Board
from vanallen.rtl.config import Config, preset
from vanallen.rtl.technology import Technology

from .deep_memory import LIBRARY, LIBRARY_FILE, deep_memories, map_deep_memories
from .find_board import platform_of
from .floorplan import floorplan, ram_name
from .multipliers import technology_for
from .recipe import (
    AFTER_READ,
    AFTER_SYNTHESIS,
    NO_MORE_MULTIPLIERS,
    PLACE_OPTIONS,
    SYNTHESIS_OPTIONS,
    fixed_cells,
    synthesis_from,
)
from .share_modules import share_modules
from .tools import tool_versions
from .top import BoardTop, MakeCore, board_pll, chip

__all__ = ["DESIGN", "Plan", "design_hash", "make_plan"]

DESIGN = "top"
"""Name of the design and its files."""


@dataclass(kw_only=True, frozen=True)
class Plan:
    """What goes into a bitstream, all but the seed.

    Members
    -------
    board : Board
    files : dict[str, str]
        Design (RTLIL), script of Yosys and constraints, by file name.
    commands : dict[str, list[str]]
        Arguments by tool: ``yosys``, ``nextpnr-ecp5``, ``ecppack``.
    clock_hz : Fraction
        The clock that the PLL makes.
    design_hash : str
        Of files, commands and versions of the tools: 16 hexadecimal digits.
    """

    board: Board
    files: dict[str, str]
    commands: dict[str, list[str]]
    clock_hz: Fraction
    design_hash: str


@contextmanager
def _own_environment() -> Iterator[None]:
    """Without the variables that change what Amaranth writes: the same design gives the same files everywhere."""
    kept = {name: os.environ.pop(name) for name in tuple(os.environ) if name.startswith("AMARANTH_")}
    try:
        yield
    finally:
        os.environ.update(kept)


def _synthesis(config: Config, device: str) -> tuple[list[str], list[str]]:
    """Options of ``synth_ecp5`` for the chip, up to the first step that differs, and the commands after it."""
    options = list(SYNTHESIS_OPTIONS)
    if technology_for(config, device) is not Technology.ECP5:
        options.append(NO_MORE_MULTIPLIERS)
    deep = [ram_name(window) for window in deep_memories(config)]
    if not (config.protected and deep):
        _, *rest = synthesis_from("begin", options, DESIGN)
        return [*options, "-run", "begin:map_luts"], rest
    return [*options, "-run", "begin:map_ram"], [
        map_deep_memories(deep), *synthesis_from("map_ram", options, DESIGN)
    ]  # fmt: skip


def make_plan(board: Board, make_core: MakeCore = chip) -> Plan:
    """Elaborates the design of ``board``; runs no tool.

    Raises
    ------
    BoardError
        If the board's data don't fit its board file.
    ToolMissing
        If board files or tools aren't installed.
    """
    versions = tool_versions()
    platform = platform_of(board)
    pll = board_pll(board, platform)
    config = preset(board.config, board.protection)
    sites = floorplan(config, board.device) if make_core is chip else {}
    options, then = _synthesis(config, board.device) if make_core is chip else (list(SYNTHESIS_OPTIONS), [])
    with _own_environment():
        build = platform.prepare(
            BoardTop(board=board, make_core=make_core),
            DESIGN,
            emit_src=False,  # else the files would name the folder that the sources lie in
            script_after_read="\n".join(AFTER_READ),
            synth_opts=" ".join(options),
            script_after_synth="\n".join([*then, *AFTER_SYNTHESIS, *fixed_cells(sites)]),
            nextpnr_opts=[*PLACE_OPTIONS, "--freq", f"{board.clock_mhz:g}"],
        )
    files = {name: build.files[name] for name in (f"{DESIGN}.ys", f"{DESIGN}.lpf")}
    files[LIBRARY_FILE] = LIBRARY
    files[f"{DESIGN}.il"] = share_modules(build.files[f"{DESIGN}.il"])
    commands = {tool: arguments for tool, *arguments in json.loads(build.files[f"build_{DESIGN}.json"])["commands"]}
    everything = json.dumps([files, commands, versions], sort_keys=True)
    return Plan(
        board=board,
        files=files,
        commands=commands,
        clock_hz=pll.output_hz,
        design_hash=hashlib.sha256(everything.encode()).hexdigest()[:16],
    )


def design_hash(board: Board) -> str:
    """The hash of ``board``'s design, as ``vanallen synth --board`` has it in its JSON; runs no tool.

    It changes with the hardware, the board's data, the scripts and the versions of the tools.

    Raises
    ------
    BoardError, ToolMissing
        As :func:`make_plan` does.
    """
    return make_plan(board).design_hash
