"""The file of figures: what each source gave, with the hash of the design it gave it for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .sources import Source

__all__ = ["FIGURES", "MeasurementFailed", "is_fresh", "load", "measure", "save"]

FIGURES = Path("docs/figures.json")
"""The file, from the root of the repository."""

Record = dict[str, dict[str, Any]]


class MeasurementFailed(Exception):
    """A command ended badly, so that there are no figures; the message names it."""


def load(root: Path) -> Record:
    """The figures by source: ``command``, ``design_hash`` and ``figures`` each. Empty where there is no file.

    Raises
    ------
    ValueError
        If the file isn't JSON.
    """
    path = root / FIGURES
    if not path.is_file():
        return {}
    record: Record = json.loads(path.read_text(encoding="utf-8"))
    return record


def save(root: Path, record: Mapping[str, Any]) -> None:
    """Writes the file as a whole."""
    path = root / FIGURES
    new = path.with_suffix(".new")
    new.write_text(json.dumps(record, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")
    new.replace(path)


def is_fresh(source: Source, record: Record) -> bool:
    """Whether ``record`` has the figures of this command for the design of today."""
    entry = record.get(source.name)
    return entry is not None and entry["command"] == source.command and entry["design_hash"] == source.design()


def measure(source: Source, folder: Path) -> dict[str, Any]:
    """Runs the command, which talks to the terminal, and returns the entry of the file; its JSON stays in ``folder``.

    Raises
    ------
    MeasurementFailed
        If the command fails, or its figures aren't good and the source isn't lenient.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{source.name}.json"
    path.unlink(missing_ok=True)
    design_hash = source.design()
    program = Path(sys.executable).with_name("vanallen")
    status = subprocess.run([program, *source.arguments, "--json", str(path)], check=False).returncode
    if status not in ((0, 1) if source.lenient else (0,)) or not path.is_file():
        raise MeasurementFailed(f"{source.command} ended with status {status}: its figures are not recorded")
    result = json.loads(path.read_text(encoding="utf-8"))
    return {"command": source.command, "design_hash": design_hash, "figures": source.keep(result)}
