"""Pieces of Markdown that the generated pages are made of."""

from __future__ import annotations

__all__ = ["bits", "table"]


def table(header: list[str], rows: list[list[object]]) -> list[str]:
    """Lines of a table with ``header``, and an empty line."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return [*lines, *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows), ""]


def bits(offset: int, width: int) -> str:
    """What to call ``width`` bits from bit ``offset``: ``5`` or ``15:8``."""
    return str(offset) if width == 1 else f"{offset + width - 1}:{offset}"
