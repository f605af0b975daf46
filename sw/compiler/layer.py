"""The compiler's view of a layer that can run on the chip, whichever operators the model writes it with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .values import Quantization

__all__ = ["Alias", "Geometry", "HostReason", "QuantizedLayer"]


class HostReason(Exception):
    """A node can't run on the chip; the message completes "on the host because ...". Never leaves the compiler."""


@dataclass(frozen=True)
class Geometry:
    """How a convolution moves: strides and padding, (vertical, horizontal) and (top, left, bottom, right).

    Negative padding leaves pixels out.
    """

    stride: tuple[int, int]
    pads: tuple[int, int, int, int]


@dataclass(frozen=True)
class QuantizedLayer:
    """A convolution or a matrix product in int8.

    Parameters
    ----------
    name, op : str
        The layer's name and its operator in the model.
    nodes : tuple[int, ...]
        The model's nodes that it stands for.
    input, output : str
        Names of its quantized input and output value.
    weights : numpy.ndarray
        int8 [outputs, inputs, kernel height, kernel width]; a matrix product has a 1 x 1 kernel.
    bias : numpy.ndarray
        int32 [outputs], without the input's zero point.
    scale : numpy.ndarray
        float32 [outputs], what the sum is multiplied with.
    source, result : Quantization
        Of input and output.
    clamp : tuple[int, int]
        Smallest and largest output, in the stored type.
    geometry : Geometry, optional
        None for a matrix product.
    """

    name: str
    op: str
    nodes: tuple[int, ...]
    input: str
    output: str
    weights: npt.NDArray[np.int8]
    bias: npt.NDArray[np.int32]
    scale: npt.NDArray[np.float32]
    source: Quantization
    result: Quantization
    clamp: tuple[int, int]
    geometry: Geometry | None = None

    @property
    def kernel(self) -> tuple[int, int]:
        """Kernel height and width."""
        return self.weights.shape[2], self.weights.shape[3]


@dataclass(frozen=True)
class Alias:
    """A node that renames a quantized value without moving it: Flatten, Reshape and their like."""

    name: str
    op: str
    nodes: tuple[int, ...]
    input: str
    output: str
