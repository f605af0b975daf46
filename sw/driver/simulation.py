"""The target ``sim``: the chip's Verilog, simulated in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cffi
import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.config import Config

from .library import build_library
from .target import BUS_BYTES, BusError, Response, TargetTimeout, check_address

__all__ = ["CACHE", "LibraryTarget", "SimulationTarget"]

CACHE = Path("build/simulation")
"""Where libraries are kept, from the current folder."""

_RESET_CYCLES = 4
_PATIENCE = 10_000
"""Cycles without a handshake after which an access is given up."""

_SLICE = 1 << 18
"""Cycles simulated before Python has a look whether the user interrupts."""

_INTERFACE = """
typedef struct { uint64_t index; uint32_t response; } failure;
void *chip_open(const char *waves);
void chip_close(void *chip);
void chip_reset(void *chip, uint64_t cycles);
uint64_t chip_cycles(const void *chip);
int chip_write(void *chip, uint32_t address, const uint64_t *data, size_t count, uint64_t patience, failure *failure);
int chip_read(void *chip, uint32_t address, uint64_t *data, size_t count, uint64_t patience, failure *failure);
int chip_meet(void *chip, uint32_t write_address, uint64_t word, uint8_t strobe, uint64_t late, uint32_t read_address,
              uint64_t *read, uint64_t patience, failure *failure);
int chip_wait(void *chip, uint64_t limit);
void chip_select(void *chip, uint32_t mutant);
"""
"""What axi_lite.cpp exports; the last one only in a library built with ``select``."""


class LibraryTarget:
    """A chip in a library of :func:`~.library.build_library`, as a :class:`~.target.Target`.

    Blocks move at one bus word a cycle where the chip lets them. Time passes only within accesses and ``wait``.

    Parameters
    ----------
    library : Path
        The library.
    waves : Path, optional
        The VCD file that a library built for waves writes; complete after :meth:`close`.
    """

    def __init__(self, library: Path, *, waves: Path | None = None) -> None:
        self._ffi: Any = cffi.FFI()
        self._ffi.cdef(_INTERFACE)
        self._library = self._ffi.dlopen(str(library))
        if waves is not None:
            waves.parent.mkdir(parents=True, exist_ok=True)
            waves.touch()
        opened = self._library.chip_open(str(waves or "").encode())
        self._chip: Any = self._ffi.gc(opened, self._library.chip_close)
        self.reset()

    @property
    def _open(self) -> Any:
        if self._chip is None:
            raise ValueError("target must be open, not closed")
        return self._chip

    @property
    def cycles(self) -> int:
        """Cycles simulated so far."""
        return int(self._library.chip_cycles(self._open))

    def reset(self) -> None:
        """Hold the chip's reset for a few cycles: the way out after a ``TargetTimeout`` too."""
        self._pass(self._library.chip_reset, _RESET_CYCLES)

    def _pass(self, function: Any, *arguments: Any) -> Any:
        """Call a function of the library in which cycles go by: each comes through here."""
        return function(self._open, *arguments)

    def write(self, address: int, data: int) -> None:
        """Write one word."""
        self.write_block(address, np.array([data], np.uint64))

    def read(self, address: int) -> int:
        """Read one word."""
        return int(self.read_block(address, 1)[0])

    def write_block(self, address: int, data: NDArray[np.uint64]) -> None:
        """Write the words of ``data`` to ascending addresses from ``address``; an error doesn't stop it."""
        self._transfer(self._library.chip_write, address, np.ascontiguousarray(data, np.uint64))

    def read_block(self, address: int, count: int) -> NDArray[np.uint64]:
        """Read ``count`` words at ascending addresses from ``address``."""
        data = np.zeros(max(count, 0), np.uint64)
        check_address(address, count)
        self._transfer(self._library.chip_read, address, data)
        return data

    def _transfer(self, function: Any, address: int, data: NDArray[np.uint64]) -> None:
        check_address(address, len(data))
        failure = self._ffi.new("failure *")
        words = self._ffi.from_buffer("uint64_t[]", data)
        timeout = self._pass(function, address, words, len(data), _PATIENCE, failure)
        failed = address + BUS_BYTES * int(failure.index)
        if timeout:
            raise TargetTimeout(f"the chip stopped answering a transfer at {address:#08x}: {_PATIENCE} cycles went by")
        if failure.response:
            raise BusError(failed, Response(failure.response))

    def meet(self, write_address: int, word: int, read_address: int, *, strobe: int = 0xFF, late: int = 0) -> int:
        """Offer a write and a read in the same cycle, and return the word read.

        The word comes ``late`` cycles after its address, with the byte strobes ``strobe``. Raises :class:`BusError` and
        :class:`TargetTimeout` as the accesses one by one do.
        """
        check_address(write_address)
        check_address(read_address)
        failure, read = self._ffi.new("failure *"), self._ffi.new("uint64_t *")
        access = (write_address, word, strobe, late, read_address, read)
        if self._pass(self._library.chip_meet, *access, _PATIENCE, failure):
            raise TargetTimeout(f"the chip stopped answering at {write_address:#08x} or {read_address:#08x}")
        if failure.response:
            raise BusError(read_address if failure.index else write_address, Response(failure.response))
        return int(read[0])

    def wait(self, cycles: int) -> None:
        """Let the chip run until its interrupt line is high, or for ``cycles`` cycles."""
        left = cycles
        while left > 0 and self._pass(self._library.chip_wait, min(left, _SLICE)):
            left -= _SLICE

    def close(self) -> None:
        """Free the model and complete the waves."""
        if self._chip is not None:
            self._ffi.release(self._chip)
            self._chip = None


class SimulationTarget(LibraryTarget):
    """The chip of a configuration, simulated from its own Verilog.

    Parameters
    ----------
    config : Config
        Configuration of the chip.
    waves : Path, optional
        VCD file to write, from reset on.
    cache : Path
        Folder in which built libraries are kept.
    report : callable, optional
        Called with a line to show before something is built, which takes a while.

    Raises
    ------
    ToolMissing
        If a tool to build it with isn't installed.
    BuildError
        If building fails.
    """

    def __init__(
        self,
        config: Config,
        *,
        waves: Path | None = None,
        cache: Path = CACHE,
        report: Callable[[str], None] | None = None,
    ) -> None:
        # Not at the top: it loads Amaranth, which nothing else in this layer needs.
        from vanallen.rtl.verilog import verilog

        library = build_library(verilog(config), "vanallen", cache, waves=waves is not None, report=report)
        super().__init__(library, waves=waves)
        self.config = config
