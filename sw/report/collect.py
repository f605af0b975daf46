"""Reads what the commands left under ``build/``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vanallen.rtl.config import PRESETS

from .commands import KINDS, command_of
from .text import chip

__all__ = ["Result", "Results", "collect"]

_NEEDED: Mapping[str, tuple[str, ...]] = {
    "run": ("model", "target", "samples", "layers", "total_cycles", "accuracy", "outputs"),
    "bench": ("seed", "workloads", "skipped"),
    "regress": ("sim", "seed", "passed", "failed", "cases", "coverage"),
    "mutants": ("seed", "mutants"),
    "synth": ("board", "fmax_mhz", "target_mhz", "met", "critical_path", "resources", "seeds"),
    "area": ("gates", "modules"),
    "prove": ("seed", "proofs"),
}
"""Keys without which a result of a kind isn't shown, beside the chip's: ``config`` and ``protection``."""


@dataclass(frozen=True)
class Result:
    """What a command found: its JSON as ``data``, the file, when it was written, and the command to get it again."""

    kind: str
    path: Path
    data: Mapping[str, Any]
    written: datetime

    @property
    def command(self) -> str:
        """The command that makes this result."""
        return command_of(self.kind, self.data)


@dataclass(frozen=True)
class Results:
    """All that was found, by kind, small presets first; ``unreadable`` has a line a file that can't be used."""

    of_kind: Mapping[str, tuple[Result, ...]] = field(default_factory=lambda: dict.fromkeys(KINDS, ()))
    unreadable: tuple[str, ...] = ()

    def __getitem__(self, kind: str) -> tuple[Result, ...]:
        return self.of_kind[kind]


def collect(folder: Path) -> Results:
    """Reads ``run/*.json`` and ``results/*.json`` below ``folder``; files that can't be used are named, not raised."""
    found: dict[str, list[Result]] = {kind: [] for kind in KINDS}
    unreadable = []
    for path in _files(folder):
        try:
            for result in _read(path):
                found[result.kind].append(result)
        except (OSError, ValueError) as error:
            unreadable.append(f"{path}: {error}")
    found["area"] = _newest(found["area"])
    return Results({kind: tuple(sorted(results, key=_order)) for kind, results in found.items()}, tuple(unreadable))


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted((folder / "run").glob("*.json"))
    yield from sorted((folder / "results").glob("*.json"))


def _read(path: Path) -> list[Result]:
    """The result in a file, or those of each configuration; none for a command that the page doesn't show."""
    data = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict):
        raise ValueError(f"must hold a JSON object, not {type(data).__name__}")
    kind = _kind(path, data)
    if kind not in KINDS:
        return []
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    parts = data["configs"] if kind == "area" else [data]
    for part in parts:
        missing = [key for key in ("config", "protection", *_NEEDED[kind]) if key not in part]
        if missing:
            raise ValueError(f"has no {', '.join(missing)}")
    return [Result(kind, path, part, written) for part in parts]


def _newest(results: list[Result]) -> list[Result]:
    """One result a chip."""
    return list({chip(result.data): result for result in sorted(results, key=lambda result: result.written)}.values())


def _kind(path: Path, data: Mapping[str, Any]) -> str:
    """What a file is about: the command in its name, or the part of the command that its keys show."""
    if path.parent.name == "run":
        return "run"
    command = path.stem.split("-", maxsplit=1)[0]
    if command == "regress" and data.get("mutants"):
        return "mutants"
    if command == "synth" and "configs" in data:
        return "comparison" if path.stem.startswith("synth-compare-") else "area"
    return command


def _order(result: Result) -> tuple[int, str]:
    """Small presets first, others of one's own after them."""
    names = list(PRESETS)
    config = result.data.get("config")
    return (names.index(config) if config in names else len(names), result.path.name)
