"""The command ``vanallen``: finds the command, runs it, turns errors into exit statuses.

Exit status: 0 done and good, 1 done and not good, 2 wrong usage or input, 130 interrupted. An error that is nobody's
wrong input is a defect, and keeps its traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from . import bench, campaign, export, info, prove, regress, report, run, synth
from .errors import RunFailed, UsageError
from .options import Parser

__all__ = ["main"]

COMMANDS = (info, run, bench, regress, campaign, prove, synth, export, report)


def _parser() -> Parser:
    parser = Parser(
        prog="vanallen",
        description="An int8 systolic matrix accelerator for satellites: compile models, run them on the simulated "
        "chip, measure and test it.",
        epilog="`vanallen COMMAND --help` shows a command's options and an example.",
    )
    parser.add_argument("--version", action="version", version=f"vanallen {version('vanallen')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for command in COMMANDS:
        command.add(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line (without the program's name; ``sys.argv`` by default) and returns its exit status."""
    parsed = _parser().parse_args(arguments)
    try:
        status: int = parsed.execute(parsed)
        sys.stdout.flush()
    except UsageError as error:
        print(f"vanallen: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except RunFailed as error:
        print(f"vanallen: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("vanallen: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of standard output went away: nothing more can be said there, not even by the interpreter's exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status
