"""``vanallen regress``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.table import Table

from vanallen.rtl.technology import Technology

from .errors import UsageError, input_errors
from .netlist import execute_netlist
from .options import Parser, add_command, add_config, add_seed, chosen_config, chosen_name, natural, positive
from .output import Output, new_table

__all__ = ["add", "execute", "show"]


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """Adds the command's parser."""
    parser = add_command(
        commands,
        "regress",
        summary="run the cocotb regressions of the chip against the golden model",
        details="Exit status 1 if a case fails, a hand-made mutant survives, or of the drawn mutants that aren't shown "
        "equivalent fewer than 97 % are killed.",
        example="vanallen regress --config nano --sim verilator -k padding --waves",
    )
    add_config(parser)
    add_seed(parser)
    parser.add_argument(
        "--sim", choices=("verilator", "icarus"), default="verilator", help="simulator (default verilator)"
    )
    parser.add_argument(
        "--technology", choices=[entry.value for entry in Technology], default=Technology.GENERIC.value,
        help="form of the multipliers: ecp5 has models of its DSP blocks (default generic)",
    )  # fmt: skip
    parser.add_argument("-k", dest="filter", metavar="TEXT", default="", help="only the cases whose name contains TEXT")
    parser.add_argument("--waves", action="store_true", help="write waves under build/")
    parser.add_argument(
        "--mutants",
        action="store_true",
        help="put faults into the hardware, made by hand and drawn, or into the protection of a protected chip: they "
        "must be caught",
    )
    parser.add_argument(
        "--drawn", metavar="N", type=natural, default=150, help="mutants drawn with the seed (default 150)"
    )
    parser.add_argument(
        "--jobs", metavar="N", type=positive, default=2, help="cases or mutants that run at a time (default 2)"
    )
    parser.add_argument(
        "--netlist", action="store_true", help="run one layer on the chip synthesized for ECP5 instead (minutes)"
    )
    parser.set_defaults(execute=execute)


def _cases(cases: list[dict[str, Any]]) -> Table:
    table = new_table("Cases", ["case", "seed", "seconds", "outcome"], text=["case", "outcome"])
    for case in cases:
        table.add_row(case["name"], str(case["seed"]), f"{case['seconds']:.1f}", case["outcome"])
    return table


COVERAGE_WANTED = 0.95
"""Share of the coverage points that a regression without a filter must hit."""


def _blocks(outcomes: list[dict[str, Any]]) -> Table:
    names = ("killed", "equivalent", "survived")
    table = new_table("Drawn mutants", ["block", *names], text=["block"])
    for block in sorted({outcome["block"] for outcome in outcomes}):
        verdicts = [outcome["verdict"] for outcome in outcomes if outcome["block"] == block]
        table.add_row(block, *(str(verdicts.count(name)) for name in names))
    return table


def _show_mutants(output: Output, mutants: Mapping[str, Any]) -> None:
    if mutants["drawn"]:
        output.print(_blocks(list(mutants["drawn"])))
    output.print(
        f"mutants: {mutants['killed']} of {mutants['total']} killed, {len(mutants['equivalent'])} shown equivalent, "
        f"{len(mutants['survivors'])} survived; {mutants['seconds']:.0f} s"
    )
    for outcome in (*mutants["hand"], *mutants["drawn"]):
        by = f": {outcome['by']}" if outcome["by"] else ""
        if outcome["verdict"] != "killed":
            output.print(f"{outcome['verdict']}: {outcome['name']} ({outcome['source']}){by}")
        elif by and outcome in mutants["hand"]:
            output.print(f"killed: {outcome['name']}{by}")


def show(output: Output, result: Mapping[str, Any]) -> int:
    """Prints a regression's outcome (a ``RegressResult`` as a dictionary) and returns the exit status."""
    coverage, mutants = result["coverage"], result["mutants"]
    if result["cases"]:
        output.print(_cases(result["cases"]))
        output.print(f"coverage: {coverage['hit']} of {coverage['points']} points")
    if coverage["missed"]:
        output.print(f"missed: {', '.join(coverage['missed'])}")
    if mutants:
        _show_mutants(output, mutants)
    output.print(f"{result['passed']} passed, {result['failed']} failed")
    uncovered = not result["filter"] and coverage["hit"] < COVERAGE_WANTED * coverage["points"]
    return 1 if result["failed"] or (mutants and not mutants["good"]) or uncovered else 0


def execute(arguments: argparse.Namespace) -> int:
    """Runs the cases (or the mutants) and prints outcomes and coverage."""
    if arguments.netlist:
        return execute_netlist(arguments, Output(json_path=arguments.json, quiet=arguments.quiet))
    from vanallen.tb.mutants.yosys import YosysFailed
    from vanallen.tb.regress import regress  # loads Amaranth and cocotb, which other commands don't need
    from vanallen.tb.runner import BuildFailed, SimulatorMissing

    output = Output(json_path=arguments.json, quiet=arguments.quiet)
    chip = f"config {arguments.config}, protection {arguments.protection}, technology {arguments.technology}"
    output.print(f"{chip}, simulator {arguments.sim}, seed {arguments.seed}")
    try:
        with input_errors(), output.progress("Regression") as progress:
            outcome = regress(
                chosen_config(arguments),
                sim=arguments.sim,
                technology=Technology(arguments.technology),
                filter=arguments.filter,
                waves=arguments.waves,
                seed=arguments.seed,
                mutants=arguments.mutants,
                drawn=arguments.drawn,
                jobs=arguments.jobs,
                progress=progress,
            )
    except (ValueError, BuildFailed, SimulatorMissing, YosysFailed) as error:
        raise UsageError(str(error)) from error
    result = {
        "config": arguments.config,
        "protection": arguments.protection,
        "sim": arguments.sim,
        "technology": arguments.technology,
        "seed": arguments.seed,
        "filter": arguments.filter,
        **asdict(outcome),
    }
    status = show(output, result)
    what = "mutants" if arguments.mutants else arguments.sim
    # A part of the cases says nothing of the whole: it doesn't take the place of an earlier result.
    output.write_json(result, record=None if arguments.filter else f"regress-{chosen_name(arguments)}-{what}")
    return status
