"""How a layer reads a tensor that lies in activation RAM, and the order of its weights that goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import prod

import numpy as np
import numpy.typing as npt

from .layer import QuantizedLayer
from .layout import Layout, Patches, image_size

__all__ = ["Order", "View", "arrange_weights", "input_layout", "output_layout", "patches_layout", "view_of"]


class Order(Enum):
    """What the words of one output pixel hold, in their order."""

    TAPS = "tap by tap, the channels of each tap in words of their own"
    PATCH = "tap by tap, channel by channel, without gaps"
    CHANNELS_FIRST = "pixel by pixel of a flattened image, whose flat order is channel by channel"
    PIXELS_FIRST = "pixel by pixel of a flattened matrix, whose flat order is pixel by pixel"


@dataclass(frozen=True)
class View:
    """The shape of a command: what it reads a pixel and where it goes.

    ``height`` and ``width`` are the input's, ``groups`` its words a pixel; ``rows`` and ``output_width`` the output's
    pixels, all and in a line. Negative ``pads`` (top, left) leave pixels of the input out.
    """

    order: Order
    height: int
    width: int
    groups: int
    rows: int
    output_width: int
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    pads: tuple[int, int] = (0, 0)

    @property
    def matrix_product(self) -> bool:
        """Whether the command is a matrix product rather than a convolution."""
        return self.order != Order.TAPS


def input_layout(layer: QuantizedLayer, shape: tuple[int, ...], rows: int) -> Layout:
    """How the host lays out an input of ``shape`` for ``layer``."""
    if layer.geometry is not None:
        channels, height, width = image_size(shape)
        return Layout(shape, layer.source.dtype, height * width, channels, True, rows)
    return Layout(shape, layer.source.dtype, prod(shape[:-1]), shape[-1], False, rows)


def patches_layout(layer: QuantizedLayer, shape: tuple[int, ...], output_shape: tuple[int, ...], rows: int) -> Patches:
    """How the host lays out an input of ``shape`` for the convolution ``layer`` as packed patches."""
    assert layer.geometry is not None
    return Patches(
        shape, layer.source.dtype, image_size(shape), image_size(output_shape)[1:], layer.kernel, layer.geometry,
        layer.source.chip_zero_point, rows,
    )  # fmt: skip


def output_layout(layer: QuantizedLayer, shape: tuple[int, ...], rows: int) -> Layout:
    """How ``layer`` leaves its output of ``shape``."""
    channels = len(layer.weights)
    return Layout(shape, layer.result.dtype, prod(shape) // channels, channels, layer.geometry is not None, rows)


def view_of(
    layer: QuantizedLayer, layout: Layout | Patches, shape: tuple[int, ...], output_shape: tuple[int, ...]
) -> View | None:
    """How ``layer`` reads its input of ``shape`` from ``layout``; None if it can't, because the order is another."""
    if layer.geometry is not None:
        height, width = image_size(output_shape)[1:]
        if isinstance(layout, Patches):
            return View(Order.PATCH, 1, height * width, layout.groups, height * width, height * width)
        return _image_view(layer, layout, shape, (height, width))
    if isinstance(layout, Patches):
        return None
    rows, depth = prod(shape[:-1]), shape[-1]
    flat = not layout.channels_first or layout.pixels == 1
    if flat and (layout.pixels, layout.channels) == (rows, depth):
        return View(Order.TAPS, 1, rows, layout.groups, rows, rows)
    if rows == 1:
        order = Order.CHANNELS_FIRST if layout.channels_first else Order.PIXELS_FIRST
        return View(order, 1, 1, layout.words, 1, 1)
    return None


def _image_view(layer: QuantizedLayer, layout: Layout, shape: tuple[int, ...], output: tuple[int, int]) -> View | None:
    channels, height, width = image_size(shape)
    in_order = layout.channels_first or layout.pixels == 1
    if layer.geometry is None or not in_order or (layout.channels, layout.pixels) != (channels, height * width):
        return None
    top, left = layer.geometry.pads[:2]
    return View(
        Order.TAPS, height, width, layout.groups, output[0] * output[1], output[1],
        layer.kernel, layer.geometry.stride, (top, left),
    )  # fmt: skip


def arrange_weights(weights: npt.NDArray[np.int8], layout: Layout | Patches, view: View) -> npt.NDArray[np.int8]:
    """The weights in the order of the words that ``view`` reads: [outputs, words of one output pixel, R]."""
    outputs, inputs = weights.shape[:2]
    if view.order is Order.CHANNELS_FIRST:
        pixels = weights.reshape(outputs, layout.channels, layout.pixels).transpose(0, 2, 1)
    elif view.order is Order.PIXELS_FIRST:
        pixels = weights.reshape(outputs, layout.pixels, layout.channels)
    else:
        pixels = weights.transpose(0, 2, 3, 1)
        pixels = pixels.reshape(outputs, 1, -1) if view.order is Order.PATCH else pixels.reshape(outputs, -1, inputs)
    padded = np.pad(pixels, ((0, 0), (0, 0), (0, -pixels.shape[2] % layout.rows)))
    return np.ascontiguousarray(padded).reshape(outputs, -1, layout.rows)
