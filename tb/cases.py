"""The cases of the regression: which test runs with which settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CASES", "Case", "select"]

_BENCH = "vanallen.tb.bench"


@dataclass(frozen=True)
class Case:
    """A cocotb test with settings.

    ``jobs`` is the number of random jobs where the test has any, ``icarus_jobs`` the same under Icarus, which simulates
    more slowly; 0 leaves the case out there.
    """

    name: str
    module: str
    test: str
    jobs: int = 1
    icarus_jobs: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Name of the module that holds the test."""
        return f"{_BENCH}.{self.module}"

    def arguments(self, simulator: str) -> dict[str, Any]:
        """Settings for the test."""
        four_valued = simulator == "icarus"
        return {"jobs": self.icarus_jobs if four_valued else self.jobs, "four_valued": four_valued, **self.settings}


def _layers(name: str, jobs: int, icarus_jobs: int = 1, **settings: Any) -> Case:
    return Case(name, "random_layers", "random_layers", jobs, icarus_jobs, settings)


_SMALL = {"layers": 64, "slots": 150, "first": 0}

CASES = (
    Case("start", "bus", "start_state"),
    Case("registers", "registers", "registers"),
    Case("refused", "registers", "refused"),
    Case("busy", "registers", "busy"),
    Case("interrupt", "registers", "interrupt_line"),
    Case("soft_reset", "registers", "soft_reset", 12, 2),
    Case("bus_back_to_back", "bus", "back_to_back"),
    Case("bus_pauses", "bus", "pauses"),
    Case("illegal_commands", "illegal", "illegal_commands"),
    Case("illegal_jobs", "illegal", "illegal_jobs"),
    _layers("layers_mixed", 20, 2, kind="mixed"),
    _layers("layers_matmul", 16, 1, kind="matmul", slots=5000),
    _layers("layers_convolution", 24, 2, kind="convolution", slots=5000),
    _layers("layers_blocks", 16, 1, kind="blocks"),
    _layers("layers_scales", 16, 1, kind="scales"),
    _layers("layers_long_reduction", 12, 2, kind="long", layers=3, slots=40_000),
    _layers("layers_one_command", 8, 1, kind="mixed", layers=1),
    _layers("layers_full_command_ram", 3, 0, kind="mixed", **_SMALL),
    _layers("layers_steal", 16, 1, kind="mixed", steal_intervals=[16, 17, 23, 64, 31, 48]),
    _layers("layers_steal_blocks", 10, 1, kind="blocks", steal_intervals=[16, 19, 64]),
)
"""All cases, in the order in which they run."""


def select(text: str, simulator: str) -> tuple[Case, ...]:
    """The cases whose name contains ``text`` and that run under ``simulator``."""
    return tuple(case for case in CASES if text in case.name and (simulator != "icarus" or case.icarus_jobs))
