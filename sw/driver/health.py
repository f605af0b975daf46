"""What a protected chip repaired, and what it couldn't."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from vanallen.rtl.registers import Window, register

__all__ = ["FAULTS", "HEALTH", "Failure", "Health", "failure_of"]

HEALTH = ("corrected", "recovered", "uncorrectable", "outvoted", "refused_writes")
"""Names of the counters of :class:`Health`, those of their registers."""

FAULTS = tuple(entry.name for entry in register("faults").fields)
"""Names of the checks of the data path."""


@dataclass(frozen=True)
class Failure:
    """A word with wrong bits: which ``memory``, which ``row``, and whether it was ``uncorrectable``."""

    memory: str
    row: int
    uncorrectable: bool


@dataclass(frozen=True)
class Health:
    """What the protection of a chip did; all zero where there is none. Each count saturates on the chip.

    Parameters
    ----------
    corrected : int
        Words read with one wrong bit, which was corrected.
    recovered : int
        Times a command began again behind its last committed block.
    uncorrectable : int
        Words read with more wrong bits than can be corrected.
    outvoted : int
        Cycles in which a copy of control differed from the two others.
    refused_writes : int
        Writes not done because they were struck in the queue; the driver made them again.
    faults : mapping
        What the checks of the data path found, by check; those that found something.
    last_failure : Failure, optional
        The last word that had wrong bits, where there was one.
    """

    corrected: int = 0
    recovered: int = 0
    uncorrectable: int = 0
    outvoted: int = 0
    refused_writes: int = 0
    faults: Mapping[str, int] = field(default_factory=dict)
    last_failure: Failure | None = None

    @property
    def counted(self) -> dict[str, int]:
        """The counters that aren't zero, by name."""
        return {name: getattr(self, name) for name in HEALTH if getattr(self, name)}

    @property
    def good(self) -> bool:
        """Nothing happened."""
        return not self.counted and not self.faults

    def __add__(self, later: Health) -> Health:
        """This and what came ``later``."""
        names = [name for name in FAULTS if name in self.faults or name in later.faults]
        return Health(
            **{name: getattr(self, name) + getattr(later, name) for name in HEALTH},
            faults={name: self.faults.get(name, 0) + later.faults.get(name, 0) for name in names},
            last_failure=later.last_failure or self.last_failure,
        )

    def as_json(self) -> dict[str, Any]:
        """The health as JSON knows it."""
        return asdict(self)


def failure_of(*, row: int, window: int, uncorrectable: int) -> Failure | None:
    """The failure that the fields of the register ``last_failure`` tell; None if they name no memory."""
    known = window in tuple(Window) and window != Window.REGISTERS
    return Failure(Window(window).name.lower(), row, bool(uncorrectable)) if known else None
