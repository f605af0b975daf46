"""``vanallen prove``."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from rich.table import Table

from vanallen.rtl.config import PRESETS

from .errors import UsageError, input_errors
from .options import Parser, add_command, add_protection, add_seed, chosen_config, positive
from .output import Output, new_table

__all__ = ["add", "execute", "show"]

DEFAULT_CONFIG = "nano"


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """Adds the command's parser."""
    parser = add_command(
        commands,
        "prove",
        summary="prove rules of the hardware formally",
        details="Exit status 1 if a proof fails; a counterexample is then a VCD file, which is named. "
        "What was proven of the same design by the same tools isn't proven again.",
        example="vanallen prove --config nano -k axi --json -",
    )
    text = f"configuration of the chip: {', '.join(PRESETS)} (default {DEFAULT_CONFIG})"
    parser.add_argument("--config", metavar="NAME", choices=list(PRESETS), default=DEFAULT_CONFIG, help=text)
    add_protection(parser)
    add_seed(parser)
    parser.add_argument("-k", dest="filter", metavar="TEXT", default="", help="only the proofs whose name has TEXT")
    parser.add_argument("--force", action="store_true", help="prove again what was proven before")
    parser.add_argument("--jobs", metavar="N", type=positive, default=2, help="proofs at a time (default 2)")
    parser.add_argument(
        "--limit", metavar="SECONDS", type=positive, default=600, help="time a proof may take (default 600)"
    )
    parser.add_argument(
        "--vectors", metavar="N", type=positive, default=10_000_000, help="random vectors (default 10000000)"
    )
    parser.set_defaults(execute=execute)


def _table(results: list[dict[str, Any]]) -> Table:
    table = new_table("Proofs", ["proof", "mode", "depth", "seconds", "outcome"], text=["proof", "mode", "outcome"])
    for result in results:
        known = " (known)" if result["cached"] else ""
        table.add_row(result["name"], result["mode"], str(result["depth"]), f"{result['seconds']:.1f}",
                      result["outcome"] + known)  # fmt: skip
    return table


def show(output: Output, results: list[dict[str, Any]]) -> int:
    """Prints the outcomes and returns the exit status."""
    output.print(_table(results))
    failed = [result for result in results if result["outcome"] != "pass"]
    for result in failed:
        output.print(f"{result['name']}: {result['reason']}")
        if result["trace"]:
            output.print(f"  counterexample: {result['trace']}")
    output.print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def execute(arguments: argparse.Namespace) -> int:
    """Proves, and prints outcomes."""
    from vanallen.tb.formal.prove import prove  # loads Amaranth, which other commands don't need
    from vanallen.tb.formal.solver import SolverMissing

    output = Output(json_path=arguments.json, quiet=arguments.quiet)
    output.print(f"config {arguments.config}, protection {arguments.protection}, seed {arguments.seed}")
    try:
        with input_errors(), output.progress("Proofs") as progress:
            found = prove(
                chosen_config(arguments),
                text=arguments.filter,
                jobs=arguments.jobs,
                limit=arguments.limit,
                force=arguments.force,
                seed=arguments.seed,
                vectors=arguments.vectors,
                progress=progress,
            )
    except (ValueError, SolverMissing) as error:
        raise UsageError(str(error)) from error
    results = [asdict(result) for result in found]
    status = show(output, results)
    found_all = {"config": arguments.config, "protection": arguments.protection, "seed": arguments.seed,
                 "proofs": results}  # fmt: skip
    output.write_json(found_all, record=None if arguments.filter else "prove")
    return status
