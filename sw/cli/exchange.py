"""``vanallen campaign load``, ``status`` and ``read-back``."""

from __future__ import annotations

import argparse
from typing import Any

from .errors import UsageError
from .options import chosen_config, chosen_name
from .output import Output, new_table

__all__ = ["execute_exchange"]

SHOWN = 15
"""Flips with failures that are shown."""

_MEANING = {
    "hang": "the chip didn't answer",
    "due": "the driver raised an error",
    "sdc": "the host got something else, or a RAM holds something else, and no error",
    "late": "right, something was done once more",
    "latent": "right, a word has a wrong bit that its next read corrects",
    "masked": "as without the flip",
}


def execute_exchange(arguments: argparse.Namespace) -> int:
    """Runs one of the exchanges and prints what it counted."""
    from vanallen.sw.driver import ToolMissing
    from vanallen.tb.faults.exchange import exchange  # loads Amaranth, which other commands don't need
    from vanallen.tb.faults.outcome import Outcome

    output = Output(json_path=arguments.json, quiet=arguments.quiet)
    config, name = chosen_config(arguments), arguments.name
    output.print(f"{name} on {config.name}, protection {config.protection}, seed {arguments.seed}")
    try:
        with output.progress("Flips") as progress:
            result = exchange(config, name, sample=arguments.sample or None, seed=arguments.seed, progress=progress,
                              report=output.print)  # fmt: skip
    except ToolMissing as error:
        raise UsageError(str(error)) from error
    counts = {outcome.name.lower(): number for outcome, number in result.counts().items()}
    injected, space = len(result.numbers), result.space.bits * result.cycles
    output.print(f"{result.space.bits:,} bits at {result.cycles} cycles: {space:,} flips, {injected:,} run")
    table = new_table("What became of them", ["class", "flips", ""], text=["class", ""])
    for key, meaning in _MEANING.items():
        table.add_row(key, f"{counts[key]:,}", meaning)
    output.print(table)
    bad = [place for outcome in (Outcome.HANG, Outcome.DUE, Outcome.SDC) for place in result.places(outcome)]
    for register, bit, cycle in bad[:SHOWN]:
        output.print(f"{register}, bit {bit}, cycle {cycle}")
    found: dict[str, Any] = {
        "name": name, "config": config.name, "protection": config.protection, "seed": arguments.seed,
        "design_hash": result.design_hash, "space": space, "injected": injected, "simulated": injected, "inferred": 0,
        "exhaustive": injected == space, "outcomes": counts, "false_alarms": 0, "seconds": result.seconds,
        "faults_per_s": injected / result.seconds, "expectation_met": not bad,
    }  # fmt: skip
    output.write_json(found, record=f"campaign-{name}-{chosen_name(arguments)}")
    return 1 if bad else 0
