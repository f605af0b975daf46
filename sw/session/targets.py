"""Targets by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vanallen.rtl.config import Config
from vanallen.sw.compiler import InputError
from vanallen.sw.driver import Driver, GoldenTarget, SimulationTarget, Target, ToolMissing

__all__ = ["TARGETS", "open_driver"]

TARGETS = ("golden", "sim")
"""The golden model, and the simulated chip."""


@contextmanager
def open_driver(
    target: str, config: Config, *, waves: Path | None = None, report: Callable[[str], None] | None = None
) -> Iterator[Driver]:
    """A driver of the chip that ``target`` names, closed at the end; ``report`` hears of what takes a while.

    ``waves`` is the VCD file that the simulated chip writes.

    Raises
    ------
    InputError
        If there is no such target, it has no waves, or a tool that makes it is missing.
    """
    chip = _open(target, config, waves, report)
    try:
        yield Driver(chip, config=config)
    finally:
        chip.close()


def _open(target: str, config: Config, waves: Path | None, report: Callable[[str], None] | None) -> Target:
    if target == "golden":
        if waves is not None:
            raise InputError("waves need the simulated chip: take the target sim, not golden")
        return GoldenTarget(config)
    if target == "sim":
        try:
            return SimulationTarget(config, waves=waves, report=report)
        except ToolMissing as error:
            raise InputError(str(error)) from error
    raise InputError(f"target must be one of {', '.join(TARGETS)}, not {target!r}")
