"""Targets by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vanallen.rtl.config import Config
from vanallen.sw.compiler import InputError
from vanallen.sw.driver import Driver, GoldenTarget, SimulationTarget, Target, ToolMissing

__all__ = ["TARGETS", "open_driver"]

TARGETS = ("golden", "sim")
"""The golden model, and the simulated chip."""


@contextmanager
def open_driver(target: str, config: Config, *, report: Callable[[str], None] | None = None) -> Iterator[Driver]:
    """A driver of the chip that ``target`` names, closed at the end; ``report`` hears of what takes a while.

    Raises
    ------
    InputError
        If there is no such target, or a tool that makes it is missing.
    """
    chip = _open(target, config, report)
    try:
        yield Driver(chip, config=config)
    finally:
        chip.close()


def _open(target: str, config: Config, report: Callable[[str], None] | None) -> Target:
    if target == "golden":
        return GoldenTarget(config)
    if target == "sim":
        try:
            return SimulationTarget(config, report=report)
        except ToolMissing as error:
            raise InputError(str(error)) from error
    raise InputError(f"target must be one of {', '.join(TARGETS)}, not {target!r}")
