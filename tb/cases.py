"""The cases of the regression: which test runs with which settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .plan import PLAN

__all__ = ["CASES", "Case", "select"]

_BENCH = "vanallen.tb.bench"


@dataclass(frozen=True)
class Case:
    """A cocotb test with settings.

    ``jobs`` is the number of random jobs where the test has any, ``icarus_jobs`` the same under Icarus, which simulates
    more slowly; 0 leaves the case out there. ``protection`` is that of the chips which it is for; empty for all.
    ``deposits``: it writes registers and memories, in a simulator that is built for it (Verilator). ``asked``: a
    regression leaves it out unless its filter isn't empty.
    """

    name: str
    module: str
    test: str
    jobs: int = 1
    icarus_jobs: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)
    protection: str = ""
    deposits: bool = False
    asked: bool = False

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


def _struck(name: str, module: str, test: str, jobs: int = 1, protection: str = "full", **settings: Any) -> Case:
    """Faults deposited in the chip."""
    return Case(name, module, test, jobs, 0, settings, protection, deposits=True, asked=protection != "full")


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
    *(_struck(f"faults_{entry.name}", "faults", "faults", 10, storage=entry.name) for entry in PLAN),
    _struck("faults_double", "double_faults", "double_faults", 6),
    _struck("faults_in_scrub", "repair_faults", "scrub_faults", 30),
    _struck("faults_in_replay", "repair_faults", "replay_faults", 30),
    _struck("faults_tag", "tag_faults", "tag_faults"),
    _struck("faults_tag_bite", "tag_faults", "tag_faults_bite", protection="none"),
)
"""All cases, in the order in which they run."""


def select(text: str, simulator: str, protection: str = "full") -> tuple[Case, ...]:
    """The cases whose name contains ``text`` and that run under ``simulator`` on chips of this protection."""
    return tuple(
        case for case in CASES
        if text in case.name and (simulator != "icarus" or case.icarus_jobs)
        and case.protection in ("", protection) and (text or not case.asked)
    )  # fmt: skip
