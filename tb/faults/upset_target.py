"""The simulated chip as a driver's target, in which stored bits flip at given cycles, whatever the host does."""

from __future__ import annotations

import hashlib
import re
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
from .storage import expose, find_storage
from .variables import INTERFACE, find, headers, list_variables

__all__ = ["UpsetTarget"]

_INTERFACE = """
void chip_plan(void *chip, const void *faults, size_t count);
uint64_t chip_struck(const void *chip, uint64_t *lost);
void chip_keep(void *chip);
void chip_back(void *chip);
void chip_mark(void *chip);
uint32_t chip_worst(const void *chip, const uint32_t *variables, size_t count);
"""


_RAM = re.compile(r"accelerator\.(activation|weight|parameter|command)_ram\.")


class UpsetTarget(LibraryTarget):
    """The chip of a configuration. A flip comes just after a rising edge, and all logic of the cycle sees it; that it
    does is read back.

    Parameters
    ----------
    config : Config
        The chip.
    memories : bool, optional
        Whether to flip bits of memories only, or of registers only; None for all alike.
    quick : bool
        Compiled without optimization: for a short run.
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
    """

    def __init__(
        self,
        config: Config,
        *,
        memories: bool | None = None,
        quick: bool = False,
        cache: Path = CACHE,
        report: Callable[[str], None] | None = None,
    ) -> None:
        text = verilog(config)
        shim = "#define VANALLEN_UPSETS\n" + resources.files(driver).joinpath("axi_lite.cpp").read_text()
        library = build_library(
            expose(text), TOP, cache, shim=shim, headers=headers("upsets.h"), quick=quick, report=report
        )
        self.config = config
        self.design_hash = hashlib.sha256(text.encode()).hexdigest()[:16]
        storage = find_storage(text)
        self.space: Space = make_space(storage, start=0, end=1, memories=memories)
        super().__init__(library)
        self._ffi.cdef(INTERFACE + _INTERFACE)
        symbols = list_variables(self._ffi, self._library, self._open)
        self._variable = np.array(find(symbols, storage), np.uint32)
        work = [entry.is_memory and _RAM.match(entry.name) is not None for entry in storage]
        self._memories = np.ascontiguousarray(self._variable[work])

    def plan(self, bits: NDArray[np.integer[Any]], times: NDArray[np.integer[Any]]) -> None:
        """Have the ``bits`` (numbers within :attr:`space`) flip at ``times``, cycles of :attr:`cycles` in their order
        and behind those that are planned.

        Raises
        ------
        ValueError
            If a time is 2^32 or more.
        """
        if len(times) and times[-1] >= 1 << 32:
            raise ValueError(f"flips must be before cycle 2^32, not at {times[-1]}")
        faults = np.zeros(len(bits), FAULT)
        faults["variable"] = self._variable[self.space.owner[bits]]
        faults["element"], faults["bit"] = self.space.element[bits], self.space.bit[bits]
        faults["time"] = times
        self._library.chip_plan(self._open, self._ffi.cast("void *", self._ffi.from_buffer(faults)), len(faults))

    def struck(self) -> int:
        """How many flips have come.

        Raises
        ------
        DepositLost
            If one didn't read back.
        """
        lost = self._ffi.new("uint64_t *")
        struck = int(self._library.chip_struck(self._open, lost))
        if lost[0]:
            raise DepositLost(f"all of {struck} flips must be read back, not {struck - lost[0]}")
        return struck

    def keep(self) -> None:
        """Keep the chip's state for :meth:`back`."""
        self._library.chip_keep(self._open)

    def back(self) -> None:
        """Give the chip the state that was kept; :attr:`cycles` go on, and flips that are planned stay so."""
        self._library.chip_back(self._open)

    def mark(self) -> None:
        """Remember what the memories hold, for :meth:`worst_word`."""
        self._library.chip_mark(self._open)

    def worst_word(self) -> int:
        """In how many bits a word of activation, weight, parameter or command RAM differs from what was marked, at
        worst; in a protected chip one is put right when the word is read."""
        variables = self._ffi.from_buffer("uint32_t[]", self._memories)
        return int(self._library.chip_worst(self._open, variables, len(self._memories)))
