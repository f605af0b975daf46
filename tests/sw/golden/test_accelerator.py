"""The golden accelerator against a plain convolution."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vanallen.rtl.commands import ErrorCode, decode, encode
from vanallen.rtl.config import PRESETS, Config
from vanallen.sw.golden import GoldenAccelerator, matrix_product, requantize

Convolution = Callable[[np.random.Generator, Config], tuple[dict[str, int], dict[str, Any]]]
Matmul = Callable[[Config, int, int, int], dict[str, int]]

WIDE = Config(
    name="wide",
    rows=8,
    columns=24,
    lanes=2,
    activation_bytes=1 << 15,
    weight_bytes=24 << 10,
    accumulator_rows=64,
    protection="none",
)
CONFIGS = [*PRESETS.values(), WIDE]


def load(accelerator: GoldenAccelerator, command: int, fields: Mapping[str, int]) -> None:
    accelerator.commands[8 * command : 8 * command + 8] = np.array(encode(fields), np.uint64)


def fill(rng: np.random.Generator, accelerator: GoldenAccelerator) -> None:
    """Random values in every memory; scales that spread the outputs of a thousand products over int8."""
    for memory in (accelerator.activation, accelerator.weight):
        memory[:] = rng.integers(-128, 128, memory.shape)
    accelerator.bias[:] = rng.integers(-(1 << 16), 1 << 16, accelerator.bias.shape)
    accelerator.scale[:] = np.exp2(rng.uniform(-14, -10, accelerator.scale.shape))


def plain_convolution(
    accelerator: GoldenAccelerator, fields: Mapping[str, int], layer: Mapping[str, Any]
) -> NDArray[np.int8]:
    """The layer computed from its meaning (images, kernels, channels), without any address of the command's steps."""
    config = accelerator.config
    (height, width), groups, blocks = layer["size"], layer["groups"], layer["blocks"]
    base = fields["input_base"]
    image = accelerator.activation[base : base + height * width * groups].reshape(height, width, -1)
    top, left, bottom, right = layer["pads"]
    image = np.pad(image, ((top, bottom), (left, right), (0, 0)), constant_values=fields["input_zero_point"])
    base = fields["weight_base"]
    shape = (blocks, *layer["kernel"], groups * config.rows, config.columns)
    kernels = accelerator.weight[base : base + layer["weights"]].reshape(shape)
    kernels = np.moveaxis(kernels, 0, 3).reshape(*layer["kernel"], groups * config.rows, -1)
    output = np.zeros((*layer["out"], blocks * config.columns), np.int64)
    for y, x in np.ndindex(*layer["out"]):
        y0, x0 = layer["stride"] * (y, x)
        window = image[y0 : y0 + layer["kernel"][0], x0 : x0 + layer["kernel"][1]]
        output[y, x] = np.tensordot(window.astype(np.int64), kernels.astype(np.int64), 3)
    rows = slice(fields["parameter_base"], fields["parameter_base"] + blocks * config.columns // config.lanes)
    return requantize(
        output.reshape(fields["rows"], -1), accelerator.bias[rows].ravel(), accelerator.scale[rows].ravel(),
        fields["output_zero_point"], fields["clamp_low"], fields["clamp_high"],
    )  # fmt: skip


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_layers_equal_a_plain_convolution(config: Config, convolution: Convolution) -> None:
    rng = np.random.default_rng(config.columns)
    for _ in range(20):
        accelerator = GoldenAccelerator(config)
        fill(rng, accelerator)
        fields, layer = convolution(rng, config)
        load(accelerator, 3, fields)
        want = plain_convolution(accelerator, fields, layer)
        before = accelerator.activation.copy()
        job = accelerator.run(3, 1)
        assert (job.error, job.command, len(job.layers)) == (ErrorCode.NONE, 3, 1)
        want = want[:, : layer["output_groups"] * config.rows]
        assert np.array_equal(job.layers[0].outputs, want)
        base, words = fields["output_base"], layer["words"][1]
        written = accelerator.activation[base : base + words].reshape(fields["rows"], -1)
        assert np.array_equal(written, want)
        before[base : base + words] = accelerator.activation[base : base + words]
        assert np.array_equal(accelerator.activation, before), "nothing else is written"


@pytest.mark.parametrize(
    ("first", "count", "interval"), [(0, 0, 1024), (64, 1, 1024), (200, 1, 1024), (63, 2, 1024), (0, 1, 15)]
)
def test_bad_jobs(first: int, count: int, interval: int, matmul: Matmul) -> None:
    accelerator = GoldenAccelerator(PRESETS["nano"])
    for command in range(64):
        load(accelerator, command, matmul(PRESETS["nano"], 4, 8, 8))
    job = accelerator.run(first, count, steal_interval=interval)
    assert (job.error, job.command, job.layers) == (ErrorCode.BAD_JOB, first % 64, ()), "a number that command RAM has"
    assert accelerator.run(0, 64, steal_interval=16).error == ErrorCode.NONE


def test_layers_follow_each_other(matmul: Matmul) -> None:
    """Two products, the second reading what the first wrote, and the output groups that the last block leaves out."""
    rng = np.random.default_rng(9)
    config = PRESETS["payload"]
    accelerator = GoldenAccelerator(config)
    fill(rng, accelerator)
    first = matmul(config, 10, 16, 32) | {"output_groups": 3, "output_words": 30}
    second = matmul(config, 10, 24, 16) | {"input_base": 20, "first_address": 20, "output_base": 50, "weight_base": 100}
    load(accelerator, 0, first)
    load(accelerator, 1, second)
    a = accelerator.activation[:20].reshape(10, 16).copy()
    job = accelerator.run(0, 2)
    w0 = np.hstack([accelerator.weight[:16], accelerator.weight[16:32]])
    bias, scale = accelerator.bias.ravel(), accelerator.scale.ravel()
    middle = requantize(matrix_product(a, w0), bias[:32], scale[:32], 0, -128, 127)[:, :24]
    last = requantize(matrix_product(middle, accelerator.weight[100:124]), bias[:16], scale[:16], 0, -128, 127)
    assert np.array_equal(accelerator.activation[50:70].reshape(10, 16), last)
    assert [layer.command for layer in job.layers] == [0, 1]
    assert job.layers[1].fields == decode(encode(second))


def test_a_million_macs_take_milliseconds(matmul: Matmul) -> None:
    config = PRESETS["cubesat"]
    accelerator = GoldenAccelerator(config)
    load(accelerator, 0, matmul(config, 256, 64, 64))
    begin = time.perf_counter()
    assert accelerator.run(0, 1).error == ErrorCode.NONE
    assert time.perf_counter() - begin < 0.5
