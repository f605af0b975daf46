"""A proof, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from amaranth.hdl import Elaboratable

__all__ = ["Mode", "Proof", "Result"]

Mode = Literal["prove", "bmc", "random"]
"""``prove``: k-induction, all times. ``bmc``: all inputs, ``depth`` cycles from any state, which for a pipeline is all
there is. ``random``: vectors."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Something to be proven by a solver.

    Parameters
    ----------
    name : str
        Group and subject.
    mode : {"prove", "bmc"}
    depth : int
        ``k`` of the induction, or cycles.
    build : callable
        Makes the specification, a top without ports.
    quick : bool
        Whether it takes seconds; the others are left to ``vanallen prove``.
    hunt : int
        Where the induction fails: cycles from reset in which a real counterexample is looked for.
    script : tuple of str
        Yosys commands after the hierarchy is flat.
    """

    name: str
    mode: Mode
    depth: int
    build: Callable[[], Elaboratable]
    quick: bool = True
    hunt: int = 12
    script: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Result:
    """``outcome``: "pass" or "fail"; then ``reason`` says why and ``trace`` names a counterexample, if any."""

    name: str
    mode: Mode
    depth: int
    outcome: str
    seconds: float
    reason: str = ""
    trace: str = ""
    cached: bool = False
