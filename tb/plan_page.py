"""``python -m vanallen.tb.plan_page DOCS``: writes the test plan as a page into the folder DOCS."""

from __future__ import annotations

import sys
from pathlib import Path

from vanallen.sw.export.markdown import table

from .plan import PLAN, Entry

__all__ = ["PAGE", "main", "plan_markdown"]

PAGE = "test-plan.md"

_INTRODUCTION = """\
# Test plan

Made by `make generate` from `tb/plan.py`: not to be edited. One entry for each mechanism of a protected chip
(`protection="full"`) and the storage that it keeps. A test sees to it that every register and memory of the elaborated
design belongs to one entry, and that every test and case named here is there. Names are those below the accelerator, as
regular expressions. Cases are those of `vanallen regress --config nano --protection full`; `-k NAME` runs one.
"""


def _rows(entry: Entry) -> list[list[object]]:
    code = [f"`{pattern}`".replace("|", "\\|") for pattern in entry.storage]
    return [
        ["protected by", entry.mechanism],
        ["storage", "<br>".join(code)],
        ["done to it", entry.stimulus],
        ["seen", entry.seen],
        ["cases", "<br>".join(f"`{case}`" for case in entry.cases)],
        ["tests", "<br>".join(f"`{test}`" for test in entry.tests)],
    ]


def plan_markdown() -> str:
    """The page."""
    lines = [_INTRODUCTION]
    for entry in PLAN:
        lines += [f"## {entry.name}", "", *table([f"`{entry.name}`", ""], _rows(entry))]
    return "\n".join(lines).rstrip() + "\n"


def main(arguments: list[str]) -> int:
    """Writes the page; 2 where the folder isn't given or isn't there."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("usage: python -m vanallen.tb.plan_page DOCS, an existing folder", file=sys.stderr)
        return 2
    Path(arguments[0], PAGE).write_text(plan_markdown(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
