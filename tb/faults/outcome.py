"""The classes of what a fault leads to, seen through the host."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["Outcome", "classify"]


CORRECTIONS = ("corrected", "outvoted", "refused_writes")
"""Counters of what the chip put right or refused in time."""


class Outcome(IntEnum):
    """A fault is of the first class that fits; two jobs are seen, with the fault in the first."""

    HANG = 0
    """At the deadline of a job neither done nor a flag that the host can read, or an access isn't answered."""
    DUE = 1
    """Flagged: a job failed, or an access was answered with an error."""
    SDC = 2
    """Done, no flag, an output wrong, whatever the counters say."""
    RECOVERED = 3
    """Right; the counter of replays moved."""
    LATE = 4
    """Right, no replay, done at another cycle than without the fault."""
    CORRECTED = 5
    """Right and in time; a counter of corrections moved."""
    LATENT = 6
    """Right and in time, no counter moved; at the end, storage that doesn't only report differs."""
    MASKED = 7
    """The rest."""


def classify(records: NDArray[np.void], counters: Sequence[str], *, allowance: int = 0) -> NDArray[np.uint8]:
    """The :class:`Outcome` of each record of :class:`~.model.Model`, uint8.

    ``counters`` names those that the script read. A job may end ``allowance`` cycles early or late and be in time.
    """
    moved = {name: (records["moved"] >> index & 1).astype(bool) for index, name in enumerate(counters)}
    never = np.zeros(len(records), bool)
    tests = {
        Outcome.HANG: records["hang"] > 0,
        Outcome.DUE: (records["refused"] > 0) | (records["failed"] > 0),
        Outcome.SDC: records["wrong"] > 0,
        Outcome.RECOVERED: moved.get("recovered", never),
        Outcome.LATE: np.abs(records["late"]) > allowance,
        Outcome.CORRECTED: np.any([moved.get(name, never) for name in CORRECTIONS], axis=0),
        Outcome.LATENT: records["live"] > 0,
    }
    return np.select(list(tests.values()), list(tests), Outcome.MASKED).astype(np.uint8)
