"""Where single upsets can happen: every bit of every register, and of every memory, at every cycle of a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.registers import COUNTERS

from .storage import Storage

__all__ = ["RECORDS", "Space", "is_record", "make_space"]

RECORDS = (
    *(f"accelerator.{name}." for name in (*COUNTERS, "cycle_log")), "accelerator.last_", "accelerator.fault_",
    "accelerator.bridge.written_checksum", "accelerator.bridge.read_checksum",
)  # fmt: skip
"""Blocks and registers that only report: two runs that differ in nothing else have the same future."""


def is_record(storage: Storage) -> bool:
    """Whether a register or memory only reports."""
    return storage.name.startswith(RECORDS)


@dataclass(frozen=True)
class Space:
    """Bits in the order of ``storage``, word by word: ``owner`` is the index of a bit's register or memory, ``element``
    the word, ``bit`` the place in it; times are ``start`` to ``end - 1``."""

    storage: tuple[Storage, ...]
    owner: NDArray[np.uint32]
    element: NDArray[np.uint32]
    bit: NDArray[np.uint32]
    start: int
    end: int

    @property
    def bits(self) -> int:
        """Number of bits."""
        return len(self.owner)

    @property
    def cycles(self) -> int:
        """Number of times."""
        return self.end - self.start

    @property
    def faults(self) -> int:
        """Number of single upsets. Number ``k`` is of bit ``k // cycles`` at time ``start + k % cycles``."""
        return self.bits * self.cycles


def make_space(storage: Sequence[Storage], *, start: int, end: int, memories: bool | None) -> Space:
    """The bits of all registers, or with ``memories`` those of all memories instead; None takes both."""
    chosen = [(index, entry) for index, entry in enumerate(storage) if memories in (None, entry.is_memory)]
    sizes = [entry.bits * entry.elements for _, entry in chosen]
    owner = np.repeat(np.array([index for index, _ in chosen], np.uint32), sizes)
    place = [np.divmod(np.arange(size, dtype=np.uint32), np.uint32(entry.bits))
             for size, (_, entry) in zip(sizes, chosen, strict=True)]  # fmt: skip
    element, bit = (np.concatenate([pair[half] for pair in place]) for half in (0, 1))
    return Space(tuple(storage), owner, element, bit, start, end)
