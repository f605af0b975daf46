"""A chip in a storm: every few thousand cycles one of its stored bits flips."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.config import Config

from .model import DepositLost
from .storage import Storage
from .upset_target import UpsetTarget

__all__ = ["StormTarget"]

_AHEAD = 1 << 25
"""Cycles for which flips are drawn before any access: more than one takes, answered as late as can be."""

_DRAWN = 1 << 12
"""Flips drawn at a time."""


class StormTarget(UpsetTarget):
    """Every ``every`` cycles, from the reset on, a bit of ``space`` flips: each is as likely as the others, in use or
    not.

    Parameters
    ----------
    config : Config
        The chip.
    every : int
        Cycles from one flip to the next.
    seed : int
        What the bits are drawn from.
    more
        As of :class:`.UpsetTarget`.

    Raises
    ------
    ToolMissing, BuildError
        If the model can't be built.
    DepositLost
        By any access: if a flipped bit didn't read back.
    """

    def __init__(self, config: Config, *, every: int, seed: int, **more: Any) -> None:
        if every < 1:
            raise ValueError(f"every must be at least 1, not {every!r}")
        self.every = every
        self._bits = np.random.Generator(np.random.Philox(seed))
        self._drawn: NDArray[np.int64] = np.zeros(0, np.int64)
        self._start: int | None = None
        super().__init__(config, **more)
        self._start = self.cycles

    @property
    def flips(self) -> int:
        """Bits flipped so far."""
        return 0 if self._start is None else (self.cycles - self._start) // self.every

    def flipped(self, first: int = 0) -> list[tuple[int, Storage, int, int]]:
        """The flips from number ``first`` on: cycle, register or memory, word and bit of each."""
        bits = self._drawn[first : self.flips]
        return [
            (self._time(first + number), self.space.storage[self.space.owner[bit]], int(self.space.element[bit]),
             int(self.space.bit[bit]))
            for number, bit in enumerate(bits)
        ]  # fmt: skip

    def _time(self, number: int) -> int:
        return (self._start or 0) + self.every * (number + 1)

    def _pass(self, function: Any, *arguments: Any) -> Any:
        if self._start is None:
            return super()._pass(function, *arguments)
        while self._time(len(self._drawn)) <= self.cycles + _AHEAD:
            bits = self._bits.integers(self.space.bits, size=_DRAWN)
            self.plan(bits, self._time(len(self._drawn)) + self.every * np.arange(_DRAWN))
            self._drawn = np.concatenate([self._drawn, bits])
        result = super()._pass(function, *arguments)
        if self.struck() != self.flips:
            raise DepositLost(f"{self.flips} flips must have come, not {self.struck()}")
        return result
