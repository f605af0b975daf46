"""The checks of a command and its address sequence, against a step-by-step walk of the hardware's loops."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from vanallen.rtl.commands import ErrorCode, Opcode, encode
from vanallen.rtl.config import PRESETS, Config
from vanallen.sw.golden import GoldenAccelerator
from vanallen.sw.golden.layer import input_addresses

Convolution = Callable[[np.random.Generator, Config], tuple[dict[str, int], dict[str, Any]]]
Matmul = Callable[[Config, int, int, int], dict[str, int]]


def load(accelerator: GoldenAccelerator, command: int, fields: Mapping[str, int]) -> None:
    accelerator.commands[8 * command : 8 * command + 8] = np.array(encode(fields), np.uint64)


def walk(fields: Mapping[str, int]) -> list[list[int | None]]:
    """Addresses by the hardware's loops, one step at a time: for each pixel its taps, ``None`` in the padding."""
    result, pixel, y, x = [], fields["first_address"], 0, 0
    for _ in range(fields["rows"]):
        row: list[int | None] = []
        tap = pixel
        for ky in range(fields["kernel_height"]):
            for kx in range(fields["kernel_width"]):
                for group in range(fields["input_groups"]):
                    iy = y * fields["stride_height"] - fields["pad_top"] + ky
                    ix = x * fields["stride_width"] - fields["pad_left"] + kx
                    real = iy % (1 << 16) < fields["input_height"] and ix % (1 << 16) < fields["input_width"]
                    row.append(tap if real else None)
                    last = kx == fields["kernel_width"] - 1 and group == fields["input_groups"] - 1
                    tap = (tap + (fields["tap_line_step"] if last else 1)) % (1 << 16)
        result.append(row)
        x += 1
        if x == fields["output_width"]:
            pixel, y, x = (pixel + fields["line_step"]) % (1 << 16), y + 1, 0
        else:
            pixel = (pixel + fields["pixel_step"]) % (1 << 16)
    return result


def test_address_sequence_is_the_hardwares_for_any_step(convolution: Convolution) -> None:
    """Also for step fields that no compiler writes."""
    rng = np.random.default_rng(5)
    config = PRESETS["cubesat"]
    for case in range(60):
        fields, _ = convolution(rng, config)
        if case % 2:
            steps = ("first_address", "pixel_step", "line_step", "tap_line_step")
            fields |= dict(zip(steps, rng.integers(0, 1 << 16, 4).tolist(), strict=True))
        sequence = input_addresses(fields)
        start = (sequence.start[..., None] + np.arange(fields["input_groups"])) % (1 << 16)
        got = np.where(sequence.real[..., None], start, -1).reshape(fields["rows"], -1)
        want = [[-1 if address is None else address for address in row] for row in walk(fields)]
        assert np.array_equal(got, want)


def test_input_error_is_any_read_outside_the_region(convolution: Convolution) -> None:
    """One step field changed at random: an error exactly where the walk leaves the region."""
    rng = np.random.default_rng(6)
    config = PRESETS["nano"]
    outcomes = []
    for _ in range(200):
        accelerator = GoldenAccelerator(config)
        fields, _ = convolution(rng, config)
        step = rng.choice(["first_address", "pixel_step", "line_step", "tap_line_step", "input_words"])
        fields[step] = max(1, (fields[step] + int(rng.integers(-3, 4))) % (1 << 16))
        if fields["input_base"] + fields["input_words"] > fields["output_base"] > fields["input_base"]:
            continue
        region = range(fields["input_base"], fields["input_base"] + fields["input_words"])
        leaves = any(address not in region for row in walk(fields) for address in row if address is not None)
        load(accelerator, 0, fields)
        outcomes.append(leaves)
        assert accelerator.run(0, 1).error == (ErrorCode.INPUT_ADDRESS if leaves else ErrorCode.NONE)
    assert 20 < sum(outcomes) < len(outcomes) - 20


NANO = PRESETS["nano"]
ERRORS = [
    ({"opcode": 0}, ErrorCode.BAD_OPCODE),
    ({"reserved0": 1, "rows": 0}, ErrorCode.BAD_RESERVED),
    ({"reserved1": 128}, ErrorCode.BAD_RESERVED),
    ({"reserved2": 1 << 40}, ErrorCode.BAD_RESERVED),
    ({"reserved3": 1}, ErrorCode.BAD_RESERVED),
    *(({name: 0, "input_base": 5000}, ErrorCode.BAD_SHAPE) for name in (
        "column_blocks", "output_groups", "rows", "block_rows", "output_width", "input_groups", "input_height",
        "input_width", "input_words", "output_words")),
    *(({name: 2}, ErrorCode.BAD_SHAPE) for name in (
        "kernel_height", "kernel_width", "stride_height", "stride_width", "pad_top", "pad_left", "input_height")),
    ({"kernel_width": 0}, ErrorCode.BAD_SHAPE),
    ({"opcode": Opcode.CONVOLUTION, "kernel_height": 0, "stride_width": 0}, ErrorCode.BAD_KERNEL),
    ({"opcode": Opcode.CONVOLUTION, "kernel_width": 8}, ErrorCode.BAD_KERNEL),
    ({"opcode": Opcode.CONVOLUTION, "stride_height": 0, "block_rows": 65}, ErrorCode.BAD_STRIDE),
    ({"opcode": Opcode.CONVOLUTION, "stride_width": 5}, ErrorCode.BAD_STRIDE),
    ({"block_rows": 65, "input_base": 2048}, ErrorCode.BAD_BLOCK),
    ({"block_rows": 64}, ErrorCode.NONE),
    ({"input_base": 2044, "output_base": 2048}, ErrorCode.INPUT_REGION),
    ({"output_base": 2041, "output_words": 8}, ErrorCode.OUTPUT_REGION),
    ({"output_base": 2040, "output_words": 8}, ErrorCode.NONE),
    ({"output_base": 7, "first_address": 9}, ErrorCode.OVERLAP),
    ({"output_base": 8, "first_address": 9}, ErrorCode.INPUT_ADDRESS),
    ({"first_address": 1, "weight_base": 5000}, ErrorCode.INPUT_ADDRESS),
    ({"input_words": 7, "output_base": 100}, ErrorCode.INPUT_ADDRESS),
    ({"weight_base": 2048 - 16}, ErrorCode.NONE),
    ({"weight_base": 2048 - 15, "parameter_base": 600}, ErrorCode.WEIGHT_ADDRESS),
    ({"parameter_base": 512 - 8}, ErrorCode.NONE),
    ({"parameter_base": 512 - 7, "output_words": 7}, ErrorCode.PARAMETER_ADDRESS),
    ({"output_words": 7}, ErrorCode.OUTPUT_ADDRESS),
    ({"output_words": 9}, ErrorCode.NONE),
    ({"output_groups": 3}, ErrorCode.BAD_SHAPE),
    ({"output_groups": 1}, ErrorCode.BAD_SHAPE),
    ({"column_blocks": 3, "reserved1": 1}, ErrorCode.BAD_RESERVED),
]  # fmt: skip


@pytest.mark.parametrize(("change", "want"), ERRORS, ids=lambda value: str(value))
def test_errors_and_their_precedence(change: dict[str, int], want: ErrorCode, matmul: Matmul) -> None:
    accelerator = GoldenAccelerator(NANO)
    good = matmul(NANO, 4, 8, 8)
    load(accelerator, 0, good)
    load(accelerator, 1, good | change)
    load(accelerator, 2, good)
    job = accelerator.run(0, 3)
    assert (job.error, job.command, len(job.layers)) == (want, 1 if want else 2, 1 if want else 3)


def test_every_single_flip_of_a_command_is_an_error(matmul: Matmul) -> None:
    accelerator = GoldenAccelerator(NANO)
    load(accelerator, 0, matmul(NANO, 4, 8, 8))
    for bit in range(512):
        accelerator.commands[bit // 64] ^= np.uint64(1 << bit % 64)
        assert accelerator.run(0, 1).error == ErrorCode.BAD_CHECKSUM
        accelerator.commands[bit // 64] ^= np.uint64(1 << bit % 64)
    assert accelerator.run(0, 1).error == ErrorCode.NONE


def test_column_blocks_just_cover_the_output_groups(matmul: Matmul) -> None:
    """On payload a column block is two words; the parameters of a word left out need not exist."""
    config = PRESETS["payload"]
    accelerator = GoldenAccelerator(config)
    for groups, want in ((2, ErrorCode.BAD_SHAPE), (3, ErrorCode.NONE), (4, ErrorCode.NONE), (5, ErrorCode.BAD_SHAPE)):
        load(accelerator, 0, matmul(config, 4, 8, 32) | {"output_groups": groups})
        assert accelerator.run(0, 1).error == want
    for groups in (3, 4):
        for spare, want in ((0, ErrorCode.NONE), (1, ErrorCode.PARAMETER_ADDRESS)):
            base = {"output_groups": groups, "parameter_base": 512 - 2 * groups + spare}
            load(accelerator, 0, matmul(config, 4, 8, 32) | base)
            assert accelerator.run(0, 1).error == want


def test_all_kinds_of_address_error_are_told(matmul: Matmul) -> None:
    accelerator = GoldenAccelerator(NANO)
    change = {"weight_base": 2040, "parameter_base": 510, "output_words": 7}
    load(accelerator, 0, matmul(NANO, 4, 8, 8) | change)
    job = accelerator.run(0, 1)
    want = (ErrorCode.WEIGHT_ADDRESS, ErrorCode.PARAMETER_ADDRESS, ErrorCode.OUTPUT_ADDRESS)
    assert (job.error, job.errors) == (want[0], want)
    load(accelerator, 0, matmul(NANO, 4, 8, 8) | change | {"rows": 0})
    assert accelerator.run(0, 1).errors == (ErrorCode.BAD_SHAPE,)
