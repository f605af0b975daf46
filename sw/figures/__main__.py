"""``python -m vanallen.sw.figures``: measures what is stale, and writes the tables of README and documents anew.

From the root of the repository. Figures are written as soon as a command ends, so that an interrupted run goes on where
it was.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .markers import render_pages
from .record import FIGURES, MeasurementFailed, is_fresh, load, measure, save
from .sources import SOURCES

__all__ = ["main"]

BUILD = Path("build/figures")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m vanallen.sw.figures", description=__doc__)
    parser.add_argument("--only", metavar="TEXT", default="", help="only the sources whose name contains TEXT")
    parser.add_argument("--again", action="store_true", help="measure what is fresh too")
    parser.add_argument("--render", action="store_true", help="measure nothing: write the tables anew")
    parser.add_argument("--list", action="store_true", help="say which sources are fresh, and do nothing")
    return parser


def _measure(root: Path, only: str, again: bool) -> int:
    """Measures the chosen sources; how many failed."""
    failed = 0
    for source in SOURCES:
        if only not in source.name:
            continue
        if not again and is_fresh(source, load(root)):
            print(f"{source.name}: fresh", flush=True)
            continue
        print(f"{source.name}: {source.command}", flush=True)
        try:
            entry = measure(source, root / BUILD)
        except MeasurementFailed as error:
            print(f"{source.name}: {error}", file=sys.stderr)
            failed += 1
            continue
        save(root, load(root) | {source.name: entry})
    return failed


def main(arguments: list[str], *, root: Path = Path()) -> int:
    """Exit status 1 if a command failed, 2 for a wrong option or a subset that is empty."""
    options = _parser().parse_args(arguments)
    if not any(options.only in source.name for source in SOURCES):
        names = ", ".join(source.name for source in SOURCES)
        print(f"--only must be part of one of {names}, not {options.only!r}", file=sys.stderr)
        return 2
    if options.list:
        for source in SOURCES:
            print(f"{source.name}: {'fresh' if is_fresh(source, load(root)) else 'stale'}: {source.command}")
        return 0
    failed = 0 if options.render else _measure(root, options.only, options.again)
    for path in render_pages(root, load(root)):
        print(f"{path} written from {FIGURES}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
