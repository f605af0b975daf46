"""``vanallen synth``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from rich.table import Table

from vanallen.boards.catalog import BOARDS
from vanallen.rtl.config import DEFAULT_PROTECTION, PRESETS, chip_name, preset

from .errors import UsageError
from .options import Parser, add_command, add_protection, positive
from .output import Output, new_table

if TYPE_CHECKING:
    from vanallen.boards.board import Board
    from vanallen.synth.area import Area
    from vanallen.synth.audit import Audit
    from vanallen.synth.bitstream import Bitstream
    from vanallen.synth.compare import Comparison
    from vanallen.synth.compare_board import BoardComparison

__all__ = ["add", "execute"]

TABLE_DEPTH = 2
"""Modules that lie deeper in the hierarchy are in the JSON alone."""


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """Adds the command's parser."""
    parser = add_command(
        commands,
        "synth",
        summary="make a board's bitstream, or measure the chip's area in gates; without an option list the boards",
        details="Exit status 1 if the bitstream misses its clock, or if the netlist of a protected chip lacks "
        "something that must be there three times. Finished steps are kept under build/synth.",
        example="vanallen synth --board ulx3s-85f --seeds 8",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--board", metavar="NAME", help=f"{', '.join(BOARDS)}, or a Python file that describes a board")
    what.add_argument("--no-place", action="store_true", help="gate equivalents by module, without placement")
    text = f"with --no-place: one configuration, {', '.join(PRESETS)} (default all)"
    parser.add_argument("--config", metavar="NAME", choices=list(PRESETS), help=text)
    add_protection(parser, default=None, meaning=f"the board's; with --no-place {DEFAULT_PROTECTION}, "
                   "with --audit full")  # fmt: skip
    text = "with --board or --no-place: with and without protection, side by side"
    parser.add_argument("--compare", action="store_true", help=text)
    text = "insist on the audit of the netlist, which every protected build has anyway"
    parser.add_argument("--audit", action="store_true", help=text)
    text = "place and route with seeds 1 to N; the fastest becomes the bitstream (default 1)"
    parser.add_argument("--seeds", metavar="N", type=positive, help=text)
    parser.add_argument("--jobs", metavar="N", type=positive, help="seeds at a time (default: the number of cores)")
    text = "stop a tool after so many seconds (default 1800)"
    parser.add_argument("--time-limit", metavar="SECONDS", type=positive, help=text)
    parser.set_defaults(execute=execute)


@contextmanager
def _tool_errors() -> Iterator[None]:
    from vanallen.synth.errors import BoardError, TimeLimit, ToolFailed, ToolMissing

    try:
        yield
    except (BoardError, TimeLimit, ToolFailed, ToolMissing) as error:
        raise UsageError(str(error)) from error


def _check(arguments: argparse.Namespace) -> None:
    """Options that don't go together."""
    for option in ("seeds", "jobs", "time_limit"):
        if getattr(arguments, option) is not None and arguments.board is None:
            raise UsageError(f"--{option.replace('_', '-')} goes with --board: name one of {', '.join(BOARDS)}")
    if arguments.audit and arguments.board is None and not arguments.no_place:
        raise UsageError("--audit goes with --no-place, or with --board: name one of " + ", ".join(BOARDS))
    if arguments.audit and arguments.protection == "none":
        raise UsageError("--audit looks for what a protected chip has three times: it goes with --protection full")
    if arguments.compare and arguments.board is None and not arguments.no_place:
        raise UsageError("--compare goes with --no-place, or with --board: name one of " + ", ".join(BOARDS))
    if arguments.compare and arguments.protection is not None:
        raise UsageError("--compare makes both: it goes without --protection")
    if arguments.config is not None and not arguments.no_place:
        raise UsageError("--config goes with --no-place; a board has its configuration, see vanallen synth")


def _boards() -> Table:
    columns = ["board", "device", "speed grade", "config", "protection", "clock MHz"]
    table = new_table("Boards (vanallen synth --board NAME)", columns, text=["board", "device", "config", "protection"])
    for board in BOARDS.values():
        table.add_row(board.name, board.device, board.speed, board.config, board.protection, f"{board.clock_mhz:g}")
    return table


def _modules(area: Area) -> Table:
    title = f"{area.config}: {area.gates:,.0f} gate equivalents (NAND2 = 1), memories left out"
    table = new_table(title, ["module", "of them", "gates", "each", "flip-flops", "memory bits"], text=["module"])
    for module in area.modules:
        if module.path.count(".") < TABLE_DEPTH:
            figures = (module.count, module.gates, module.gates / module.count, module.flip_flops, module.memory_bits)
            table.add_row(module.path or "the chip", *(f"{figure:,.0f}" for figure in figures))
    return table


def _mechanisms(found: Comparison) -> Table:
    more = found.overhead
    title = f"{found.config}: {more['gates']:.1%} more gates, {more['memory_bits']:.1%} more memory bits"
    table = new_table(title, ["what protects", "none", "full", "more"], text=["what protects"])
    for part in found.mechanisms:
        table.add_row(part.name, f"{part.none:,.0f}", f"{part.full:,.0f}", f"{part.share:.1%}")
    table.add_row("the chip", f"{found.none.gates:,.0f}", f"{found.full.gates:,.0f}", f"{found.overhead['gates']:.1%}")
    return table


def _audit_lines(audit: Audit | None, config: str) -> list[str]:
    """What an audit found: a line, and a sentence a failure. Nothing of an unprotected chip."""
    if audit is None:
        return []
    count = len(audit.failures)
    verdict = f"{count} failure{'s' if count > 1 else ''}:" if count else "sound"
    return [f"audit of {config}: {audit.registers:,} registers of copies, {audit.voters:,} voters, "
            f"{len(audit.listed_inputs)} listed inputs: {verdict}", *audit.failures]  # fmt: skip


def _compare(names: Sequence[str], output: Output) -> int:
    from vanallen.synth.compare import compare_areas  # loads Amaranth, which other commands don't need

    comparisons = []
    with _tool_errors(), output.progress("Gate equivalents") as progress:
        for index, name in enumerate(names):
            progress(index, len(names))
            comparisons.append(compare_areas(name, say=output.print))
    for found in comparisons:
        output.print(_mechanisms(found))
        for line in _audit_lines(found.audit, found.config):
            output.print(line)
    configs = [asdict(found) for found in comparisons]
    one = configs[0] if len(configs) == 1 else {}
    output.write_json({**one, "configs": configs}, record=f"synth-compare-{names[0] if one else 'all'}")
    return _status(found.audit for found in comparisons)


def _status(audits: Iterable[Audit | None]) -> int:
    """The exit status that audits ask for."""
    return int(any(audit is not None and audit.failures for audit in audits))


def _no_place(names: Sequence[str], protection: str, output: Output) -> int:
    from vanallen.synth.area import measure_area  # loads Amaranth, which other commands don't need

    areas = []
    with _tool_errors(), output.progress("Gate equivalents") as progress:
        for index, name in enumerate(names):
            progress(index, len(names))
            areas.append(measure_area(preset(name, protection), say=output.print))
    for area in areas:
        output.print(_modules(area))
        for line in _audit_lines(area.audit, area.config):
            output.print(line)
    configs = [{**asdict(area), "protection": protection} for area in areas]
    one = configs[0] if len(configs) == 1 else {}
    output.write_json({**one, "configs": configs}, record=f"synth-area-{names[0] if one else 'all'}-{protection}")
    return _status(area.audit for area in areas)


def _lines(result: Bitstream) -> list[str]:
    lines = []
    if result.resources and result.available:
        parts = (f"{name.upper()} {used:,} of {result.available[name]:,}" for name, used in result.resources.items())
        lines.append(f"{', '.join(parts)}")
    if result.gates is not None:
        lines.append(f"{result.gates:,.0f} gate equivalents, {result.peak_gops:g} GOPS peak")
    if result.fmax_mhz:
        low, middle, high = (f"{result.fmax_mhz[name]:.1f}" for name in ("min", "median", "max"))
        seeds, stopped = len(result.seeds), sum(seed.fmax_mhz is None for seed in result.seeds)
        left = f", {stopped} stopped at the time limit" if stopped else ""
        lines.append(f"fmax of {seeds} seed{'s' if seeds > 1 else ''}: {low} to {high} MHz, median {middle}{left}")
    lines += _audit_lines(result.audit, result.config)
    path = result.critical_path
    if path:
        lines.append(f"critical path: {path.start} -> {path.end}, {path.logic_ns + path.routing_ns:.2f} ns "
                     f"({path.logic_ns:.2f} logic, {path.routing_ns:.2f} wires)")  # fmt: skip
        lines.append(f"  by way of {' -> '.join(hop.signal for hop in path.hops)}")
    lines.append("time: " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in result.seconds.items()))
    verdict = "met" if result.met else "MISSED"
    lines.append(f"{result.target_mhz:g} MHz {verdict}; bitstream: {result.bitstream or 'none, no seed ended in time'}")
    return lines


def _sides(found: BoardComparison) -> Table:
    """With and without protection, side by side."""
    none, full = found.none, found.full
    title = f"{full.board}, {full.config}: what protection costs"
    table = new_table(title, ["", "none", "full", "more"], text=[""])
    for name, more in found.overhead.items():
        before, after = (
            f"{side.fmax_mhz['median']:.1f} MHz" if name == "fmax" and side.fmax_mhz
            else f"{side.gates if name == 'gates' else (side.resources or {})[name]:,.0f}" for side in (none, full)
        )  # fmt: skip
        table.add_row("Fmax, median" if name == "fmax" else name.upper(), before, after, f"{more:+.1%}")
    return table


def _board(arguments: argparse.Namespace, output: Output) -> int:
    from vanallen.synth.bitstream import TIME_LIMIT, build_bitstream  # loads Amaranth
    from vanallen.synth.compare_board import compare_bitstreams
    from vanallen.synth.errors import AuditFailed
    from vanallen.synth.find_board import find_board

    options: dict[str, Any] = {
        "seeds": arguments.seeds or 1, "jobs": arguments.jobs, "time_limit": arguments.time_limit or TIME_LIMIT,
        "say": output.print,
    }  # fmt: skip
    with _tool_errors(), output.progress(f"Bitstream of {arguments.board}") as progress:
        board = find_board(arguments.board)
        if arguments.protection is not None:
            board = replace(board, protection=arguments.protection)
        if arguments.audit and board.protection == "none":
            raise UsageError(f"--audit looks for what a protected chip has three times: {board.name} has "
                             "--protection none, say --protection full")  # fmt: skip
        kinds = "none and full" if arguments.compare else board.protection
        output.print(
            f"board {board.name}: {board.config} on {board.device}, {board.clock_mhz:g} MHz, protection {kinds}"
        )
        try:
            if arguments.compare:
                return _compared(compare_bitstreams(board, progress=progress, **options), output)
            result = build_bitstream(board, progress=progress, **options)
        except AuditFailed as failed:
            return _unsound(board, failed.audit, output)
    for line in _lines(result):
        output.print(line)
    output.write_json(asdict(result), record=f"synth-{chip_name(board.name, board.protection)}")
    return 0 if result.met else 1


def _compared(found: BoardComparison, output: Output) -> int:
    """Both bitstreams; the exit status is that of the protected one."""
    for result in (found.none, found.full):
        output.print(f"protection {result.protection}")
        for line in _lines(result):
            output.print(f"  {line}")
    output.print(_sides(found))
    output.write_json({**asdict(found.full), **asdict(found)}, record=f"synth-compare-{found.full.board}")
    return 0 if found.full.met else 1


def _unsound(board: Board, audit: Audit, output: Output) -> int:
    """Says why there is no bitstream."""
    for line in _audit_lines(audit, board.config):
        output.print(line)
    output.print("no bitstream is made of such a netlist")
    output.write_json({"board": board.name, "config": board.config, "protection": board.protection, "bitstream": None,
                       "met": False, "audit": asdict(audit)})  # fmt: skip
    return 1


def execute(arguments: argparse.Namespace) -> int:
    """Makes the bitstream, measures the area, or lists the boards."""
    output = Output(json_path=arguments.json, quiet=arguments.quiet)
    _check(arguments)
    if arguments.board is not None:
        return _board(arguments, output)
    if arguments.no_place:
        names = [arguments.config] if arguments.config else list(PRESETS)
        if arguments.compare:
            return _compare(names, output)
        protection = arguments.protection or ("full" if arguments.audit else DEFAULT_PROTECTION)
        return _no_place(names, protection, output)
    output.print(_boards())
    output.write_json({"boards": [asdict(board) for board in BOARDS.values()]})
    return 0
