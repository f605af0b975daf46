"""The simulated chip as a driver's target, in which stored bits flip at given cycles, whatever the host does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.config import Config
from vanallen.rtl.verilog import TOP, verilog
from vanallen.sw import driver
from vanallen.sw.driver.library import build_library
from vanallen.sw.driver.simulation import LibraryTarget

from .model import CACHE, FAULT, DepositLost
from .space import Space, make_space
from .storage import Storage, expose, find_storage
from .variables import INTERFACE, find, headers, list_variables

__all__ = ["StormTarget"]

_INTERFACE = """
void chip_plan(void *chip, const void *faults, size_t count);
uint64_t chip_struck(const void *chip, uint64_t *lost);
"""

_AHEAD = 1 << 25
"""Cycles for which flips are drawn before any access: more than one takes, answered as late as can be."""

_DRAWN = 1 << 12
"""Flips drawn at a time."""


class StormTarget(LibraryTarget):
    """The chip of a configuration; every ``every`` cycles, from its reset on, one of its stored bits flips.

    Each bit of registers and memories is as likely as the others, whether it is in use or not; with ``memories`` set,
    each bit of memories, or not of memories. A flip comes just after
    a rising edge, and all logic of the cycle sees it; that it does is read back.

    Parameters
    ----------
    config : Config
        The chip.
    every : int
        Cycles from one flip to the next.
    seed : int
        What the bits are drawn from.
    memories : bool, optional
        Whether to flip bits of memories only, or of registers only.
    quick : bool
        Compiled without optimization: for a few images.
    cache : Path
        Where libraries are kept.
    report : callable, optional
        Called with a line to show when there is something to build.

    Attributes
    ----------
    space : Space
        The bits.
    design_hash : str
        A hash of the chip's Verilog.

    Raises
    ------
    ToolMissing, BuildError
        If the model can't be built.
    DepositLost
        By any access: if a flipped bit didn't read back.
    """

    def __init__(
        self,
        config: Config,
        *,
        every: int,
        seed: int,
        memories: bool | None = None,
        quick: bool = False,
        cache: Path = CACHE,
        report: Callable[[str], None] | None = None,
    ) -> None:
        if every < 1:
            raise ValueError(f"every must be at least 1, not {every!r}")
        text = verilog(config)
        shim = "#define VANALLEN_UPSETS\n" + resources.files(driver).joinpath("axi_lite.cpp").read_text()
        library = build_library(
            expose(text), TOP, cache, shim=shim, headers=headers("upsets.h"), quick=quick, report=report
        )
        self.config = config
        self.design_hash = hashlib.sha256(text.encode()).hexdigest()[:16]
        self.every = every
        self.space: Space = make_space(find_storage(text), start=0, end=1, memories=memories)
        self._bits = np.random.Generator(np.random.Philox(seed))
        self._drawn: NDArray[np.int64] = np.zeros(0, np.int64)
        self._variable: NDArray[np.uint32] | None = None
        super().__init__(library)
        self._start = self.cycles
        self._ffi.cdef(INTERFACE + _INTERFACE)
        symbols = list_variables(self._ffi, self._library, self._open)
        self._variable = np.array(find(symbols, self.space.storage), np.uint32)

    @property
    def flips(self) -> int:
        """Bits flipped so far."""
        return (self.cycles - self._start) // self.every

    def flipped(self, first: int = 0) -> list[tuple[int, Storage, int, int]]:
        """The flips from number ``first`` on: cycle, register or memory, word and bit of each."""
        bits = self._drawn[first : self.flips]
        return [
            (self._time(first + number), self.space.storage[self.space.owner[bit]], int(self.space.element[bit]),
             int(self.space.bit[bit]))
            for number, bit in enumerate(bits)
        ]  # fmt: skip

    def _time(self, number: int) -> int:
        return self._start + self.every * (number + 1)

    def _pass(self, function: Any, *arguments: Any) -> Any:
        if self._variable is None:
            return super()._pass(function, *arguments)
        while self._time(len(self._drawn)) <= self.cycles + _AHEAD:
            self._draw(self._variable)
        result = super()._pass(function, *arguments)
        lost = self._ffi.new("uint64_t *")
        struck = self._library.chip_struck(self._open, lost)
        if lost[0] or struck != self.flips:
            raise DepositLost(f"all of {self.flips} flips must be done and read back, not {struck - lost[0]}")
        return result

    def _draw(self, variable: NDArray[np.uint32]) -> None:
        """Draw the next flips."""
        bits = self._bits.integers(self.space.bits, size=_DRAWN)
        faults = np.zeros(_DRAWN, FAULT)
        faults["variable"] = variable[self.space.owner[bits]]
        faults["element"], faults["bit"] = self.space.element[bits], self.space.bit[bits]
        times = self._time(len(self._drawn)) + self.every * np.arange(_DRAWN)
        if times[-1] >= 1 << 32:
            raise ValueError("a storm must be over within 2^32 cycles")
        faults["time"] = times
        self._library.chip_plan(self._open, self._ffi.cast("void *", self._ffi.from_buffer(faults)), _DRAWN)
        self._drawn = np.concatenate([self._drawn, bits])
