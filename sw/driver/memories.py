"""The memories of a chip, filled and read by nothing but writes and reads of addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.config import COMMAND_WORDS, Config
from vanallen.rtl.registers import Window, window_banks, window_rows, window_stride

from .packing import pack_rows, unpack_rows
from .target import BUS_BYTES, Target

__all__ = ["Memories"]


class Memories:
    """The memories of the chip of ``config`` on ``bus``; arrays of the wrong type or shape, and rows that aren't there,
    are refused (TypeError, ValueError)."""

    def __init__(self, bus: Target, *, config: Config) -> None:
        self._bus = bus
        self.config = config

    def _store(self, window: Window, row: int, values: NDArray[Any], name: str, columns: int, dtype: type) -> None:
        if values.dtype != np.dtype(dtype):
            raise TypeError(f"{name} must be {np.dtype(dtype)}, not {values.dtype}")
        if values.ndim != 2 or values.shape[1] != columns:
            raise ValueError(f"{name} must be of shape (rows, {columns}), not {values.shape}")
        self._write_rows(window, row, values, name)

    def _write_rows(self, window: Window, row: int, values: NDArray[Any], name: str) -> None:
        self._check_rows(window, row, len(values), name)
        words = pack_rows(values, window_stride(self.config, window))
        for address, part in self._blocks(window, row, len(values)):
            self._bus.write_block(address, words[part])

    def _blocks(self, window: Window, row: int, count: int) -> Iterator[tuple[int, slice]]:
        """Blocks of consecutive bus words that make up ``count`` rows: address, and place among the rows' words.

        One, except where a row doesn't fill its stride: nothing is at the addresses between rows then.
        """
        stride, (banks, _) = window_stride(self.config, window), window_banks(self.config, window)
        words = stride // BUS_BYTES
        if banks == words and count:
            yield window.base + row * stride, slice(0, count * words)
        elif banks < words:
            for index in range(count):
                yield window.base + (row + index) * stride, slice(index * words, index * words + banks)

    def _check_rows(self, window: Window, row: int, count: int, name: str) -> None:
        rows = window_rows(self.config, window)
        if row < 0 or count < 0 or row + count > rows:
            raise ValueError(f"{name} must lie in rows 0 to {rows - 1}, not {count} from row {row}")

    def load_activations(self, word: int, values: NDArray[np.int8]) -> None:
        """Write ``values`` int8 [n, R] to activation RAM from word ``word``."""
        self._store(Window.ACTIVATION, word, values, "activations", self.config.rows, np.int8)

    def read_activations(self, word: int, count: int) -> NDArray[np.int8]:
        """The ``count`` activation words from word ``word``, int8 [count, R]."""
        self._check_rows(Window.ACTIVATION, word, count, "activations")
        stride = window_stride(self.config, Window.ACTIVATION)
        words = np.zeros(count * stride // BUS_BYTES, np.uint64)
        for address, part in self._blocks(Window.ACTIVATION, word, count):
            words[part] = self._bus.read_block(address, part.stop - part.start)
        return unpack_rows(words, stride, self.config.rows, np.int8)

    def load_weights(self, word: int, values: NDArray[np.int8]) -> None:
        """Write ``values`` int8 [n, C] to weight RAM from word ``word``."""
        self._store(Window.WEIGHT, word, values, "weights", self.config.columns, np.int8)

    def load_parameters(self, row: int, bias: NDArray[np.int32], scale: NDArray[np.float32]) -> None:
        """Write ``bias`` int32 and ``scale`` float32, both [n, lanes], to parameter RAM from row ``row``."""
        lanes = self.config.lanes
        for name, values, dtype in (("bias", bias, np.int32), ("scale", scale, np.float32)):
            if values.dtype != np.dtype(dtype):
                raise TypeError(f"{name} must be {np.dtype(dtype)}, not {values.dtype}")
            if values.shape != (len(bias), lanes):
                raise ValueError(f"{name} must be of shape ({len(bias)}, {lanes}), not {values.shape}")
        records = np.empty(bias.shape, [("bias", "<i4"), ("scale", "<f4")])
        records["bias"], records["scale"] = bias, scale
        self._write_rows(Window.PARAMETER, row, records, "parameters")

    def load_commands(self, command: int, words: NDArray[np.uint64]) -> None:
        """Write the commands ``words`` uint64 [n, 8] to command RAM from command ``command``."""
        if words.ndim != 2 or words.shape[1] != COMMAND_WORDS:
            raise ValueError(f"commands must be of shape (commands, {COMMAND_WORDS}), not {words.shape}")
        self._store(Window.COMMAND, command * COMMAND_WORDS, words.reshape(-1, 1), "commands", 1, np.uint64)
