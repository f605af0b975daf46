"""Comparing what the chip computed, layer by layer with the golden model and at the end with onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from vanallen.rtl.commands import ErrorCode
from vanallen.sw.compiler import ChipTensor, Layer, Program
from vanallen.sw.golden import GoldenAccelerator

__all__ = ["Comparison", "Difference", "Differences", "GoldenCheck", "compare"]

_SHOWN = 8
"""Differences of which the place is kept."""


@dataclass(frozen=True)
class Difference:
    """One differing value: in which layer or output, at which row and column of it, of which inference, and what."""

    where: str
    inference: int
    row: int
    column: int
    got: float
    want: float

    def __str__(self) -> str:
        place = f"inference {self.inference}, row {self.row}, column {self.column}"
        return f"{self.where}: {place}: got {self.got:g}, want {self.want:g}"


@dataclass
class Differences:
    """How many values of something were compared and differ, and the first of those."""

    compared: int = 0
    differing: int = 0
    first: list[Difference] = field(default_factory=list)

    def add(self, where: str, inference: int, got: npt.NDArray[Any], want: npt.NDArray[Any]) -> None:
        """Compares two matrices [rows, columns] value by value; two NaN are equal."""
        assert got.shape == want.shape, "both are read from one region or are outputs of one shape"
        differs = got != want
        if got.dtype.kind == "f":
            differs &= ~(np.isnan(got) & np.isnan(want))
        self.compared += got.size
        self.differing += int(differs.sum())
        for row, column in np.argwhere(differs)[: max(0, _SHOWN - len(self.first))]:
            values = float(got[row, column]), float(want[row, column])
            self.first.append(Difference(where, inference, int(row), int(column), *values))


def compare(where: str, got: npt.NDArray[Any], want: npt.NDArray[Any]) -> Differences:
    """Differences of two arrays whose first axis is the inferences."""
    differences = Differences()
    if got.shape != want.shape or got.dtype != want.dtype:
        size = max(got.size, want.size)
        return Differences(size, size, [Difference(where, 0, 0, 0, float("nan"), float("nan"))])
    for inference, (one, other) in enumerate(zip(np.atleast_1d(got), np.atleast_1d(want), strict=True)):
        width = one.shape[-1] if one.ndim else 1
        differences.add(where, inference, one.reshape(-1, width), other.reshape(-1, width))
    return differences


@dataclass(frozen=True)
class Comparison:
    """What was compared: each command's output with the golden model's, the model's outputs with onnxruntime's."""

    layers: Mapping[int, Differences]
    outputs: Mapping[str, Differences]

    @property
    def _parts(self) -> list[Differences]:
        return [*self.layers.values(), *self.outputs.values()]

    @property
    def checked_values(self) -> int:
        """Values compared."""
        return sum(part.compared for part in self._parts)

    @property
    def differing_values(self) -> int:
        """Those that differ."""
        return sum(part.differing for part in self._parts)

    @property
    def differing_outputs(self) -> int:
        """Those of the model's outputs that differ."""
        return sum(part.differing for part in self.outputs.values())

    @property
    def bit_exact(self) -> bool:
        """Nothing differs."""
        return self.differing_values == 0

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The first few of each layer and output."""
        return tuple(difference for part in self._parts for difference in part.first)


class GoldenCheck:
    """The golden model beside the chip: holds the same memories, runs the same commands.

    Parameters
    ----------
    program : Program
        What runs.

    Attributes
    ----------
    layers : dict[int, Differences]
        By command.
    """

    def __init__(self, program: Program) -> None:
        self.golden = GoldenAccelerator(program.config)
        self.golden.weight[: len(program.weights)] = program.weights
        self.golden.bias[: len(program.bias)] = program.bias
        self.golden.scale[: len(program.scale)] = program.scale
        self.golden.commands[: program.commands.size] = program.commands.reshape(-1)
        self.layers: dict[int, Differences] = {}

    def load(self, tensor: ChipTensor[Any], words: npt.NDArray[np.int8]) -> None:
        """The host wrote ``words`` for ``tensor``."""
        self.golden.activation[tensor.base : tensor.base + len(words)] = words

    def layer(self, layer: Layer, inference: int, words: npt.NDArray[np.int8]) -> None:
        """The chip ran ``layer`` and left ``words`` in its output region: compares them all, padding channels too.

        Raises
        ------
        RuntimeError
            If the golden model ends the command in error.
        """
        assert layer.command is not None and layer.output_region is not None and layer.fields is not None
        job = self.golden.run(layer.command, 1)
        if job.error is not ErrorCode.NONE:
            raise RuntimeError(f"the golden model refuses the command of layer {layer.name}: {job.error.name}")
        region = layer.output_region
        want = self.golden.activation[region.base : region.base + region.words]
        rows = layer.fields["rows"]
        differences = self.layers.setdefault(layer.command, Differences())
        differences.add(layer.name, inference, words.reshape(rows, -1), want.reshape(rows, -1))
