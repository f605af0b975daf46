"""Random layers: field values of legal commands that reach every corner of the command format."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from vanallen.rtl.commands import Opcode
from vanallen.rtl.config import Config

__all__ = ["KINDS", "Arena", "LayerMaker", "Space"]

KINDS = ("mixed", "matmul", "convolution", "blocks", "scales", "long")
"""What a random layer leans to. ``scales`` has extreme parameters, ``long`` the longest reduction that fits."""

_ATTEMPTS = 10_000
_ADDRESSES = 1 << 16


@dataclass(frozen=True)
class Space:
    """Rows ``start`` to ``start + count - 1`` of a memory."""

    start: int
    count: int

    @property
    def end(self) -> int:
        return self.start + self.count


@dataclass(frozen=True)
class Arena:
    """The parts of the memories that a job uses."""

    activation: Space
    weight: Space
    parameter: Space


class LayerMaker:
    """Makes random layers within an arena.

    Parameters
    ----------
    config : Config
        The accelerator.
    arena : Arena
        Where input, output, weights and parameters may lie.
    rng : random.Random
        Source of randomness.
    slots : int
        Most issue slots of a layer; bounds its cycles.
    """

    def __init__(self, *, config: Config, arena: Arena, rng: random.Random, slots: int) -> None:
        self.config = config
        self.arena = arena
        self.rng = rng
        self.slots = slots

    def layer(self, kind: str) -> dict[str, int]:
        """Field values of a layer of ``kind``, without the checksum.

        Raises
        ------
        ValueError
            If ``kind`` is unknown, or nothing of the kind fits the arena.
        """
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
        for fields in self._candidates(kind):
            if self._fits(fields):
                return fields
        raise ValueError(f"arena must have room for a layer of kind {kind}, not {self.arena}")

    def _candidates(self, kind: str) -> Iterator[dict[str, int]]:
        for _ in range(_ATTEMPTS):
            matmul = kind == "matmul" or (kind != "convolution" and self.rng.random() < 0.4)
            shape = self._long() if kind == "long" else self._matmul() if matmul else self._convolution()
            fields = self._place(shape)
            if fields is not None:
                yield fields | self._blocks(fields, kind) | self._clamps(kind)

    def _matmul(self) -> dict[str, int]:
        """M x K by K x N, M from 1; the words of a row may be apart."""
        rng = self.rng
        groups = rng.choice([1, 1, 2, 3, rng.randint(1, 24)])
        rows = rng.choice([1, 1, rng.randint(2, 9), rng.randint(1, 3 * self.config.accumulator_rows)])
        pitch = groups + rng.choice([0, 0, 0, 1, 3])
        return {
            "opcode": rng.choice([Opcode.MATMUL, Opcode.MATMUL, Opcode.CONVOLUTION]),
            "rows": rows, "output_width": rows, "input_groups": groups, "input_height": 1, "input_width": rows,
            "kernel_height": 1, "kernel_width": 1, "stride_height": 1, "stride_width": 1,
            "pixel_step": pitch, "line_step": rng.randrange(_ADDRESSES), "tap_line_step": rng.randrange(_ADDRESSES),
            "input_words": (rows - 1) * pitch + groups, **self._outputs(),
        }  # fmt: skip

    def _long(self) -> dict[str, int]:
        """One column block whose weights fill most of the arena; few rows."""
        groups = min(self.arena.weight.count // self.config.rows, self.arena.activation.count - 8)
        rows = self.rng.choice([1, 2]) if groups * 2 < self.arena.activation.count - 8 else 1
        return self._matmul() | {
            "rows": rows, "output_width": rows, "input_width": rows, "input_groups": groups, "pixel_step": groups,
            "input_words": rows * groups, "output_groups": 1, "column_blocks": 1,
        }  # fmt: skip

    def _convolution(self) -> dict[str, int]:
        """Any kernel, stride and padding; lines of the input may be apart."""
        rng = self.rng
        kernel_height, kernel_width = (rng.choice([1, 2, 3, 3, rng.randint(1, 7)]) for _ in range(2))
        stride_height, stride_width = (rng.choice([1, 1, 2, rng.randint(1, 4)]) for _ in range(2))
        height, width = rng.randint(1, 14), rng.randint(1, 14)
        pads = [rng.choice([0, 1, size // 2, rng.randrange(size), rng.randrange(16)])
                for size in (kernel_height, kernel_width) * 2]  # fmt: skip
        top, left, bottom, right = pads
        groups = rng.choice([1, 1, 1, 2, 3])
        pitch = width * groups + rng.choice([0, 0, 1, 5])
        lines = max(1, (height + top + bottom - kernel_height) // stride_height + 1)
        output_width = max(1, (width + left + right - kernel_width) // stride_width + 1)
        if rng.random() < 0.2:
            lines, output_width = rng.randint(1, lines), rng.randint(1, output_width)
        return {
            "opcode": Opcode.CONVOLUTION, "packed_input": rng.randrange(2),
            "rows": lines * output_width, "output_width": output_width,
            "input_groups": groups, "input_height": height, "input_width": width,
            "kernel_height": kernel_height, "kernel_width": kernel_width,
            "stride_height": stride_height, "stride_width": stride_width, "pad_top": top, "pad_left": left,
            "pixel_step": stride_width * groups,
            "line_step": (stride_height * pitch - (output_width - 1) * stride_width * groups) % _ADDRESSES,
            "tap_line_step": (pitch - kernel_width * groups + 1) % _ADDRESSES,
            "input_words": (height - 1) * pitch + width * groups,
            "first_address": -(top * pitch + left * groups), **self._outputs(),
        }  # fmt: skip

    def _outputs(self) -> dict[str, int]:
        groups = self.rng.choice([1, 1, 2, 3, self.rng.randint(1, 8)])
        return {"output_groups": groups, "column_blocks": -(-groups // self.config.words_per_column_block)}

    def _place(self, shape: dict[str, int]) -> dict[str, int] | None:
        """``shape`` with its places in the memories, now and then at the ends of the arena; None if it doesn't fit."""
        written = shape["rows"] * shape["output_groups"] + self.rng.choice([0, 0, 1, 7])
        first, second = (shape["input_words"], written) if self.rng.random() < 0.5 else (written, shape["input_words"])
        space = self.arena.activation
        if first + second > space.count:
            return None
        low = space.start + self._between(space.count - first - second)
        high = low + first + self._between(space.end - low - first - second)
        input_base, output_base = (low, high) if first == shape["input_words"] else (high, low)
        if input_base == low and low + shape["input_words"] > high:
            return None
        weights, parameters = self._weights(shape), shape["output_groups"] * self.config.steps_per_word
        if weights > self.arena.weight.count or parameters > self.arena.parameter.count:
            return None
        return shape | {
            "input_base": input_base, "output_base": output_base, "output_words": written,
            "first_address": (input_base + shape.get("first_address", 0)) % _ADDRESSES,
            "weight_base": self.arena.weight.start + self._between(self.arena.weight.count - weights),
            "parameter_base": self.arena.parameter.start + self._between(self.arena.parameter.count - parameters),
        }  # fmt: skip

    def _between(self, most: int) -> int:
        return self.rng.choice([0, most, self.rng.randint(0, most), self.rng.randint(0, most)])

    def _weights(self, fields: dict[str, int]) -> int:
        tiles = fields["kernel_height"] * fields["kernel_width"] * fields["input_groups"]
        return fields["column_blocks"] * tiles * self.config.rows

    def _blocks(self, fields: dict[str, int], kind: str) -> dict[str, int]:
        most = self.config.accumulator_rows
        full = min(fields["rows"], most)
        few = self.rng.randint(1, min(most, self.config.rows + 2))
        choices = [few, few, self.rng.randint(1, full)] if kind == "blocks" else [full, full, most, few]
        return {"block_rows": self.rng.choice([*choices, self.rng.randint(1, most)])}

    def _clamps(self, kind: str) -> dict[str, int]:
        rng = self.rng
        low, high = rng.choice(
            [(-128, 127), (-128, 127), (0, 127), sorted((rng.randint(-128, 127), rng.randint(-128, 127)))]
        )
        return {
            "clamp_low": low, "clamp_high": high,
            "input_zero_point": rng.choice([0, -128, 127, rng.randint(-128, 127)]),
            "output_zero_point": rng.choice([0, -128, 127, rng.randint(-128, 127), rng.randint(-20, 20)]),
        }  # fmt: skip

    def _fits(self, fields: dict[str, int]) -> bool:
        """Whether the layer ends within ``slots`` issue slots, and drains in as many."""
        blocks, rest = divmod(fields["rows"], fields["block_rows"])
        rows = self.config.rows
        passes = blocks * max(fields["block_rows"], rows) + (max(rest, rows) if rest else 0)
        tiles = self._weights(fields) // rows
        drained = fields["rows"] * fields["output_groups"] * self.config.steps_per_word
        return passes * tiles <= self.slots and drained <= self.slots
