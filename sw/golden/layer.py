"""What one command does: the hardware's checks, its address sequence, and the layer it computes. numpy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.commands import ErrorCode, Opcode, checksum, decode
from vanallen.rtl.config import Config

__all__ = ["AddressSequence", "address_errors", "check_addresses", "check_command", "input_addresses"]

_COUNTS = ("column_blocks", "output_groups", "rows", "block_rows", "output_width", "input_groups", "input_height",
           "input_width", "input_words", "output_words")  # fmt: skip
_ADDRESSES = 1 << 16


def check_command(config: Config, words: Sequence[int]) -> ErrorCode:
    """What the decoder says of a command's eight words before any address is made: the first of its checks to fail."""
    fields = decode(words)
    if fields["checksum"] != checksum(words):
        return ErrorCode.BAD_CHECKSUM
    if fields["opcode"] not in tuple(Opcode):
        return ErrorCode.BAD_OPCODE
    if any(fields[name] for name in fields if name.startswith("reserved")):
        return ErrorCode.BAD_RESERVED
    return _check_shape(config, fields) or _check_regions(config, fields)


def _check_shape(config: Config, fields: Mapping[str, int]) -> ErrorCode:
    kernel = fields["kernel_height"], fields["kernel_width"]
    stride = fields["stride_height"], fields["stride_width"]
    line = (*kernel, *stride, fields["input_height"], fields["pad_top"], fields["pad_left"])
    spare_groups = fields["column_blocks"] * config.words_per_column_block - fields["output_groups"]
    if not all(fields[name] for name in _COUNTS) or not 0 <= spare_groups < config.words_per_column_block:
        return ErrorCode.BAD_SHAPE
    if fields["opcode"] == Opcode.MATMUL and line != (1, 1, 1, 1, 1, 0, 0):
        return ErrorCode.BAD_SHAPE
    if not all(1 <= size <= 7 for size in kernel):
        return ErrorCode.BAD_KERNEL
    if not all(1 <= step <= 4 for step in stride):
        return ErrorCode.BAD_STRIDE
    if fields["block_rows"] > config.accumulator_rows:
        return ErrorCode.BAD_BLOCK
    return ErrorCode.NONE


def _check_regions(config: Config, fields: Mapping[str, int]) -> ErrorCode:
    input_end = fields["input_base"] + fields["input_words"]
    output_end = fields["output_base"] + fields["output_words"]
    if input_end > config.activation_words:
        return ErrorCode.INPUT_REGION
    if output_end > config.activation_words:
        return ErrorCode.OUTPUT_REGION
    if fields["input_base"] < output_end and fields["output_base"] < input_end:
        return ErrorCode.OVERLAP
    return ErrorCode.NONE


@dataclass(frozen=True)
class AddressSequence:
    """The activation words a layer reads: for each output pixel and tap, ``input_groups`` words in a row.

    ``start`` [rows, kernel_height * kernel_width] is the address of the first, ``real`` of the same shape is false
    where the tap lies in the padding and nothing is read. Coordinates are those of the hardware, of 16 bits: what lies
    above or left of the image is large, and an output of 2^16 lines of input would come round again.
    """

    start: NDArray[np.int64]
    real: NDArray[np.bool_]


def input_addresses(fields: Mapping[str, int]) -> AddressSequence:
    """The address sequence of a layer, stepped as the hardware steps it: modulo 2^16, by the command's step fields."""
    line, column = np.divmod(np.arange(fields["rows"], dtype=np.int64), fields["output_width"])
    tap_line, tap = np.divmod(
        np.arange(fields["kernel_height"] * fields["kernel_width"], dtype=np.int64), fields["kernel_width"]
    )
    line_length = (fields["output_width"] - 1) * fields["pixel_step"] + fields["line_step"]
    pixel = fields["first_address"] + line * line_length + column * fields["pixel_step"]
    tap_line_length = fields["kernel_width"] * fields["input_groups"] - 1 + fields["tap_line_step"]
    offset = tap_line * tap_line_length + tap * fields["input_groups"]
    y = (line * fields["stride_height"] - fields["pad_top"])[:, None] + tap_line
    x = (column * fields["stride_width"] - fields["pad_left"])[:, None] + tap
    return AddressSequence(
        start=(pixel[:, None] + offset) % _ADDRESSES,
        real=(y % _ADDRESSES < fields["input_height"]) & (x % _ADDRESSES < fields["input_width"]),
    )


def address_errors(config: Config, fields: Mapping[str, int], sequence: AddressSequence) -> tuple[ErrorCode, ...]:
    """What is wrong with the addresses of a command whose fields passed :func:`check_command`.

    In the order input, weight, parameter, output. The chip meets them in the order of time and reports the first, so
    where there are several it may report any of them.
    """
    into_region = (sequence.start - fields["input_base"]) % _ADDRESSES
    reads_outside = sequence.real & (into_region + fields["input_groups"] > fields["input_words"])
    tiles = fields["kernel_height"] * fields["kernel_width"] * fields["input_groups"]
    weights, groups = fields["column_blocks"] * tiles * config.rows, fields["output_groups"]
    wrong = {
        ErrorCode.INPUT_ADDRESS: bool(reads_outside.any()),
        ErrorCode.WEIGHT_ADDRESS: fields["weight_base"] + weights > config.weight_words,
        ErrorCode.PARAMETER_ADDRESS: fields["parameter_base"] + groups * config.steps_per_word > config.parameter_rows,
        ErrorCode.OUTPUT_ADDRESS: fields["rows"] * groups > fields["output_words"],
    }
    return tuple(code for code, present in wrong.items() if present)


def check_addresses(config: Config, fields: Mapping[str, int], sequence: AddressSequence) -> ErrorCode:
    """The first of :func:`address_errors`, or ``NONE``."""
    return next(iter(address_errors(config, fields, sequence)), ErrorCode.NONE)
