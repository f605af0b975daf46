"""What the runner tells a test inside the simulator: configuration, seed, sizes; and where coverage goes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vanallen.rtl.config import Config

__all__ = ["CLOCK_NS", "Environment", "environment"]

CLOCK_NS = 10
"""Clock period in the simulator; only ratios matter."""


@dataclass
class Environment:
    """Settings of the case that runs.

    ``settings`` are the case's own, ``chip`` is the file of Verilog that is simulated; :meth:`cover` notes coverage
    points, written to ``coverage.json`` in ``folder`` at once, so that those of a failing case count too.
    """

    config: Config
    seed: int
    folder: Path
    settings: dict[str, Any]
    chip: Path
    points: set[str] = field(default_factory=set)

    def cover(self, points: Iterable[str]) -> None:
        """Note that ``points`` were hit."""
        self.points |= set(points)
        (self.folder / "coverage.json").write_text(json.dumps(sorted(self.points)), encoding="utf-8")


def environment() -> Environment:
    """The settings of this simulator process."""
    values = json.loads(os.environ["VANALLEN_TB"])
    config = Config(**values.pop("config"))
    folder, chip = (Path(values.pop(name)) for name in ("folder", "chip"))
    return Environment(config=config, seed=values.pop("seed"), folder=folder, chip=chip, settings=values)
