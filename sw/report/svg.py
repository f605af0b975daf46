"""Inline SVG from Python: elements, an axis, a frame. Colours and fonts are the page's style sheet's."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup, escape

__all__ = ["WIDTH", "axis", "figure", "scale", "tag", "ticks"]

WIDTH = 360
"""Width of every chart in its own units: about one a pixel on a phone, so that its text can be read there."""


def tag(name: str, *children: str, **attributes: float | str) -> Markup:
    """An element. Text among ``children`` is escaped; ``class_`` is ``class`` and ``text_anchor`` ``text-anchor``."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_number(value))}"' for key, value in attributes.items()
    )
    inner = Markup("").join(escape(child) for child in children)
    return Markup(f"<{name}{written}>") + inner + Markup(f"</{name}>")


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def figure(description: str, height: float, *children: str) -> Markup:
    """A chart of ``height``; ``description`` is what is read out in its place."""
    return tag(
        "svg",
        *children,
        class_="chart",
        viewBox=f"0 0 {WIDTH} {_number(height)}",
        role="img",
        aria_label=description,
    )


def scale(low: float, high: float, left: float, right: float) -> Callable[[float], float]:
    """A function from values in ``low`` to ``high`` to places from ``left`` to ``right``."""
    return lambda value: left + (value - low) / (high - low) * (right - left)


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round values from ``low`` to ``high``, about ``wanted`` of them: multiples of 1, 2 or 5 times a power of ten."""
    span = (high - low) / wanted
    power = 10.0 ** int(f"{span:e}".split("e")[1])
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= span * 0.999)
    first = -int(-low // step)
    last = int(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def axis(place: Callable[[float], float], values: list[float], top: float, bottom: float, unit: str = "") -> Markup:
    """Vertical lines at ``values`` from ``top`` to ``bottom`` with the values below; ``unit`` follows the last one."""
    parts = []
    for value in values:
        x = place(value)
        label = f"{value:,.10g}" + (unit if value == values[-1] else "")
        anchor = "end" if x > WIDTH - 20 else "start" if x < 10 else "middle"
        parts.append(tag("line", x1=x, x2=x, y1=top, y2=bottom, class_="grid"))
        parts.append(tag("text", label, x=x, y=bottom + 12, text_anchor=anchor, class_="small"))
    return Markup("").join(parts)
