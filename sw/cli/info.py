"""``vanallen info``."""

from __future__ import annotations

import argparse
from typing import Any

from rich.table import Table

from vanallen.sw.info import describe

from .options import Parser, add_command
from .output import Output, new_table

__all__ = ["add", "execute"]


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """Adds the command's parser."""
    parser = add_command(
        commands,
        "info",
        summary="show configurations, capacities, boards, injection points and the tools found",
        example="vanallen info --json -",
    )
    parser.set_defaults(execute=execute)


def _configurations(configs: list[dict[str, Any]]) -> Table:
    memories = list(configs[0]["memory_bytes"])
    columns = ["config", "array", "lanes", "MAC/cycle", *memories]
    table = new_table("Configurations, memories in KiB", columns, text=["config"])
    for config in configs:
        sizes = [f"{config['memory_bytes'][memory] / 1024:g}" for memory in memories]
        array = f"{config['rows']} x {config['columns']}"
        table.add_row(config["name"], array, str(config["lanes"]), str(config["macs_per_cycle"]), *sizes)
    return table


def _tools(tools: dict[str, str | None]) -> Table:
    table = new_table("Tools", ["tool", "version"], text=["tool", "version"])
    for name, version in tools.items():
        table.add_row(name, version or "not found")
    return table


def execute(arguments: argparse.Namespace) -> int:
    """Prints what there is; always good."""
    output = Output(json_path=arguments.json, quiet=arguments.quiet)
    result = describe()
    output.print(_configurations(result["configs"]))
    output.print(_tools(result["tools"]))
    for kind in ("boards", "injection_points"):
        names = [entry["name"] if isinstance(entry, dict) else entry for entry in result[kind]]
        output.print(f"{kind.replace('_', ' ')}: {', '.join(names) or 'none'}")
    output.write_json(result)
    return 0
