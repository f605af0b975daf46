"""How a tensor lies in activation RAM: words of R channels of one pixel, pixel after pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .layer import Geometry

__all__ = ["Layout", "Patches", "image_size"]


def _to_int8(values: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    """int8 values as they are, uint8 values minus 128."""
    return values.astype(np.int8) if values.dtype == np.int8 else (values ^ np.uint8(128)).view(np.int8)


def _from_int8(values: npt.NDArray[np.int8], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    return values if dtype == np.int8 else values.view(np.uint8) ^ np.uint8(128)


def _words(pixels: npt.NDArray[np.int8], rows: int) -> npt.NDArray[np.int8]:
    """[pixels, channels] as words [pixels * groups, rows]; missing channels are 0."""
    padded = np.pad(pixels, ((0, 0), (0, -pixels.shape[1] % rows)))
    return np.ascontiguousarray(padded).reshape(-1, rows)


@dataclass(frozen=True)
class Layout:
    """A tensor's elements in order, seen as a matrix of pixels by channels.

    Parameters
    ----------
    shape : tuple[int, ...]
        Of the tensor in the model.
    dtype : numpy.dtype
        int8 or uint8, in the model.
    pixels, channels : int
        Sizes of the matrix; their product is the tensor's size.
    channels_first : bool
        Whether the tensor's order is channel by channel (an image, [1, C, H, W]) or pixel by pixel (rows, [M, K]).
    rows : int
        ``R`` of the accelerator.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    pixels: int
    channels: int
    channels_first: bool
    rows: int

    @property
    def groups(self) -> int:
        """Words a pixel."""
        return -(-self.channels // self.rows)

    @property
    def words(self) -> int:
        """Words the tensor takes."""
        return self.pixels * self.groups

    def pack(self, values: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
        """The tensor as activation words, [words, R]."""
        flat = _to_int8(values)
        if self.channels_first:
            return _words(flat.reshape(self.channels, self.pixels).T, self.rows)
        return _words(flat.reshape(self.pixels, self.channels), self.rows)

    def unpack(self, words: npt.NDArray[np.int8]) -> npt.NDArray[Any]:
        """The tensor from activation words, [words, R]."""
        matrix = words.reshape(self.pixels, self.groups * self.rows)[:, : self.channels]
        ordered = np.ascontiguousarray(matrix.T if self.channels_first else matrix)
        return _from_int8(ordered, self.dtype).reshape(self.shape)


@dataclass(frozen=True)
class Patches:
    """A convolution's input, laid out by the host as the rows of a matrix product: tap by tap, channel by channel.

    A row's K = kernel height * kernel width * channels values fill its words; padding is written out as the zero point.

    Parameters
    ----------
    shape, dtype, rows
        As in :class:`Layout`.
    image : tuple[int, int, int]
        Channels, height, width.
    output : tuple[int, int]
        Height and width of the convolution's output.
    kernel : tuple[int, int]
        Height and width.
    geometry : Geometry
        Strides and padding.
    zero_point : int
        What padding holds, int8.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    image: tuple[int, int, int]
    output: tuple[int, int]
    kernel: tuple[int, int]
    geometry: Geometry
    zero_point: int
    rows: int

    @property
    def pixels(self) -> int:
        """Rows of the matrix product."""
        return self.output[0] * self.output[1]

    @property
    def channels(self) -> int:
        """Values in a row."""
        return self.kernel[0] * self.kernel[1] * self.image[0]

    @property
    def groups(self) -> int:
        """Words a row."""
        return -(-self.channels // self.rows)

    @property
    def words(self) -> int:
        """Words of all rows."""
        return self.pixels * self.groups

    def pack(self, values: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
        """The tensor's patches as activation words, [words, R]."""
        image = _to_int8(values).reshape(self.image)
        top, left, bottom, right = self.geometry.pads
        image = image[:, max(0, -top) :, max(0, -left) :]
        pads = [(max(0, before), max(0, after)) for before, after in ((0, 0), (top, bottom), (left, right))]
        padded = np.pad(image, pads, constant_values=self.zero_point)
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.kernel, axis=(1, 2))
        windows = windows[:, :: self.geometry.stride[0], :: self.geometry.stride[1]]
        windows = windows[:, : self.output[0], : self.output[1]]
        return _words(windows.transpose(1, 2, 3, 4, 0).reshape(self.pixels, self.channels), self.rows)


def image_size(shape: Sequence[int]) -> tuple[int, int, int]:
    """Channels, height and width of an image [1, C, H, W] or [1, C, W]."""
    return (shape[1], shape[2], shape[3]) if len(shape) == 4 else (shape[1], 1, shape[2])
