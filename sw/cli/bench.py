"""``vanallen bench``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from rich.table import Table

from vanallen.rtl.config import Config, preset

from .errors import input_errors
from .options import Parser, add_command, add_config, add_seed, chosen_config
from .output import Output, new_table

if TYPE_CHECKING:
    from vanallen.sw.bench.compare import CycleCost
    from vanallen.sw.bench.cycles import WorkloadCycles

__all__ = ["add", "execute"]


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """Adds the command's parser."""
    parser = add_command(
        commands,
        "bench",
        summary="measure cycles of fixed workloads against ideal and cycle model, and the speed of simulation",
        details="Exit status 1 if a value differs or cycles aren't the cycle model's.",
        example="vanallen bench --config payload --json build/bench.json",
    )
    add_config(parser)
    add_seed(parser)
    text = "leave the speed of simulation out: cycles alone, in seconds"
    parser.add_argument("--cycles-only", action="store_true", help=text)
    text = "measure the chip with protection and without, and show what protection costs in cycles"
    parser.add_argument("--compare", action="store_true", help=text)
    parser.set_defaults(execute=execute)


def _table(config: str, workloads: Sequence[WorkloadCycles]) -> Table:
    columns = ["workload", "MACs", "cycles", "ideal", "model", "utilization", "bound by", "values"]
    table = new_table(f"Cycles on {config}", columns, text=["workload", "bound by", "values"])
    for work in workloads:
        figures = (work.macs, work.cycles, work.ideal_cycles, work.model_cycles)
        values = "equal" if work.bit_exact else "DIFFER"
        table.add_row(work.name, *(f"{figure:,}" for figure in figures), f"{work.utilization:.2%}", work.bound, values)
    return table


def _cost_table(costs: Sequence[CycleCost]) -> Table:
    columns = ["workload", "full", "none", "more"]
    table = new_table("What protection costs in cycles", columns, text=["workload"])
    for cost in costs:
        table.add_row(cost.name, f"{cost.cycles:,}", f"{cost.unprotected_cycles:,}", f"{cost.overhead:.2%}")
    return table


def _compare(name: str, protected: Sequence[WorkloadCycles], seed: int, output: Output) -> tuple[bool, dict[str, Any]]:
    """Measures the unprotected chip; whether it is good, and what to add to the results."""
    from vanallen.sw.bench.compare import cycle_costs, overhead
    from vanallen.sw.bench.cycles import measure_cycles

    with input_errors(), output.progress("Workloads without protection") as progress:
        unprotected = measure_cycles(preset(name, "none"), seed=seed, progress=progress).workloads
    costs = cycle_costs(protected, unprotected)
    output.print(_cost_table(costs))
    each = [asdict(cost) | {"overhead": cost.overhead} for cost in costs]
    good = all(work.good for work in unprotected)
    return good, {"overhead": {"cycles": overhead(costs), "workloads": each}}


def _cocotb_speed(config: Config, output: Output) -> float | None:
    """Cycles a second under cocotb; None where it isn't installed, since the demo doesn't need it."""
    if find_spec("cocotb") is None:
        output.print("simulation, cocotb: not measured, not installed: pip install cocotb cocotbext-axi")
        return None
    from vanallen.tb.speed import cocotb_speed

    return cocotb_speed(config)


def _speeds(config: Config, output: Output) -> dict[str, float | None]:
    from vanallen.sw.bench.speed import measure_in_process

    with output.progress("Speed of simulation") as progress:
        speeds = asdict(measure_in_process(config, report=output.print))
        progress(1, 2)
        speeds["cocotb"] = _cocotb_speed(config, output)
        progress(2, 2)
    return speeds


def execute(arguments: argparse.Namespace) -> int:
    """Measures, prints a table."""
    from vanallen.sw.bench.cycles import measure_cycles  # loads onnxruntime, which other commands don't need

    output = Output(json_path=arguments.json, quiet=arguments.quiet)
    config = preset(arguments.config, "full") if arguments.compare else chosen_config(arguments)
    output.print(f"config {config.name}, protection {config.protection}, seed {arguments.seed}")
    with input_errors(), output.progress("Workloads") as progress:
        report = measure_cycles(config, seed=arguments.seed, progress=progress)
    output.print(_table(config.name, report.workloads))
    for skipped in report.skipped:
        output.print(f"skipped: {skipped.name}: {skipped.reason}")
    result: dict[str, Any] = {
        "config": config.name,
        "protection": config.protection,
        "seed": arguments.seed,
        **asdict(report),
    }
    good = all(work.good for work in report.workloads)
    if arguments.compare:
        unprotected_good, cost = _compare(config.name, report.workloads, arguments.seed, output)
        good, result = good and unprotected_good, result | cost
    if not arguments.cycles_only:
        result["simulation"] = _speeds(config, output)
        for name, speed in result["simulation"].items():
            if speed is not None:
                output.print(f"simulation, {name.replace('_', ' ')}: {speed:,.0f} cycles/s")
    output.write_json(result, record=f"bench-{config.name}" if config.protected else f"bench-{config.name}-none")
    return 0 if good else 1
