"""The page itself: what was found, through a template, into one file."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from jinja2 import BaseLoader, Environment, StrictUndefined
from markupsafe import Markup

from vanallen.sw.info import describe

from . import charts
from .collect import Results, collect
from .commands import SUGGESTED
from .images import samples
from .text import chip, percent, thousands
from .tiles import peak_gops, tiles

__all__ = ["LIMIT_BYTES", "Page", "render", "write_page"]

LIMIT_BYTES = 1_000_000
"""The page is smaller than this."""


@dataclass(frozen=True)
class Page:
    """The file written, its size, the command for each kind of figure that isn't there, and files of no use."""

    path: Path
    bytes: int
    missing: dict[str, str]
    unreadable: tuple[str, ...]


def write_page(path: Path, *, folder: Path = Path("build")) -> Page:
    """Writes the page of what is below ``folder``.

    Raises
    ------
    OSError
        If ``path`` can't be written.
    ValueError
        If the results make a page beyond :data:`LIMIT_BYTES`.
    """
    results = collect(folder)
    text = render(results)
    size = len(text.encode())
    if size >= LIMIT_BYTES:
        raise ValueError(
            f"the page must be smaller than {LIMIT_BYTES:,} bytes, not {size:,}: remove results of {folder}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    missing = {kind: command for kind, command in SUGGESTED.items() if not results[kind]}
    return Page(path, size, missing, results.unreadable)


def render(results: Results) -> str:
    """The page as text."""
    environment = Environment(
        loader=BaseLoader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"thousands": thousands, "percent": percent, "chip": chip}
    environment.globals |= {name: getattr(charts, name) for name in charts.__all__}
    return environment.from_string(_text("page.html")).render(
        style=Markup(_text("style.css")),
        results=results,
        suggested=SUGGESTED,
        tiles=tiles(results),
        samples=samples,
        peak_gops=peak_gops,
        tools={name: version for name, version in describe()["tools"].items() if version},
    )


def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
