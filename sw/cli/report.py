"""``vanallen report``."""

from __future__ import annotations

import argparse
from pathlib import Path

from .errors import UsageError, input_errors
from .options import Parser, add_command
from .output import Output

__all__ = ["add", "execute"]

DEFAULT = Path("build/report.html")


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """Adds the command's parser."""
    parser = add_command(
        commands,
        "report",
        summary="write one self-contained HTML page of what is under build/",
        details="What wasn't measured is named with the command that measures it.",
        example="vanallen report -o build/report.html",
    )
    text = f"the file to write (default {DEFAULT})"
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, default=DEFAULT, help=text)
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Writes the page and names it."""
    from vanallen.sw.report import write_page  # loads onnxruntime, which other commands don't need

    output = Output(json_path=arguments.json, quiet=arguments.quiet)
    with input_errors(), output.progress("Writing the page"):
        try:
            page = write_page(arguments.output)
        except ValueError as error:
            raise UsageError(str(error)) from error
    for line in page.unreadable:
        output.print(f"left out: {line}")
    for kind, command in page.missing.items():
        output.print(f"not there yet: {kind}: {command}")
    output.print(f"page: {page.path}, {page.bytes:,} bytes")
    output.write_json(
        {"path": str(page.path), "bytes": page.bytes, "missing": page.missing, "unreadable": page.unreadable}
    )
    return 0
