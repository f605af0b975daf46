"""What makes a command or a job illegal, and the error that must be reported."""

from __future__ import annotations

from vanallen.rtl.commands import FIELDS, ErrorCode, Field, Opcode
from vanallen.rtl.config import Config

__all__ = ["good_command", "illegal_changes", "illegal_jobs_of", "reserved_bits"]


def _reserved() -> list[Field]:
    return [field for field in FIELDS if field.name.startswith("reserved")]


def reserved_bits() -> list[dict[str, int]]:
    """Changes that set one reserved bit each."""
    return [{field.name: 1 << bit} for field in _reserved() for bit in range(field.width)]


def good_command() -> dict[str, int]:
    """A matrix product of four rows, one tile, from the first activation words to words 16 and following."""
    return {
        "opcode": Opcode.MATMUL, "rows": 4, "block_rows": 4, "output_width": 4, "input_height": 1, "input_width": 4,
        "input_groups": 1, "output_groups": 1, "column_blocks": 1, "kernel_height": 1, "kernel_width": 1,
        "stride_height": 1, "stride_width": 1, "input_base": 0, "input_words": 4, "output_base": 16, "output_words": 4,
        "first_address": 0, "pixel_step": 1, "line_step": 1, "tap_line_step": 1, "clamp_low": -128, "clamp_high": 127,
    }  # fmt: skip


def illegal_changes(config: Config) -> list[tuple[ErrorCode, dict[str, int]]]:
    """What makes the good command illegal, and the error that must be reported."""
    convolution = {"opcode": Opcode.CONVOLUTION}
    counts = ("column_blocks", "output_groups", "rows", "block_rows", "output_width", "input_groups", "input_height",
              "input_width", "input_words", "output_words")  # fmt: skip
    shapes = ({"kernel_height": 2}, {"kernel_width": 2}, {"stride_height": 2}, {"stride_width": 2}, {"pad_top": 1},
              {"pad_left": 1}, {"input_height": 2}, {"column_blocks": 2},
              {"output_groups": config.words_per_column_block + 1})  # fmt: skip
    return [
        *((ErrorCode.BAD_OPCODE, {"opcode": value}) for value in (0, 0x1C, 0x2F, 0xFF)),
        *((ErrorCode.BAD_RESERVED, {field.name: 1}) for field in _reserved()),
        *((ErrorCode.BAD_SHAPE, {name: 0}) for name in counts),
        *((ErrorCode.BAD_SHAPE, change) for change in shapes),
        *((ErrorCode.BAD_KERNEL, convolution | {name: value})
          for name in ("kernel_height", "kernel_width") for value in (0, 8, 15)),
        *((ErrorCode.BAD_STRIDE, convolution | {name: value})
          for name in ("stride_height", "stride_width") for value in (0, 5, 15)),
        (ErrorCode.BAD_BLOCK, {"block_rows": config.accumulator_rows + 1}),
        (ErrorCode.INPUT_REGION, {"input_base": config.activation_words - 3}),
        (ErrorCode.INPUT_REGION, {"input_base": 0xFFFF, "input_words": 0xFFFF}),
        (ErrorCode.OUTPUT_REGION, {"output_base": config.activation_words - 3}),
        (ErrorCode.OVERLAP, {"output_base": 3}),
        (ErrorCode.OVERLAP, {"input_base": 19, "first_address": 19}),
        (ErrorCode.INPUT_ADDRESS, {"first_address": 1}),
        (ErrorCode.INPUT_ADDRESS, {"first_address": 0xFFFF}),
        (ErrorCode.INPUT_ADDRESS, {"pixel_step": 2}),
        (ErrorCode.WEIGHT_ADDRESS, {"weight_base": config.weight_words - config.rows + 1}),
        (ErrorCode.PARAMETER_ADDRESS, {"parameter_base": config.parameter_rows - config.steps_per_word + 1}),
        (ErrorCode.OUTPUT_ADDRESS, {"output_words": 3}),
    ]  # fmt: skip


def illegal_jobs_of(config: Config) -> list[tuple[int, int, int]]:
    """First command, count and steal interval of jobs that end with ``BAD_JOB``."""
    commands = config.commands
    return [(0, 0, 1024), (3, 0, 1024), (commands - 1, 2, 1024), (commands, 1, 1024), (1, 0xFFFF, 1024),
            (0xFFFF, 0xFFFF, 1024), (3, 1, 15), (3, 1, 0)]  # fmt: skip
