"""The golden model: the accelerator at the level of commands, bit for bit. numpy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.commands import ErrorCode, decode
from vanallen.rtl.config import COMMAND_WORDS, Config
from vanallen.rtl.registers import DEFAULT_STEAL_INTERVAL

from .arithmetic import matrix_product, requantize
from .layer import AddressSequence, address_errors, check_command, input_addresses

__all__ = ["GoldenAccelerator", "GoldenJob", "GoldenLayer"]

_GATHERED_BYTES = 1 << 23
"""Size of the pieces in which a layer's patches are gathered; bounds memory, not results."""


@dataclass(frozen=True)
class GoldenLayer:
    """What one command computed.

    ``fields`` are its field values; ``accumulators`` int32 are [rows, column_blocks * C], ``outputs`` int8 what it
    wrote to activation RAM, [rows, output_groups * R]; both with the padding channels.
    """

    command: int
    fields: Mapping[str, int]
    accumulators: NDArray[np.int32]
    outputs: NDArray[np.int8]


@dataclass(frozen=True)
class GoldenJob:
    """How a job ended: ``error`` is ``NONE`` or what stopped it at ``command``; ``layers`` are those completed.

    Where a command has address errors of several kinds, ``errors`` has all of them: the chip reports the one it meets
    first in time, the golden model the first in the order of their codes.
    """

    error: ErrorCode
    command: int
    layers: tuple[GoldenLayer, ...]
    errors: tuple[ErrorCode, ...] = ()


class GoldenAccelerator:
    """The accelerator's memories and what a job does to them.

    The memories are arrays to read and write freely between jobs, zero at first as after the chip's reset:

    ============ ======= =====================================================
    activation   int8    [words, R]
    weight       int8    [words, C]
    parameters   records [rows, lanes] of bias (int32) and scale (float32)
    bias, scale          views of the fields of ``parameters``
    commands     uint64  [rows]
    ============ ======= =====================================================

    Parameters
    ----------
    config : Config
        Sizes of the accelerator.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.activation = np.zeros((config.activation_words, config.rows), np.int8)
        self.weight = np.zeros((config.weight_words, config.columns), np.int8)
        self.parameters = np.zeros((config.parameter_rows, config.lanes), [("bias", "<i4"), ("scale", "<f4")])
        self.bias: NDArray[np.int32] = self.parameters["bias"]
        self.scale: NDArray[np.float32] = self.parameters["scale"]
        self.commands = np.zeros(config.command_rows, np.uint64)

    def clear(self) -> None:
        """Fill every memory with zeros, as the chip does after a reset."""
        for memory in (self.activation, self.weight, self.bias, self.scale, self.commands):
            memory[...] = 0

    def run(self, first: int, count: int, *, steal_interval: int = DEFAULT_STEAL_INTERVAL) -> GoldenJob:
        """Run ``count`` commands from command ``first``, until one is in error.

        A command in error changes nothing here; what the chip wrote of its outputs until then is undefined. ``command``
        of the result is the one in error, else the last one; ``first`` where the job itself is bad.

        Raises
        ------
        ValueError
            If a layer's scale is negative, infinite or not a number, for which the arithmetic is undefined.
        """
        if count < 1 or first < 0 or first + count > self.config.commands or steal_interval < 16:
            return GoldenJob(ErrorCode.BAD_JOB, first % self.config.commands, (), (ErrorCode.BAD_JOB,))
        layers: list[GoldenLayer] = []
        for command in range(first, first + count):
            words = [int(word) for word in self.commands[COMMAND_WORDS * command : COMMAND_WORDS * (command + 1)]]
            error = check_command(self.config, words)
            if error:
                return GoldenJob(error, command, tuple(layers), (error,))
            fields = decode(words)
            sequence = input_addresses(fields)
            errors = address_errors(self.config, fields, sequence)
            if errors:
                return GoldenJob(errors[0], command, tuple(layers), errors)
            layers.append(self._layer(command, fields, sequence))
        return GoldenJob(ErrorCode.NONE, first + count - 1, tuple(layers))

    def _layer(self, command: int, fields: Mapping[str, int], sequence: AddressSequence) -> GoldenLayer:
        accumulators = self._accumulate(fields, sequence)
        outputs = self._requantize(fields, accumulators)
        self._store(fields, outputs)
        return GoldenLayer(command, fields, accumulators, outputs)

    def _accumulate(self, fields: Mapping[str, int], sequence: AddressSequence) -> NDArray[np.int32]:
        columns, groups = fields["column_blocks"] * self.config.columns, fields["input_groups"]
        depth = sequence.start.shape[1] * groups * self.config.rows
        base = fields["weight_base"]
        tiles = self.weight[base : base + fields["column_blocks"] * depth]
        tiles = tiles.reshape(fields["column_blocks"], depth, self.config.columns)
        weights = np.ascontiguousarray(tiles.transpose(1, 0, 2)).reshape(depth, columns)
        result = np.empty((fields["rows"], columns), np.int32)
        step = max(1, _GATHERED_BYTES // depth)
        for row in range(0, fields["rows"], step):
            real = sequence.real[row : row + step]
            start = np.where(real, sequence.start[row : row + step], 0)
            patches = self.activation[(start[..., None] + np.arange(groups)) % len(self.activation)]
            patches[~real] = fields["input_zero_point"]
            result[row : row + step] = matrix_product(patches.reshape(-1, depth), weights)
        return result

    def _requantize(self, fields: Mapping[str, int], accumulators: NDArray[np.int32]) -> NDArray[np.int8]:
        base, groups = fields["parameter_base"], fields["output_groups"]
        rows = slice(base, base + groups * self.config.steps_per_word)
        return requantize(
            accumulators[:, : groups * self.config.rows],
            self.bias[rows].reshape(-1),
            self.scale[rows].reshape(-1),
            fields["output_zero_point"],
            fields["clamp_low"],
            fields["clamp_high"],
        )

    def _store(self, fields: Mapping[str, int], outputs: NDArray[np.int8]) -> None:
        base = fields["output_base"]
        self.activation[base : base + fields["rows"] * fields["output_groups"]] = outputs.reshape(-1, self.config.rows)
