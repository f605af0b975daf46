"""Placing tensors in activation RAM: first fit, by time and by size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Tenancy", "place"]


@dataclass(frozen=True)
class Tenancy:
    """``words`` of memory needed from moment ``first`` to moment ``last``, both included."""

    words: int
    first: int
    last: int

    def meets(self, other: Tenancy) -> bool:
        """Whether the two are alive at the same moment."""
        return self.first <= other.last and other.first <= self.last


def place(tenancies: Sequence[Tenancy], capacity: int) -> list[int] | None:
    """The first word of each, such that no two alive at one moment overlap; None if none of the orders tried fits.

    First fit in order of time, then the largest first (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural
    Net Inference", 2020: greedy by size).
    """
    indices = range(len(tenancies))
    by_time = sorted(indices, key=lambda index: (tenancies[index].first, index))
    by_size = sorted(indices, key=lambda index: (-tenancies[index].words, tenancies[index].first))
    for order in (by_time, by_size):
        bases = _first_fit(tenancies, order)
        if all(base + tenancy.words <= capacity for base, tenancy in zip(bases, tenancies, strict=True)):
            return bases
    return None


def _first_fit(tenancies: Sequence[Tenancy], order: Sequence[int]) -> list[int]:
    bases = [0] * len(tenancies)
    placed: list[int] = []
    for index in order:
        tenancy = tenancies[index]
        base = 0
        for other in sorted((o for o in placed if tenancies[o].meets(tenancy)), key=lambda o: bases[o]):
            if base + tenancy.words <= bases[other]:
                break
            base = max(base, bases[other] + tenancies[other].words)
        bases[index] = base
        placed.append(index)
    return bases
