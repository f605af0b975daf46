"""What a replay began for, and whether it was needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.commands import ErrorCode

from .outcome import Outcome
from .storage import Storage

__all__ = ["CAUSES", "PHASES", "Alarm", "alarms", "is_output"]

PHASES, CAUSES = ([f"accelerator.job.copy_{copy}.{name}" for copy in range(3)] for name in ("phase", "fault"))
"""The registers that say that a replay is under way, and, a cycle before it begins, what was found."""

_UNNAMED = 255
_OTHERS = "ROWS_MISSING or BAD_CHECKSUM"
"""What begins a replay without a code in :data:`CAUSES`: rows that didn't come, a command that has changed."""


def is_output(storage: Storage) -> bool:
    """Whether a job's outputs are written there."""
    return storage.is_memory and storage.name.startswith("accelerator.activation_ram.")


@dataclass(frozen=True)
class Alarm:
    """Faults for which the chip began a block again, or gave up, by what it found first.

    ``false``: those after which only right words had been written all the same, or all outputs were right.
    """

    cause: str
    faults: int
    false: int


def alarms(records: NDArray[np.void], outcomes: NDArray[np.uint8]) -> list[Alarm]:
    """The alarms among ``records`` of :class:`~.model.Model` and their outcomes, the most frequent cause first.

    A false alarm is a ``recovered`` whose abandoned attempt had written only right words, or a ``due`` whose outputs
    were right.
    """
    recovered, due = outcomes == Outcome.RECOVERED, outcomes == Outcome.DUE
    false = recovered & (records["clean"] > 0) | due & (records["wrong"] == 0)
    found = []
    for code in np.unique(records["cause"][recovered | due]).tolist():
        chosen = (recovered | due) & (records["cause"] == code)
        cause = _OTHERS if code == _UNNAMED else ErrorCode(code).name if code else "no replay"
        found.append(Alarm(cause, int(chosen.sum()), int(false[chosen].sum())))
    return sorted(found, key=lambda alarm: -alarm.faults)
