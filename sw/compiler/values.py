"""Types of the values in a model, and how they are quantized."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Quantization", "TensorType", "layer_scale"]


@dataclass(frozen=True)
class TensorType:
    """Shape and element type of a value."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class Quantization:
    """Real value = ``scale`` * (stored value - ``zero_point``); stored as ``dtype``, int8 or uint8.

    The chip knows int8 only: a uint8 tensor is the int8 tensor of its values minus 128, its zero point likewise.
    """

    scale: np.float32
    zero_point: int
    dtype: np.dtype[Any]

    @property
    def shift(self) -> int:
        """What is taken from a stored value on its way to the chip."""
        return 128 if self.dtype == np.uint8 else 0

    @property
    def chip_zero_point(self) -> int:
        """The zero point of the tensor on the chip, int8."""
        return self.zero_point - self.shift

    def to_chip(self, value: int) -> int:
        """A stored value as the chip stores it."""
        return value - self.shift


def layer_scale(
    input_scale: npt.ArrayLike, weight_scale: npt.ArrayLike, output_scale: npt.ArrayLike
) -> npt.NDArray[np.float32]:
    """``f32(f32(input_scale * weight_scale) / output_scale)``, rounded at each step as onnxruntime does."""
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        product = np.multiply(input_scale, weight_scale, dtype=np.float32)
        return np.asarray(np.divide(product, output_scale, dtype=np.float32), np.float32)
