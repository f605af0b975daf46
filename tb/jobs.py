"""Random jobs: memory contents and commands, what the golden model makes of them, and the comparison."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.commands import ErrorCode, encode
from vanallen.rtl.config import COMMAND_WORDS, Config
from vanallen.sw.golden.accelerator import GoldenAccelerator, GoldenJob
from vanallen.sw.golden.cycles import LayerCycles, layer_cycles

from .layers import Arena, LayerMaker, Space

__all__ = ["Job", "Mismatch", "check_activations", "check_cycles", "expected_cycles", "layer_model", "make_job",
           "run_golden"]  # fmt: skip

_ARENA_ROWS = 1024
"""Rows of a large memory that a job uses, so that loading it doesn't take longer than running it."""


class Mismatch(Exception):
    """The chip's results differ from the golden model's; the message says where."""


@dataclass(frozen=True)
class Job:
    """A job: what is in the memories before it, and its commands.

    ``activation``, ``weight``, ``bias`` and ``scale`` are the rows of the arena's spaces; ``layers`` are the fields of
    commands ``first`` and following.
    """

    config: Config
    arena: Arena
    activation: NDArray[np.int8]
    weight: NDArray[np.int8]
    bias: NDArray[np.int32]
    scale: NDArray[np.float32]
    first: int
    layers: tuple[dict[str, int], ...]
    steal_interval: int

    @property
    def commands(self) -> NDArray[np.uint64]:
        """Command words, [layers, 8]."""
        return np.array([encode(fields) for fields in self.layers], np.uint64)


def _arena(config: Config, rng: random.Random) -> Arena:
    def space(rows: int) -> Space:
        count = min(rows, 2 * _ARENA_ROWS if rng.random() < 0.5 else _ARENA_ROWS)
        return Space(rng.choice([0, rows - count, rng.randint(0, rows - count)]), count)

    return Arena(space(config.activation_words), space(config.weight_words), space(config.parameter_rows))


def _bytes(shape: tuple[int, int], kind: str, values: np.random.Generator) -> NDArray[np.int8]:
    """Random int8: all of them, or for long sums such that are alike, or the extremes."""
    if kind == "alike":
        return values.integers(-128, -100, shape, np.int8)
    if kind == "extreme":
        return values.choice(np.array([-128, -127, -1, 0, 1, 127], np.int8), shape)
    return values.integers(-128, 128, shape, np.int8)


def _parameters(
    shape: tuple[int, int], depth: int, kind: str, values: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Bias and scale: mostly such that outputs spread over int8, the rest extremes."""
    size = np.sqrt(depth) * 5500
    bias = np.rint(values.normal(0, size, shape))
    scale = values.uniform(10, 150, shape) / size
    power = np.exp2(np.floor(np.log2(scale)))
    choice = values.random(shape)
    scale = np.where(choice < 0.25, power, scale)
    extreme = 0.5 if kind == "scales" else 0.08
    bias_choice, scale_choice = values.random(shape), values.random(shape)
    wide = values.integers(-(1 << 31), 1 << 31, shape)
    corner = values.choice(np.array([0, -(1 << 31), (1 << 31) - 1, 1 << 24, (1 << 24) + 1, -(1 << 24) - 1]), shape)
    bias = np.where(bias_choice < extreme, corner, bias)
    large = (bias_choice >= extreme) & (bias_choice < 2 * extreme)
    bias = np.where(large, wide, bias)
    scale = np.where(large, values.uniform(10, 150, shape) / np.maximum(np.abs(wide), 1), scale)
    corners = np.array([2.0**-126, 1e-40, 0.0, 1e30, 3.4e38, 1.0, 0.5, 2.0**-24, 2.0**-32])
    scale = np.where(scale_choice < extreme, values.choice(corners, shape), scale)
    if kind == "scales":
        exact = values.random(shape) < 0.5
        exact_bias, exact_scale = _near_ties(shape, values)
        bias, scale = np.where(exact, exact_bias, bias), np.where(exact, exact_scale, scale)
    return bias.astype(np.int64).astype(np.int32), scale.astype(np.float32)


def _near_ties(shape: tuple[int, int], values: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Bias and scale that, where the sum of products is 0, give n + 1/2 before or after the rounding to 24 bits.

    Half of them are one below a power of two instead, which that rounding carries into the next binade.
    """
    odd = 2 * values.integers(0, 100, shape) + 1  # twice n + 1/2
    bits = values.integers(25, 32, shape)
    tie_shift = bits - np.frexp(odd)[1]
    tie = (odd << tie_shift) + values.integers(-1, 2, shape) * (1 << (bits - 25))  # half a unit of the 24 bits
    carry_shift = values.integers(25, 32, shape)
    carry = (1 << carry_shift) - 1
    chosen = values.random(shape) < 0.5
    scale = np.where(chosen, np.exp2(-(tie_shift + 1.0)), values.uniform(20, 120, shape) / carry)
    return np.where(chosen, tie, carry) * values.choice(np.array([-1, 1]), shape), scale


def _clear_unused(config: Config, fields: Mapping[str, int], weight: NDArray[np.int8]) -> None:
    """The weights, from the layer's first row on, of columns that it doesn't use: the checksum column sums all."""
    used = fields["output_groups"] % config.words_per_column_block * config.rows
    if used:
        rows = fields["kernel_height"] * fields["kernel_width"] * fields["input_groups"] * config.rows
        weight[(fields["column_blocks"] - 1) * rows : fields["column_blocks"] * rows, used:] = 0


def make_job(
    config: Config, seed: int, *, kind: str = "mixed", layers: int = 6, slots: int = 3000, steal_interval: int = 1024,
    first: int | None = None,
) -> Job:  # fmt: skip
    """A random job of ``layers`` layers of ``kind`` with at most ``slots`` issue slots each, the same for a ``seed``.

    ``first`` is the first command, a random one where it is None.
    """
    rng, values = random.Random(seed), np.random.default_rng(seed)
    arena = _arena(config, rng)
    maker = LayerMaker(config=config, arena=arena, rng=rng, slots=slots)
    chosen = tuple(maker.layer(kind) for _ in range(layers))
    depth = int(
        np.median([fields["kernel_height"] * fields["kernel_width"] * fields["input_groups"] for fields in chosen])
    )
    contents = "alike" if kind == "long" and rng.random() < 0.8 else rng.choice(["any", "any", "any", "extreme"])
    bias, scale = _parameters((arena.parameter.count, config.lanes), depth * config.rows, kind, values)
    if contents == "alike":
        scale = (values.uniform(10, 300, scale.shape) / (depth * config.rows * 13_000)).astype(np.float32)
    weight = _bytes((arena.weight.count, config.columns), contents, values)
    if kind == "scales" or rng.random() < 0.4:  # channels that aren't there: N no multiple of the array
        weight[:, config.columns - rng.randint(1, config.columns - 1) :] = 0
    if config.protected:
        for fields in chosen:
            _clear_unused(config, fields, weight[fields["weight_base"] - arena.weight.start :])
    return Job(
        config=config,
        arena=arena,
        activation=_bytes((arena.activation.count, config.rows), contents, values),
        weight=weight,
        bias=bias,
        scale=scale,
        first=rng.randint(0, config.commands - layers) if first is None else first,
        layers=chosen,
        steal_interval=steal_interval,
    )


def run_golden(job: Job) -> tuple[GoldenAccelerator, GoldenJob]:
    """The golden model after the job, and what it reports.

    Raises
    ------
    Mismatch
        If the golden model finds the job illegal: then the generator is wrong.
    """
    golden, arena = GoldenAccelerator(job.config), job.arena
    golden.activation[arena.activation.start : arena.activation.end] = job.activation
    golden.weight[arena.weight.start : arena.weight.end] = job.weight
    golden.bias[arena.parameter.start : arena.parameter.end] = job.bias
    golden.scale[arena.parameter.start : arena.parameter.end] = job.scale
    golden.commands[COMMAND_WORDS * job.first :][: COMMAND_WORDS * len(job.layers)] = job.commands.reshape(-1)
    outcome = golden.run(job.first, len(job.layers), steal_interval=job.steal_interval)
    if outcome.error is not ErrorCode.NONE:
        raise Mismatch(f"the random job must be legal, not {outcome.error.name} at command {outcome.command}")
    return golden, outcome


def expected_cycles(config: Config, fields: Mapping[str, int], steal_interval: int) -> int:
    """Cycles of a command by the cycle model."""
    return layer_model(config, fields, steal_interval).cycles


def layer_model(config: Config, fields: Mapping[str, int], steal_interval: int) -> LayerCycles:
    """Cycles, stolen and stalled slots of a command by the cycle model."""
    return layer_cycles(config, fields, macs=1, weights=1, steal_interval=steal_interval)


def check_cycles(job: Job, cycles: Sequence[int]) -> None:
    """Compare the cycles of each command with the cycle model; raises :class:`Mismatch`."""
    for index, (fields, got) in enumerate(zip(job.layers, cycles, strict=True)):
        want = expected_cycles(job.config, fields, job.steal_interval)
        if got != want:
            raise Mismatch(f"layer {index}: got {got} cycles, want {want} of the model; {fields}")


def check_activations(
    job: Job, golden: GoldenAccelerator, got: NDArray[np.int8], cycles: Sequence[int] | None = None
) -> None:
    """Compare the arena of activation RAM word by word; raises :class:`Mismatch`.

    The message says the layer that wrote the word last (of those that should have), row and column of its output, the
    cycles of the job in which the layer ran, what is there and what should be.
    """
    space = job.arena.activation
    want = golden.activation[space.start : space.end]
    wrong = np.argwhere(got != want)
    if not len(wrong):
        return
    word, byte = (int(value) for value in wrong[0])
    message = f"{len(wrong)} bytes differ, first in activation word {space.start + word}, "
    writers = [
        index for index, fields in enumerate(job.layers)
        if 0 <= space.start + word - fields["output_base"] < fields["rows"] * fields["output_groups"]
    ]  # fmt: skip
    if writers:
        layer = writers[-1]
        fields = job.layers[layer]
        row, group = divmod(space.start + word - fields["output_base"], fields["output_groups"])
        message += f"layer {layer}, row {row}, column {group * job.config.rows + byte}, "
        if cycles is not None:
            start = sum(cycles[:layer])
            message += f"cycles {start} to {start + cycles[layer]} of the job, "
        message += f"command {fields}, "
    else:
        message += f"byte {byte}, which no layer writes, "
    raise Mismatch(f"{message}got {int(got[word, byte])}, want {int(want[word, byte])}")
