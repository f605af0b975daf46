"""The command behind each figure, and what to run for a figure that isn't there."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

__all__ = ["KINDS", "SUGGESTED", "command_of"]

SUGGESTED: Mapping[str, str] = {
    "run": "vanallen run digits --input digits:test --check",
    "bench": "vanallen bench",
    "regress": "vanallen regress --config nano",
    "mutants": "vanallen regress --config nano --mutants",
    "prove": "vanallen prove",
    "synth": "vanallen synth --board ulx3s-85f --seeds 8",
    "area": "vanallen synth --no-place --config cubesat",
}
"""What makes a first result of each kind."""

KINDS = tuple(SUGGESTED)
"""Kinds of results that the page shows."""


def command_of(kind: str, data: Mapping[str, Any]) -> str:
    """The command that makes a result again, from the settings that the result holds."""
    return shlex.join(["vanallen", *_words(kind, data), *_protection(data)])


def _words(kind: str, data: Mapping[str, Any]) -> list[str]:
    match kind:
        case "run":
            return _run(data)
        case "bench":
            return ["bench", *_config(data), *_seed(data)]
        case "regress":
            return ["regress", *_config(data), "--sim", data["sim"], *_seed(data)]
        case "mutants":
            return ["regress", *_config(data), "--mutants", *_seed(data)]
        case "synth":
            return ["synth", "--board", data["board"], "--seeds", str(len(data["seeds"]))]
        case "area":
            return ["synth", "--no-place", *_config(data)]
        case _:
            return [kind, *_config(data), *_seed(data)]


def _run(data: Mapping[str, Any]) -> list[str]:
    words = ["run", data["model"], "--input", data.get("input", "FILE"), *_config(data), "--target", data["target"]]
    words += ["--check"] if data.get("checked_values") else []
    return words + (["--limit", str(data["limit"])] if data.get("limit") else [])


def _config(data: Mapping[str, Any]) -> list[str]:
    return ["--config", str(data["config"])]


def _protection(data: Mapping[str, Any]) -> list[str]:
    return ["--protection", str(data["protection"])]


def _seed(data: Mapping[str, Any]) -> list[str]:
    return ["--seed", str(data["seed"])]
