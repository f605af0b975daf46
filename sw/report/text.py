"""Numbers as people read them."""

from __future__ import annotations

__all__ = ["percent", "thousands"]


def thousands(value: float | None, digits: int = 0) -> str:
    """Groups of three digits; nothing for what isn't there."""
    return "" if value is None else f"{value:,.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    """A share in percent, on one line with its sign; nothing for what isn't there."""
    return "" if value is None else f"{100 * value:.{digits}f}\u00a0%"
