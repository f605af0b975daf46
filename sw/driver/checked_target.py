"""The bus of a protected chip, as a host must use it: what was struck on its way is done again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.registers import Window, register

from .checksum import transfer_checksum
from .errors import TransferFailed
from .target import BUS_BYTES, BusError, Response, Target, check_address

__all__ = ["PIECE", "CheckedTarget"]

PIECE = 1024
"""Bus words that are transferred and compared at a time, and again where they differ."""

_ATTEMPTS = 3
"""Times that an access is made which is answered with SLVERR."""
_TRANSFERS = 4
"""Times that a piece is transferred."""
_READS = 8
"""Times that registers are read until two reads in turn agree."""

_WRITTEN = register("written").address
_READ_BACK = register("read_back").address

Result = TypeVar("Result")


def _repeated(access: Callable[[], Result], attempts: int = _ATTEMPTS) -> Result:
    """The result of ``access``, made again while the chip answers SLVERR: it refuses what was struck in its queues."""
    for _ in range(attempts - 1):
        try:
            return access()
        except BusError as error:
            if error.response is not Response.SLVERR:
                raise
    return access()


class CheckedTarget:
    """A protected chip at ``target`` as a :class:`~.target.Target` of which every access is checked.

    An access that is refused (SLVERR) is made again, up to twice. Registers are read until two reads in turn agree.
    Memories are transferred in pieces of :data:`PIECE` words; the checksum that the chip takes at the RAM
    (:mod:`vanallen.rtl.transfers`) must be that of what was sent or got, else the piece is transferred again, up to
    three times.

    Raises
    ------
    TransferFailed
        By an access, if checksums or reads never agree.
    BusError
        If the chip still refuses.
    """

    def __init__(self, target: Target) -> None:
        self.target = target

    def write(self, address: int, data: int) -> None:
        """Write one word."""
        if address >= Window.COMMAND.base:
            self.write_block(address, np.array([data], np.uint64))
        else:
            _repeated(lambda: self.target.write(address, data))

    def read(self, address: int) -> int:
        """Read one word."""
        return int(self.read_block(address, 1)[0])

    def write_block(self, address: int, data: NDArray[np.uint64]) -> None:
        """Write the words of ``data`` to ascending addresses from ``address``."""
        check_address(address, len(data))
        if address < Window.COMMAND.base:
            _repeated(lambda: self.target.write_block(address, data))
            return
        for start in range(0, len(data), PIECE):
            self._store(address + BUS_BYTES * start, data[start : start + PIECE])

    def read_block(self, address: int, count: int) -> NDArray[np.uint64]:
        """Read ``count`` words at ascending addresses from ``address``."""
        check_address(address, count)
        if address < Window.COMMAND.base:
            return self._registers(address, count)
        pieces = [
            self._fetch(address + BUS_BYTES * start, min(PIECE, count - start)) for start in range(0, count, PIECE)
        ]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.uint64)

    def wait(self, cycles: int) -> None:
        """Let the chip run until its interrupt line is high, or for ``cycles`` cycles."""
        self.target.wait(cycles)

    def close(self) -> None:
        """Release what the target holds."""
        self.target.close()

    def _store(self, address: int, words: NDArray[np.uint64]) -> None:
        def stored() -> int:
            self.write(_WRITTEN, 0)
            self.target.write_block(address, words)
            return self.read(_WRITTEN)

        want = transfer_checksum(words, address)
        if not any(_repeated(stored) == want for _ in range(_TRANSFERS)):
            raise TransferFailed("written to", address, len(words), _TRANSFERS)

    def _fetch(self, address: int, count: int) -> NDArray[np.uint64]:
        def fetched() -> tuple[NDArray[np.uint64], int]:
            self.write(_READ_BACK, 0)
            words = self.target.read_block(address, count)
            return words, self.read(_READ_BACK)

        for _ in range(_TRANSFERS):
            words, seen = _repeated(fetched)
            if transfer_checksum(words) == seen:
                return words
        raise TransferFailed("read from", address, count, _TRANSFERS)

    def _registers(self, address: int, count: int) -> NDArray[np.uint64]:
        def read() -> NDArray[np.uint64]:
            return self.target.read_block(address, count)

        words = _repeated(read)
        for _ in range(_READS - 1):
            before, words = words, _repeated(read)
            if np.array_equal(before, words):
                return words
        raise TransferFailed("read from", address, count, _READS)
