"""What became of the mutants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["KILLED_WANTED", "MutantOutcome", "MutantsResult", "Verdict", "summary"]

KILLED_WANTED = 0.97
"""Share of the drawn mutants that aren't shown equivalent which the regression must kill. Hand-made ones: all."""


class Verdict(StrEnum):
    """How a mutant ends. What the tests don't kill and no proof covers has survived."""

    KILLED = "killed"
    EQUIVALENT = "equivalent"
    SURVIVED = "survived"


@dataclass(frozen=True)
class MutantOutcome:
    """``by`` says which step killed it and what it found; ``block`` and ``source`` say where it lies."""

    name: str
    block: str
    source: str
    verdict: Verdict
    by: str


@dataclass(frozen=True)
class MutantsResult:
    """How many mutants there were, how many the regression killed, and what became of the others.

    ``equivalent`` were shown to change nothing, ``survivors`` are all others that weren't killed; ``good`` is whether
    every hand-made mutant was killed, and of the drawn ones enough.
    """

    total: int
    killed: int
    survivors: tuple[str, ...]
    equivalent: tuple[str, ...]
    good: bool
    seed: int
    seconds: float
    hand: tuple[MutantOutcome, ...]
    drawn: tuple[MutantOutcome, ...]


def _named(outcomes: Iterable[MutantOutcome], verdict: Verdict) -> tuple[str, ...]:
    return tuple(outcome.name for outcome in outcomes if outcome.verdict is verdict)


def summary(
    hand: tuple[MutantOutcome, ...], drawn: tuple[MutantOutcome, ...], *, seed: int, seconds: float
) -> MutantsResult:
    """The result of hand-made and drawn mutants."""
    together = (*hand, *drawn)
    killed, equivalent = _named(together, Verdict.KILLED), _named(together, Verdict.EQUIVALENT)
    survivors = _named(together, Verdict.SURVIVED)
    relevant = len(drawn) - len(_named(drawn, Verdict.EQUIVALENT))
    enough = len(_named(drawn, Verdict.KILLED)) >= KILLED_WANTED * relevant
    return MutantsResult(len(together), len(killed), survivors, equivalent,
                         enough and not _named(hand, Verdict.SURVIVED), seed, seconds, hand, drawn)  # fmt: skip
