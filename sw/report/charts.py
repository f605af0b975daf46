"""The charts of the page, each a function from figures to inline SVG with a tooltip a mark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from .svg import WIDTH, axis, figure, scale, tag, ticks
from .text import chip, percent, thousands

__all__ = ["gate_chart", "layer_chart", "seed_chart", "utilization_chart", "waffle"]

Figures = Mapping[str, Any]

_ROW = 38
_BAR = 13
_SQUARE = 11
_A_LINE = 30
"""Squares a line of a waffle."""
_NAMES = 90
"""Width left for the names of chips."""


def layer_chart(layers: Sequence[Figures]) -> Markup:
    """Cycles of each layer on the chip: what an array that never waits would take, and the rest."""
    shown = [layer for layer in layers if layer["cycles"]]
    longest = max(layer["cycles"] for layer in shown)
    place = scale(0, longest, 1, WIDTH - 1)
    bottom = _ROW * len(shown) + 4
    rows = [_layer(layer, _ROW * index, place(layer["ideal_cycles"]), place(layer["cycles"]))
            for index, layer in enumerate(shown)]  # fmt: skip
    lines = axis(place, ticks(0, longest), 0, bottom, " cycles")
    return figure("Cycles of each layer against the ideal", bottom + 18, lines, *rows)


def _layer(layer: Figures, y: float, ideal: float, measured: float) -> Markup:
    title = (
        f"{layer['name']}: {layer['cycles']:,} cycles, ideal {layer['ideal_cycles']:,}, "
        f"cycle model {layer['model_cycles']:,}, bound by {layer['bound']}"
    )
    return tag(
        "g",
        tag("title", title),
        tag("text", _short(layer["name"], 34), x=1, y=y + 13),
        tag(
            "text",
            f"{percent(layer['utilization'])} of ideal",
            x=WIDTH - 1,
            y=y + 13,
            text_anchor="end",
            class_="value",
        ),
        tag("rect", x=1, y=y + 18, width=measured - 1, height=_BAR, rx=2, class_="rest"),
        tag("rect", x=1, y=y + 18, width=ideal - 1, height=_BAR, rx=2, class_="ideal"),
    )


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def utilization_chart(benches: Sequence[Figures]) -> Markup:
    """Ideal over measured cycles of each workload on each chip."""
    names = list(dict.fromkeys(work["name"] for bench in benches for work in bench["workloads"]))
    place, y, parts = scale(0, 100, _NAMES, WIDTH - 58), 0.0, []
    for name in names:
        parts.append(tag("text", name, x=1, y=y + 13, class_="strong"))
        y += 20
        for bench in benches:
            for work in bench["workloads"]:
                if work["name"] == name:
                    parts.append(_utilization(work, chip(bench), y, place(100 * work["utilization"])))
                    y += 18
        y += 8
    lines = axis(place, [0, 25, 50, 75, 100], 0, y, " %")
    return figure("Utilization of the array by workload and chip", y + 18, lines, *parts)


def _utilization(work: Figures, chip: str, y: float, end: float) -> Markup:
    title = f"{work['name']} on {chip}: {work['cycles']:,} cycles, ideal {work['ideal_cycles']:,}"
    return tag(
        "g",
        tag("title", title),
        tag("text", chip, x=_NAMES - 6, y=y + 10.5, text_anchor="end"),
        tag("rect", x=_NAMES, y=y, width=end - _NAMES, height=_BAR, rx=2, class_="ideal"),
        tag("text", percent(work["utilization"], 2), x=WIDTH - 1, y=y + 10.5, text_anchor="end", class_="value"),
    )


def seed_chart(synthesis: Figures) -> Markup:
    """Fmax of each seed of place and route, with the target and the median; at least one seed ended in time."""
    seeds, target, median = synthesis["seeds"], synthesis["target_mhz"], synthesis["fmax_mhz"]["median"]
    found = [seed["fmax_mhz"] for seed in seeds if seed["fmax_mhz"] is not None]
    low, high = min(*found, target), max(*found, target)
    margin = max(0.08 * (high - low), 0.5)
    place = scale(low - margin, high + margin, 58, WIDTH - 4)
    top, bottom = 30.0, 30.0 + 18 * len(seeds)
    parts = [axis(place, ticks(low - margin, high + margin, 4), top, bottom, " MHz")]
    for value, kind, y in ((target, "target", 9), (median, "median", 22)):
        x = place(value)
        beside, anchor = (x - 4, "end") if x > WIDTH - 80 else (x + 4, "start")
        parts.append(tag("line", x1=x, x2=x, y1=y - 8, y2=bottom, class_=kind))
        parts.append(tag("text", f"{kind} {value:.1f}", x=beside, y=y, text_anchor=anchor, class_=f"small {kind}-text"))
    for index, seed in enumerate(seeds):
        line = top + 18 * index
        parts.append(tag("text", f"seed {seed['seed']}", x=52, y=line + 11, text_anchor="end"))
        parts.append(_seed(seed, line, place(seed["fmax_mhz"]), target) if seed["fmax_mhz"] else _unplaced(line))
    return figure(f"Fmax of {len(seeds)} seeds on {synthesis['board']}", bottom + 18, *parts)


def _seed(seed: Figures, y: float, x: float, target: float) -> Markup:
    kind = "good" if seed["fmax_mhz"] >= target else "bad"
    return tag(
        "g",
        tag("title", f"seed {seed['seed']}: {seed['fmax_mhz']:.2f} MHz in {seed['seconds']:,.0f} s"),
        tag("line", x1=58, x2=x, y1=y + 7, y2=y + 7, class_="stem"),
        tag("circle", cx=x, cy=y + 7, r=4.5, class_=kind),
    )


def _unplaced(y: float) -> Markup:
    title = tag("title", "not placed within the time limit")
    return tag("text", title, "time limit", x=62, y=y + 11, class_="small")


def waffle(description: str, good: int, bad: Sequence[str]) -> Markup:
    """A square for each of ``good`` and one for each name in ``bad``."""
    pitch = WIDTH / _A_LINE
    names = [None] * good + list(bad)
    squares = []
    for index, name in enumerate(names):
        line, place = divmod(index, _A_LINE)
        title = () if name is None else (tag("title", name),)
        squares.append(
            tag("rect", *title, x=place * pitch, y=line * pitch, width=_SQUARE, height=_SQUARE, rx=2,
                class_="good" if name is None else "bad")
        )  # fmt: skip
    lines = -(-len(names) // _A_LINE)
    return figure(description, max(lines, 1) * pitch, *squares)


def gate_chart(areas: Sequence[Figures]) -> Markup:
    """Gate equivalents of each chip."""
    largest = max(area["gates"] for area in areas)
    place = scale(0, largest, _NAMES, WIDTH - 66)
    rows = []
    for index, area in enumerate(areas):
        y, end = 20.0 * index, place(area["gates"])
        rows.append(
            tag(
                "g",
                tag("title", f"{chip(area)}: {area['gates']:,.0f} gate equivalents"),
                tag("text", chip(area), x=_NAMES - 6, y=y + 11, text_anchor="end"),
                tag("rect", x=_NAMES, y=y, width=end - _NAMES, height=_BAR, rx=2, class_="ideal"),
                tag("text", thousands(area["gates"]), x=WIDTH - 1, y=y + 11, text_anchor="end", class_="value"),
            )
        )
    bottom = 20.0 * len(areas)
    lines = axis(place, ticks(0, largest, 3), 0, bottom, "")
    return figure("Gate equivalents by chip", bottom + 18, lines, *rows)
