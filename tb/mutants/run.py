"""All mutants: those made by hand, then those drawn; of a protected chip those of its protection."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from vanallen.rtl.config import Config

from .draw import draw
from .drawn import judge_all, make_batch
from .hand import MUTANTS, run_hand
from .protection import PROTECTION, run_protection
from .result import MutantOutcome, MutantsResult, summary

__all__ = ["CACHE", "DRAWN", "run_mutants"]

CACHE = Path("build/tb/mutants")
"""Where libraries and outcomes are kept, from the current folder."""

DRAWN = 150
"""Mutants drawn unless told otherwise."""


def run_mutants(
    config: Config,
    *,
    filter: str = "",
    seed: int = 0,
    drawn: int = DRAWN,
    jobs: int = 2,
    progress: Callable[[int, int], None] | None = None,
    cache: Path = CACHE,
) -> MutantsResult:
    """Run the regression on the mutants whose name contains ``filter``: the hand-made ones and ``drawn`` drawn ones.

    Of a protected chip those of its protection are tried, each by its own killer, and none are drawn: a single fault in
    the logic of three copies shows no more than one in what they hold.

    Parameters
    ----------
    config : Config
        The chip.
    filter : str
        Part of the names; empty for all.
    seed : int
        Seed of the drawing and of the tests.
    drawn : int
        Mutants drawn, before ``filter``.
    jobs : int
        Mutants tried at a time.
    progress : callable, optional
        Called with the number of mutants done and of all.
    cache : Path
        Where libraries and outcomes are kept; what is there isn't done again.

    Raises
    ------
    ValueError
        If the regression, or a killer, fails on the sound chip (then it says nothing about mutants), no mutant is
        called that, or one can't be applied.
    YosysFailed, ToolMissing, BuildError, BuildFailed
        If a chip can't be made or built.
    """
    begin = time.perf_counter()
    report = progress or (lambda done, total: None)
    if config.protected:
        chosen = [mutant for mutant in PROTECTION if filter in mutant.name]
        _require(len(chosen), filter)
        tried = run_protection(config, chosen, seed=seed, progress=lambda done: report(done, len(chosen)), cache=cache)
        return summary(tried, (), seed=seed, seconds=time.perf_counter() - begin)
    hand = [mutant for mutant in MUTANTS if filter in mutant.name]
    mutations = draw(config, drawn, seed) if drawn else ()
    numbers = tuple(number for number, mutation in enumerate(mutations, 1) if filter in mutation.name)
    total = len(hand) + len(numbers)
    _require(total, filter)
    made = run_hand(config, hand, seed=seed, jobs=jobs, progress=lambda done: report(done, total), cache=cache)
    found: tuple[MutantOutcome, ...] = ()
    if numbers:
        batch = make_batch(config, mutations, seed=seed, cache=cache)
        found = judge_all(batch, numbers, jobs=jobs, progress=lambda done: report(len(hand) + done, total))
    return summary(made, found, seed=seed, seconds=time.perf_counter() - begin)


def _require(total: int, filter: str) -> None:
    if not total:
        raise ValueError(f"filter must be part of the name of a mutant, not {filter!r}")
