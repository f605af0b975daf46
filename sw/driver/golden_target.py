"""The target ``golden``: the chip's address map over the golden model. A job takes no time; every counter reads 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import Config
from vanallen.rtl.registers import (
    REGISTERS,
    Access,
    Register,
    State,
    Window,
    window_banks,
    window_stride,
)
from vanallen.sw.golden import GoldenAccelerator, GoldenJob

from .checksum import transfer_checksum
from .packing import pack_register, pack_rows, unpack_register
from .target import BUS_BYTES, BusError, Response, check_address

__all__ = ["GoldenTarget"]

_PROTECTED = ("replay_limit",)
"""Settings that only a protected chip has; they read as zero on another one."""


def _register_at(address: int) -> Register:
    for entry in REGISTERS:
        if entry.address <= address < entry.address + BUS_BYTES * entry.words:
            return entry
    raise BusError(address, Response.SLVERR)


class GoldenTarget:
    """The golden model as a :class:`~vanallen.sw.driver.target.Target`.

    It answers as the chip does, SLVERR where there is nothing and in the wrong direction, except that jobs end within
    the write to ``start``, counters and ``layer_cycles`` read 0, and a reset takes no time. Settings of what takes time
    (the governor, the watchdog's patience) or repairs (``replay_limit``) are kept and change nothing. Of a protected
    chip there are the checksums of transfers, and counters of faults that never count: nothing is ever injected.

    Parameters
    ----------
    config : Config
        Configuration of the chip.

    Attributes
    ----------
    accelerator : GoldenAccelerator
        The model behind the registers.
    last_job : GoldenJob or None
        What the last job computed, layer by layer.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.accelerator = GoldenAccelerator(config)
        self._reset()

    def _reset(self) -> None:
        self.accelerator.clear()
        self.last_job: GoldenJob | None = None
        self._status = {"state": int(State.READY)}
        self._checksums = {"written": 0, "read_back": 0}
        self._settings = {
            entry.name: {field.name: field.reset or 0 for field in entry.fields}
            for entry in REGISTERS
            if entry.access is Access.READ_WRITE and (self.config.protected or entry.name not in _PROTECTED)
        }

    def write(self, address: int, data: int) -> None:
        """Write one word."""
        self.write_block(address, np.array([data], np.uint64))

    def read(self, address: int) -> int:
        """Read one word."""
        return int(self.read_block(address, 1)[0])

    def write_block(self, address: int, data: NDArray[np.uint64]) -> None:
        """Write the words of ``data`` to ascending addresses from ``address``, up to the first that is refused."""
        check_address(address, len(data))
        done = 0
        while done < len(data):
            here = address + BUS_BYTES * done
            if here < Window.COMMAND.base:
                self._write_register(here, int(data[done]))
                done += 1
            else:
                done += self._write_window(here, data[done:])

    def read_block(self, address: int, count: int) -> NDArray[np.uint64]:
        """Read ``count`` words at ascending addresses from ``address``."""
        check_address(address, count)
        data = np.zeros(count, np.uint64)
        done = 0
        while done < count:
            here = address + BUS_BYTES * done
            if here < Window.COMMAND.base:
                data[done] = self._read_register(here)
                done += 1
            else:
                words = self._rows(here, count - done)[2]
                self._sum("read_back", words)
                data[done : done + len(words)] = words
                done += len(words)
        return data

    def wait(self, cycles: int) -> None:
        """Return at once: there is never a job under way."""

    def close(self) -> None:
        """Do nothing."""

    def _memory(self, address: int) -> tuple[Window, NDArray[Any]]:
        """The window that ``address`` lies in and its memory; a window without one is part of the window before it."""
        window = max(entry for entry in Window if entry.base <= address)
        memories: dict[Window, NDArray[Any]] = {
            Window.COMMAND: self.accelerator.commands.reshape(-1, 1),
            Window.PARAMETER: self.accelerator.parameters,
            Window.WEIGHT: self.accelerator.weight,
            Window.ACTIVATION: self.accelerator.activation,
        }
        return window, memories[window]

    def _rows(self, address: int, count: int) -> tuple[NDArray[Any], int, NDArray[np.uint64]]:
        """The memory rows that up to ``count`` words from ``address`` lie in, the first word's place, and the words."""
        window, memory = self._memory(address)
        stride = window_stride(self.config, window)
        first, place = divmod(address - window.base, stride)
        if first >= len(memory):
            raise BusError(address, Response.SLVERR)
        place //= BUS_BYTES
        banks, _ = window_banks(self.config, window)
        if place >= banks:
            raise BusError(address, Response.SLVERR)
        if banks * BUS_BYTES < stride:
            count = min(count, banks - place)
        rows = memory[first : first + -(-(place + count) * BUS_BYTES // stride)]
        return rows, place, pack_rows(rows, stride)[place : place + count]

    def _write_window(self, address: int, data: NDArray[np.uint64]) -> int:
        """Write as many words of ``data`` as the memory at ``address`` has room for; their number."""
        window, _ = self._memory(address)
        stride = window_stride(self.config, window)
        rows, place, old = self._rows(address, len(data))
        words = pack_rows(rows, stride)
        words[place : place + len(old)] = data[: len(old)]
        raw = words.astype("<u8", copy=False).view(np.uint8).reshape(len(rows), stride)
        view = rows.view(np.uint8).reshape(len(rows), -1)
        view[:] = raw[:, : view.shape[1]]
        self._sum("written", data[: len(old)], address)
        return len(old)

    def _sum(self, name: str, words: NDArray[np.uint64], address: int | None = None) -> None:
        if self.config.protected:
            self._checksums[name] = transfer_checksum(words, address, self._checksums[name])

    def _read_register(self, address: int) -> int:
        entry = _register_at(address)
        if entry.access is Access.WRITE:
            raise BusError(address, Response.SLVERR)
        values = {"status": self._status, **self._settings}
        values |= {name: {"checksum": total} for name, total in self._checksums.items()}
        return pack_register(entry, **values.get(entry.name, entry.constants(self.config)))

    def _write_register(self, address: int, data: int) -> None:
        entry = _register_at(address)
        if entry.access is Access.READ:
            raise BusError(address, Response.SLVERR)
        values = unpack_register(entry, data)
        if entry.name == "start":
            self._start(**values)
        elif entry.name == "reset" and values["reset"]:
            self._reset()
        elif entry.name == "interrupt":
            pending = self._settings["interrupt"]["pending"] & ~values["pending"]
            self._settings["interrupt"] = {"enable": values["enable"], "pending": pending}
        elif entry.name in self._checksums:
            self._checksums[entry.name] = 0
        elif entry.name in self._settings:
            self._settings[entry.name] = values

    def _start(self, *, first: int, count: int, job: int, patience: int = 0) -> None:
        self.last_job = self.accelerator.run(first, count, steal_interval=self._settings["steal_interval"]["slots"])
        self._settings["interrupt"]["pending"] = 1
        blocks = 0
        if self.last_job.error is ErrorCode.NONE:
            fields = self.last_job.layers[-1].fields
            blocks = fields["column_blocks"] * -(-fields["rows"] // fields["block_rows"])
        self._status = {
            "state": State.FAILED if self.last_job.error else State.DONE,
            "error": self.last_job.error,
            "command": self.last_job.command,
            "job": job,
            "blocks": blocks % (1 << 16),
        }
