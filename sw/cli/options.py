"""The parser of every command, and the options that commands share."""

from __future__ import annotations

import argparse
import textwrap
from typing import NoReturn

from vanallen.rtl.config import DEFAULT_PROTECTION, PRESETS, Config, chip_name, preset

__all__ = ["Parser", "add_command", "add_config", "add_protection", "add_seed", "chosen_config", "chosen_name",
           "natural", "positive"]  # fmt: skip

DEFAULT_CONFIG = "cubesat"


class Parser(argparse.ArgumentParser):
    """An argument parser that says what is wrong in one line, with exit status 2."""

    def error(self, message: str) -> NoReturn:
        """Ends the program."""
        self.exit(2, f"{self.prog}: {' '.join(message.split())} (see {self.prog} --help)\n")


def add_command(
    commands: argparse._SubParsersAction[Parser], name: str, *, summary: str, example: str, details: str = ""
) -> Parser:
    """A command's parser, with the options that every command has and ``example`` at the end of its help."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=textwrap.fill(f"{summary[0].upper()}{summary[1:]}. {details}".strip(), width=78),
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", metavar="FILE", help="write the results as JSON into FILE; - is standard output")
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    return parser


def add_config(parser: Parser) -> None:
    """``--config NAME``: a preset."""
    text = f"configuration of the chip: {', '.join(PRESETS)} (default {DEFAULT_CONFIG})"
    parser.add_argument("--config", metavar="NAME", choices=list(PRESETS), default=DEFAULT_CONFIG, help=text)
    add_protection(parser)


def add_protection(
    parser: Parser, *, default: str | None = DEFAULT_PROTECTION, meaning: str = DEFAULT_PROTECTION
) -> None:
    """``--protection full|none``; ``meaning`` says in the help what the default is."""
    text = f"what the chip is protected by: full or none (default {meaning})"
    parser.add_argument("--protection", choices=["full", "none"], default=default, help=text)


def chosen_config(arguments: argparse.Namespace) -> Config:
    """The configuration that ``--config`` and ``--protection`` name."""
    return preset(arguments.config, arguments.protection)


def chosen_name(arguments: argparse.Namespace) -> str:
    """What the results of that configuration are kept under."""
    return chip_name(arguments.config, arguments.protection)


def natural(text: str) -> int:
    """An integer from 0, for argparse."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"must be an integer from 0, not {text!r}")
    return int(text)


def positive(text: str) -> int:
    """An integer from 1, for argparse."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be an integer from 1, not {text!r}")
    return int(text)


def add_seed(parser: Parser, default: int = 1) -> None:
    """``--seed N``: what everything random is drawn from."""
    parser.add_argument("--seed", metavar="N", type=natural, default=default, help=f"random seed (default {default})")
