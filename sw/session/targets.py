"""Targets by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vanallen.rtl.config import Config
from vanallen.rtl.link.rmap import BAUD
from vanallen.sw.compiler import InputError
from vanallen.sw.driver import (
    Driver,
    GoldenTarget,
    LinkError,
    SerialTarget,
    SimulationTarget,
    Target,
    TargetTimeout,
    ToolMissing,
    WrongChip,
)

__all__ = ["SERIAL", "TARGETS", "open_driver"]

TARGETS = ("golden", "sim", "serial:PORT")
"""The golden model, the simulated chip, and a board at a serial port."""

SERIAL = "serial:"
"""What the name of a target at a serial port begins with."""


@contextmanager
def open_driver(
    target: str,
    config: Config,
    *,
    baud: int = BAUD,
    waves: Path | None = None,
    report: Callable[[str], None] | None = None,
) -> Iterator[Driver]:
    """A driver of the chip that ``target`` names, closed at the end; ``report`` hears of what takes a while.

    ``waves`` is the VCD file that the simulated chip writes, ``baud`` the bits a second of a serial port.

    Raises
    ------
    InputError
        If there is no such target, it has no waves, a tool that makes it is missing, or no chip of that configuration
        answers at the serial port.
    """
    chip = _open(target, config, baud, waves, report)
    try:
        try:
            driver = Driver(chip, config=config)
        except WrongChip as error:
            raise InputError(f"the chip at {target} is another one, see --config: {error}") from error
        yield driver
    finally:
        chip.close()


def _open_serial(port: str, baud: int) -> SerialTarget:
    try:
        return SerialTarget(port, baud=baud)
    except LinkError as error:
        raise InputError(str(error)) from error
    except TargetTimeout as error:
        raise InputError(
            f"{error}: is it the board's port, is the bitstream loaded, is --baud what it was made for?"
        ) from error


def _open(target: str, config: Config, baud: int, waves: Path | None, report: Callable[[str], None] | None) -> Target:
    if waves is not None and target != "sim":
        raise InputError(f"waves need the simulated chip: take the target sim, not {target}")
    if target == "golden":
        return GoldenTarget(config)
    if target.startswith(SERIAL):
        return _open_serial(target.removeprefix(SERIAL), baud)
    if target == "sim":
        try:
            return SimulationTarget(config, waves=waves, report=report)
        except ToolMissing as error:
            raise InputError(str(error)) from error
    raise InputError(f"target must be one of {', '.join(TARGETS)}, not {target!r}")
