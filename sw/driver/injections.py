"""The points at which a protected chip flips a bit when told to, by name, and what is hit there."""

from __future__ import annotations

from vanallen.rtl.registers import Injection

__all__ = ["INJECTION_POINTS", "struck_at"]


def _name(point: Injection) -> str:
    """``part:kind``; ``activation-ram:single`` is ACTIVATION_RAM_SINGLE."""
    part, kind = point.name.lower().replace("_", "-").rsplit("-", 1)
    return f"{part}:{kind}"


_STRUCK = {
    Injection.ARRAY_ACTIVATION: "an activation on its way in",
    Injection.ARRAY_WEIGHT: "a weight on its way in",
    Injection.ARRAY_LOAD: "a row of weights, not loaded",
    Injection.ARRAY_PSUM: "a sum that is drained",
    Injection.TAG_ROW: "the row of a slot's tag",
    Injection.TAG_DRAIN: "the row of a drain's tag",
    Injection.REQUANTIZER_PARAMETER: "a bias",
    Injection.REQUANTIZER_WORD: "a word of outputs",
    Injection.COMMAND_HELD: "the held command",
    Injection.CONTROL_COPY: "one copy of control",
    Injection.HOST_WORD: "a word from the host",
}


def struck_at(name: str) -> str:
    """What a bit, or two, of is flipped at the point of that name."""
    point = INJECTION_POINTS[name]
    if point in _STRUCK:
        return _STRUCK[point]
    memory, kind = name.split("-ram:")
    return f"{'a bit' if kind == 'single' else 'two bits'} of {memory} RAM"


INJECTION_POINTS = {_name(point): point for point in Injection if point is not Injection.NOTHING}
"""The points by name, in the order of the register map."""
