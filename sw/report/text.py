"""Numbers and names as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["chip_name", "percent", "thousands"]


def chip_name(data: Mapping[str, Any]) -> str:
    """The chip that a result is of: its configuration, and its protection unless that is full."""
    return data["config"] if data["protection"] == "full" else f"{data['config']}, {data['protection']}"


def thousands(value: float | None, digits: int = 0) -> str:
    """Groups of three digits; nothing for what isn't there."""
    return "" if value is None else f"{value:,.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    """A share in percent, on one line with its sign; nothing for what isn't there."""
    return "" if value is None else f"{100 * value:.{digits}f}\u00a0%"
