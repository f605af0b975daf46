"""The points at which a protected chip flips a bit when told to, by name."""

from __future__ import annotations

from vanallen.rtl.registers import Injection

__all__ = ["INJECTION_POINTS"]


def _name(point: Injection) -> str:
    """``part:kind``; ``activation-ram:single`` is ACTIVATION_RAM_SINGLE."""
    part, kind = point.name.lower().replace("_", "-").rsplit("-", 1)
    return f"{part}:{kind}"


INJECTION_POINTS = {_name(point): point for point in Injection if point is not Injection.NOTHING}
"""The points by name, in the order of the register map."""
