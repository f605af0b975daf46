"""``vanallen campaign``."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from .errors import UsageError
from .exchange import execute_exchange
from .options import Parser, add_command, add_config, add_seed, chosen_config, chosen_name, natural, positive
from .output import Output, new_table
from .storm import execute_storm

if TYPE_CHECKING:
    from vanallen.tb.faults.replays import Alarm

__all__ = ["add", "execute"]

CAMPAIGNS = {
    "exhaustive-seu": "single flips of flip-flops: every bit at every cycle of the job",
    "memories": "single flips of memory bits, drawn",
    "load": "single flips of flip-flops while the host loads rows",
    "status": "the same while it reads the status",
    "read-back": "the same while it reads rows back",
    "storm": "a bit of anything every few thousand cycles, while the chip classifies images",
}
"""The campaigns there are, and what they flip."""

LAYERS = ("dense", "diagonal")
RESULTS = Path("build/campaigns")
SHOWN = 15
"""Registers with failures that are shown."""


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """Adds the command's parser."""
    parser = add_command(
        commands,
        "campaign",
        summary="flip bits of the chip while it runs a layer or a network, and count what becomes of it",
        details="A Verilator model is run again for each flip, with the job and with the same job a second time. Exit "
        "status 1 if a flip leads to a wrong output, a hang or an abort. What is done is kept: the same command goes "
        "on where it was interrupted. A storm is one run of the digits network: exit status 1 if an answer is wrong, "
        "or more than two images have none.",
        example="vanallen campaign exhaustive-seu --config nano --protection full --layer diagonal --sample 20000",
    )
    parser.add_argument("name", metavar="NAME", choices=list(CAMPAIGNS), help=", ".join(
        f"{name} ({what})" for name, what in CAMPAIGNS.items()))  # fmt: skip
    add_config(parser)
    add_seed(parser)
    parser.add_argument("--layer", choices=LAYERS, help="weights of the layer (default dense)")
    text = "flips drawn with the seed; 0 takes all (default: all flip-flops, 20000 memory bits)"
    parser.add_argument("--sample", metavar="N", type=natural, help=text)
    parser.add_argument("--jobs", metavar="N", type=positive, help="models that run at a time (default 2)")
    parser.add_argument("--every", metavar="N", type=positive, help="storm: cycles from flip to flip (default 2000)")
    text = "storm: flip bits of flip-flops only, or of memories only (default: all alike)"
    parser.add_argument("--only", choices=["registers", "memories"], help=text)
    parser.add_argument("--images", metavar="N", type=positive, help="storm: the first N images (default all, 360)")
    parser.set_defaults(execute=execute)


def _table(title: str, counts: dict[str, int], total: int) -> Table:
    table = new_table(title, ["class", "flips", "share"], text=["class"])
    for name, number in counts.items():
        table.add_row(name, f"{number:,}", f"{number / total:.4%}")
    return table


def _alarm_table(alarms: Sequence[Alarm]) -> Table:
    columns = ["what the chip found first", "begun again or given up", "only right words written"]
    table = new_table("Alarms", columns, text=columns[:1])
    for alarm in alarms:
        table.add_row(alarm.cause, f"{alarm.faults:,}", f"{alarm.false:,}")
    return table


_OPTIONS = {
    "storm": {"every", "images", "only"},
    **{name: {"sample"} for name in ("load", "status", "read-back")},
    **{name: {"layer", "sample", "jobs"} for name in ("exhaustive-seu", "memories")},
}
"""Those that not every campaign has."""


def execute(arguments: argparse.Namespace) -> int:
    """Runs the campaign and prints what it counted."""
    for option in sorted(set.union(*_OPTIONS.values()) - _OPTIONS[arguments.name]):
        if getattr(arguments, option) is not None:
            raise UsageError(f"--{option} is no option of the campaign {arguments.name}: leave it out")
    if arguments.name == "storm":
        return execute_storm(arguments)
    if "layer" not in _OPTIONS[arguments.name]:
        return execute_exchange(arguments)
    arguments.layer = arguments.layer or "dense"
    return _execute(arguments)


def _execute(arguments: argparse.Namespace) -> int:
    from vanallen.tb.faults.count import count, make_campaign  # loads Amaranth, which other commands don't need
    from vanallen.tb.faults.layers import LAYERS as JOBS
    from vanallen.tb.faults.model import ScriptFailed
    from vanallen.tb.faults.outcome import Outcome

    output = Output(json_path=arguments.json, quiet=arguments.quiet)
    config, memories = chosen_config(arguments), arguments.name == "memories"
    output.print(
        f"config {config.name}, protection {config.protection}, layer {arguments.layer}, seed {arguments.seed}"
    )
    try:
        campaign = make_campaign(config, JOBS[arguments.layer](config), memories=memories, report=output.print)
    except ScriptFailed as error:
        raise UsageError(str(error)) from error
    space = campaign.space
    sample = arguments.sample if arguments.sample is not None else 20_000 if memories else 0
    output.print(
        f"{space.bits:,} bits at {space.cycles} cycles: {space.faults:,} flips, {sample or space.faults:,} run"
    )
    with output.progress("Flips") as progress:
        result = count(campaign, sample=sample or None, seed=arguments.seed, jobs=arguments.jobs or 2, folder=RESULTS,
                       progress=progress)  # fmt: skip
    counts = {outcome.name.lower(): number for outcome, number in result.counts().items()}
    injected = len(result.numbers)
    output.print(_table("What became of them", counts, injected))
    alarms = result.alarms()
    if alarms:
        output.print(_alarm_table(alarms))
    bad = (Outcome.HANG, Outcome.DUE, Outcome.SDC)
    modules: list[dict[str, Any]] = []
    for name, found_there in result.by_register().items():
        modules.append({"name": name, **{outcome.name.lower(): number for outcome, number in found_there.items()}})
    worst = sorted(modules, key=lambda row: -sum(int(row[outcome.name.lower()]) for outcome in bad))[:SHOWN]
    for row in worst:
        failures = {outcome.name.lower(): row[outcome.name.lower()] for outcome in bad if row[outcome.name.lower()]}
        if failures:
            output.print(f"{row['name']}: {', '.join(f'{number} {name}' for name, number in failures.items())}")
    met = not any(counts[outcome.name.lower()] for outcome in bad)
    output.print(f"{result.seconds:.0f} s, {injected / result.seconds:,.0f} flips a second")
    path = RESULTS / f"{arguments.name}-{chosen_name(arguments)}-{arguments.layer}-{arguments.seed}-{sample}.npz"
    result.save(path)
    inferred = int(result.records["inferred"].sum())
    found: dict[str, Any] = {
        "name": arguments.name, "config": config.name, "protection": config.protection, "layer": arguments.layer,
        "seed": arguments.seed, "design_hash": campaign.key, "space": space.faults, "injected": injected,
        "simulated": injected - inferred, "inferred": inferred, "exhaustive": injected == space.faults,
        "outcomes": counts, "false_alarms": sum(alarm.false for alarm in alarms),
        "alarms": [asdict(alarm) for alarm in alarms],
        "sdc_or_hang_upper_95": _upper(counts["sdc"] + counts["hang"], injected, space.faults),
        "seconds": result.seconds, "faults_per_s": injected / result.seconds, "modules": modules,
        "expectation_met": met, "results": str(path),
    }  # fmt: skip
    output.write_json(found, record=f"campaign-{arguments.name}-{chosen_name(arguments)}-{arguments.layer}")
    return 0 if met else 1


def _upper(failures: int, injected: int, space: int) -> float:
    """The upper end of the 95 % interval of the share of failures; exact if all were run.

    Zero in n: 1 - 0.05^(1/n) (Clopper-Pearson, one-sided); else Wilson's score interval (Journal of the American
    Statistical Association 22, 1927).
    """
    if injected == space:
        return failures / injected
    if not failures:
        return 1 - math.exp(math.log(0.05) / injected)
    z, share = 1.959964, failures / injected
    spread: float = math.sqrt(share * (1 - share) / injected + (z / injected) ** 2 / 4)
    return (share + z * z / (2 * injected) + z * spread) / (1 + z * z / injected)
