"""What stays on the chip while a program runs: weights, parameters and commands of all layers, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from vanallen.rtl.commands import encode
from vanallen.rtl.config import COMMAND_WORDS, Config
from vanallen.sw.golden.arithmetic import wrap_int32

from .errors import CapacityError
from .layer import QuantizedLayer
from .lower import column_blocks

__all__ = ["Resident", "pack_parameters", "pack_weights"]


def pack_weights(config: Config, arranged: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Weights [outputs, words of a pixel, R] as weight words [column blocks * words * R, C]."""
    outputs, words, rows = arranged.shape
    padded = np.pad(arranged, ((0, -outputs % config.columns), (0, 0), (0, 0)))
    blocks = padded.reshape(-1, config.columns, words * rows)
    return np.ascontiguousarray(blocks.transpose(0, 2, 1)).reshape(-1, config.columns)


def pack_parameters(config: Config, layer: QuantizedLayer) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Bias and scale rows, [rows, lanes]: the input's zero point is folded into the bias; a channel beyond the layer's
    has bias 0 and scale 1."""
    sums = layer.weights.sum(axis=(1, 2, 3), dtype=np.int64)
    bias = wrap_int32(layer.bias.astype(np.int64) - layer.source.chip_zero_point * sums)
    missing = (0, -len(bias) % config.columns)
    return (
        np.pad(bias, missing).reshape(-1, config.lanes),
        np.pad(layer.scale, missing, constant_values=np.float32(1)).reshape(-1, config.lanes),
    )


@dataclass
class Resident:
    """Contents of the resident memories as layers are added."""

    config: Config
    names: list[str] = field(default_factory=list)
    weights: list[npt.NDArray[np.int8]] = field(default_factory=list)
    bias: list[npt.NDArray[np.int32]] = field(default_factory=list)
    scale: list[npt.NDArray[np.float32]] = field(default_factory=list)
    fields: list[dict[str, int]] = field(default_factory=list)
    weight_words: int = 0
    parameter_rows: int = 0

    def add(self, layer: QuantizedLayer, arranged: npt.NDArray[np.int8]) -> tuple[int, int]:
        """Appends the layer's weights and parameters; returns its first weight word and first parameter row."""
        bases = self.weight_words, self.parameter_rows
        bias, scale = pack_parameters(self.config, layer)
        self.names.append(layer.name)
        self.weights.append(pack_weights(self.config, arranged))
        self.bias.append(bias)
        self.scale.append(scale)
        self.weight_words += len(self.weights[-1])
        self.parameter_rows += column_blocks(self.config, layer) * self.config.parameter_rows_per_column_block
        return bases

    def check(self) -> None:
        """CapacityError if a memory is too small: which, what is needed, and the first layer that doesn't fit."""
        columns, lanes = self.config.columns, self.config.lanes
        self._check("weight RAM", [len(part) * columns for part in self.weights],
                    self.config.weight_bytes, "bytes")  # fmt: skip
        self._check("parameter RAM", [len(part) * lanes for part in self.bias],
                    self.config.parameter_rows * lanes, "output channels")  # fmt: skip
        self._check("command RAM", [1] * len(self.fields), self.config.commands, "commands")

    def _check(self, memory: str, needs: Sequence[int], available: int, unit: str) -> None:
        total = 0
        for name, need in zip(self.names, needs, strict=True):
            total += need
            if total > available:
                raise CapacityError(
                    f"{memory} of {self.config.name} holds {available:,} {unit}, the model needs {sum(needs):,}: layer "
                    f"{name} ({need:,}) is the first that doesn't fit; take a larger configuration or a smaller model"
                )

    def command_words(self) -> npt.NDArray[np.uint64]:
        """The encoded commands, [commands, 8]."""
        return np.array([encode(fields) for fields in self.fields], np.uint64).reshape(-1, COMMAND_WORDS)
