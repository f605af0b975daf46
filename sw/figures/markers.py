"""Generated tables stand in a page between ``<!-- figures:NAME -->`` and ``<!-- end -->``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .tables import TABLES

__all__ = ["pages", "render", "render_pages"]

_END = "<!-- end -->"
_MARKED = re.compile(
    r"^<!-- figures:(\S+) -->\n(?:.*?)(?=^<!-- end -->|^<!-- figures:|\Z)(<!-- end -->)?", re.DOTALL | re.MULTILINE
)
"""A table with its markers, each at the start of a line; the second group is there if the end is."""


def render(text: str, record: Mapping[str, Any]) -> str:
    """``text`` with every marked table made anew.

    Raises
    ------
    ValueError
        If a marker names no table, or has no end.
    """

    def table(found: re.Match[str]) -> str:
        name = found[1]
        if name not in TABLES:
            raise ValueError(f"a marker must name one of {', '.join(TABLES)}, not {name!r}")
        if found[2] is None:
            raise ValueError(f"the table {name} must end with {_END}")
        return f"<!-- figures:{name} -->\n{TABLES[name](record)}\n{_END}"

    return _MARKED.sub(table, text)


def pages(root: Path) -> list[Path]:
    """The README and the pages of the documents that have a marker."""
    candidates = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    return [path for path in candidates if _MARKED.search(path.read_text(encoding="utf-8"))]


def render_pages(root: Path, record: Mapping[str, Any]) -> list[Path]:
    """Makes the tables of every page anew; the pages that changed."""
    changed = []
    for path in pages(root):
        text = path.read_text(encoding="utf-8")
        new = render(text, record)
        if new != text:
            path.write_text(new, encoding="utf-8")
            changed.append(path)
    return changed
