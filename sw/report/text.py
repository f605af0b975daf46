"""Numbers and names as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vanallen.rtl.config import chip_name

__all__ = ["chip", "percent", "thousands"]


def chip(data: Mapping[str, Any]) -> str:
    """The chip that a result is of."""
    return chip_name(data["config"], data["protection"])


def thousands(value: float | None, digits: int = 0) -> str:
    """Groups of three digits; nothing for what isn't there."""
    return "" if value is None else f"{value:,.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    """A share in percent, on one line with its sign; nothing for what isn't there."""
    return "" if value is None else f"{100 * value:.{digits}f}\u00a0%"
