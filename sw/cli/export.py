"""``vanallen export``."""

from __future__ import annotations

import argparse
from pathlib import Path

from .errors import UsageError
from .options import Parser, add_command, add_config, chosen_config, chosen_name
from .output import Output

__all__ = ["add", "execute"]


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """Adds the command's parser."""
    parser = add_command(
        commands,
        "export",
        summary="write the Verilog, C header, register map, IP-XACT and port list of a configuration",
        details="The files are byte-identical on every run. IP-XACT and the page of the registers need PeakRDL, the "
        "extra `registers`; without it they are left out, and a line says so.",
        example="vanallen export --config cubesat -o build/export/cubesat",
    )
    add_config(parser)
    parser.add_argument("-o", "--output", metavar="DIR", help="where to write (default build/export/NAME)")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Writes the files and names them."""
    from vanallen.sw.export.bundle import REGISTER_TOOLS, export  # loads Amaranth, which other commands don't need

    output = Output(json_path=arguments.json, quiet=arguments.quiet)
    directory = Path(arguments.output or f"build/export/{chosen_name(arguments)}")
    with output.progress(f"Writing {arguments.config}"):
        try:
            result = export(chosen_config(arguments), directory)
        except OSError as error:
            raise UsageError(
                f"cannot write into {directory}: {error.strerror}; name another directory with -o"
            ) from error
    for path in result.files:
        output.print(f"{path}  {path.stat().st_size} bytes")
    for name in result.skipped:
        output.print(f"{name}: not written, not installed: pip install {' '.join(REGISTER_TOOLS.values())}")
    output.write_json({"files": [str(path) for path in result.files], "skipped": list(result.skipped)})
    return 0
