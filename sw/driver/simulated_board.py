"""A board in this process: the chip with its host link, simulated at its pins, behind a pseudo-terminal.

``python -m vanallen.sw.driver.simulated_board --config nano`` prints the name of the pseudo-terminal and serves it
until it is interrupted; ``vanallen run digits --input digits:test --target serial:NAME --config nano`` runs there.
"""

from __future__ import annotations

import argparse
import os
import select
import threading
import tty
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import cffi

from vanallen.rtl.config import PRESETS, Config, preset
from vanallen.rtl.link.rmap import BAUD

from .library import build_library
from .simulation import CACHE

__all__ = ["BoardModel", "SimulatedBoard", "main"]

_LINK_HZ = 8 * BAUD
"""So that a bit takes 8 cycles, the fewest there are: simulated time is what costs."""

_SLICE = 2000
"""Cycles from one look at the pseudo-terminal to the next."""

_QUIET = 4 * _SLICE
"""Cycles that pass after the last byte; more than the link needs to answer a command."""

_INTERFACE = """
void *chip_open(unsigned divisor);
void chip_close(void *board);
void chip_run(void *board, uint64_t cycles, const uint8_t *in, size_t count, size_t *taken, uint8_t *out,
              size_t capacity, size_t *given);
int chip_moving(const void *board);
int chip_interrupt(const void *board);
unsigned chip_discarded(const void *board);
uint64_t chip_cycles(const void *board);
"""
"""What uart_pins.cpp exports."""


class BoardModel:
    """The Verilator model of a board, by the bytes that go through the pins of its serial line.

    Raises
    ------
    ToolMissing, BuildError
        If the model can't be built.
    """

    def __init__(
        self, config: Config, *, link_hz: int = _LINK_HZ, baud: int = BAUD, cache: Path = CACHE,
        report: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        # Not at the top: it loads Amaranth, which nothing else in this layer needs.
        from vanallen.rtl.verilog import SYSTEM_TOP, system_verilog

        shim = resources.files(__package__).joinpath("uart_pins.cpp").read_text()
        text = system_verilog(config, link_hz=link_hz, baud=baud)
        library = build_library(text, SYSTEM_TOP, cache, shim=shim, report=report)
        self._ffi: Any = cffi.FFI()
        self._ffi.cdef(_INTERFACE)
        self._library = self._ffi.dlopen(str(library))
        self._board = self._ffi.gc(self._library.chip_open(round(link_hz / baud)), self._library.chip_close)
        self._out = self._ffi.new("uint8_t[4096]")

    def run(self, cycles: int, sent: bytes) -> tuple[int, bytes]:
        """Run for ``cycles``: how many of the bytes ``sent`` the line has taken, and the bytes the board has sent."""
        taken, given = self._ffi.new("size_t *"), self._ffi.new("size_t *")
        self._library.chip_run(self._board, cycles, sent, len(sent), taken, self._out, len(self._out), given)
        return int(taken[0]), bytes(self._ffi.buffer(self._out, given[0]))

    @property
    def moving(self) -> bool:
        """Whether a byte is on its way."""
        return bool(self._library.chip_moving(self._board))

    @property
    def interrupt(self) -> bool:
        """The interrupt line."""
        return bool(self._library.chip_interrupt(self._board))

    @property
    def discarded(self) -> int:
        """Packets the link made nothing of."""
        return int(self._library.chip_discarded(self._board))

    @property
    def cycles(self) -> int:
        """Cycles simulated so far."""
        return int(self._library.chip_cycles(self._board))


class SimulatedBoard:
    """A board behind the pseudo-terminal ``port``, served by a thread until :meth:`close`.

    Simulated time passes while bytes move on the line and a little longer; a job goes on while its status is asked for.
    """

    def __init__(self, model: BoardModel) -> None:
        self.model = model
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        incoming, outgoing, quiet = b"", b"", 0
        while True:
            idle = not incoming and quiet >= _QUIET
            writes = [self._master] if outgoing else []
            readable, writable, _ = select.select([self._master, self._stop_read], writes, [], None if idle else 0)
            if self._stop_read in readable:
                return
            if self._master in readable:
                incoming += os.read(self._master, 4096)
            if writable:
                outgoing = outgoing[os.write(self._master, outgoing) :]
            taken, out = self.model.run(_SLICE, incoming)
            incoming, outgoing = incoming[taken:], outgoing + out
            quiet = 0 if taken or out or self.model.moving else quiet + _SLICE

    def close(self) -> None:
        """Stop serving. May be called twice."""
        if self._thread.is_alive():
            os.write(self._stop_write, b"x")
            self._thread.join()
            for descriptor in (self._master, self._slave, self._stop_read, self._stop_write):
                os.close(descriptor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a board until it is interrupted."""
    parser = argparse.ArgumentParser(prog="python -m vanallen.sw.driver.simulated_board", description=__doc__)
    parser.add_argument("--config", choices=list(PRESETS), default="nano", help="configuration of the chip")
    config = preset(parser.parse_args(arguments).config)
    board = SimulatedBoard(BoardModel(config, report=lambda line: print(line, flush=True)))
    print(f"{config.name} at {board.port}; interrupt to end", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        board.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
