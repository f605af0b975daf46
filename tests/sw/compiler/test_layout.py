"""Tensors in activation RAM: where each element lies, and back."""

import numpy as np
import pytest

from vanallen.sw.compiler.layer import Geometry
from vanallen.sw.compiler.layout import Layout, Patches

INT8, UINT8 = np.dtype(np.int8), np.dtype(np.uint8)


def test_image_word_is_the_channels_of_a_pixel():
    image = np.arange(2 * 3 * 6, dtype=np.int8).reshape(1, 6, 2, 3)
    words = Layout(image.shape, INT8, pixels=6, channels=6, channels_first=True, rows=4).pack(image)
    assert words.shape == (12, 4)
    for y in range(2):
        for x in range(3):
            pixel = 2 * (3 * y + x)
            assert words[pixel].tolist() == image[0, :4, y, x].tolist()
            assert words[pixel + 1].tolist() == [*image[0, 4:, y, x].tolist(), 0, 0]


def test_row_of_a_matrix_is_a_pixel():
    matrix = np.arange(10, dtype=np.int8).reshape(2, 5)
    words = Layout((2, 5), INT8, pixels=2, channels=5, channels_first=False, rows=4).pack(matrix)
    assert words.tolist() == [[0, 1, 2, 3], [4, 0, 0, 0], [5, 6, 7, 8], [9, 0, 0, 0]]


def test_uint8_is_shifted_by_128():
    layout = Layout((1, 4), UINT8, pixels=1, channels=4, channels_first=False, rows=4)
    assert layout.pack(np.array([[0, 127, 128, 255]], np.uint8)).tolist() == [[-128, -1, 0, 127]]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
@pytest.mark.parametrize("rows", [4, 8, 16])
@pytest.mark.parametrize("channels_first", [True, False])
def test_unpack_undoes_pack(dtype, rows, channels_first):
    rng = np.random.default_rng(1)
    shape = (1, 11, 3, 2) if channels_first else (2, 3, 11)
    layout = Layout(shape, np.dtype(dtype), pixels=6, channels=11, channels_first=channels_first, rows=rows)
    values = rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)
    words = layout.pack(values)
    assert words.shape == (layout.words, rows)
    result = layout.unpack(words)
    assert result.dtype == dtype and np.array_equal(result, values)


def test_patches_hold_taps_then_channels_and_the_zero_point_as_padding():
    image = np.arange(1, 19, dtype=np.int8).reshape(1, 2, 3, 3)
    patches = Patches(
        shape=image.shape, dtype=INT8, image=(2, 3, 3), output=(2, 2), kernel=(2, 2),
        geometry=Geometry((2, 2), (1, 1, 0, 0)), zero_point=-7, rows=4,
    )  # fmt: skip
    words = patches.pack(image).reshape(4, 8)
    assert patches.words == 8
    padded = np.pad(image[0], ((0, 0), (1, 0), (1, 0)), constant_values=-7)
    for pixel, (y, x) in enumerate([(0, 0), (0, 2), (2, 0), (2, 2)]):
        expected = [padded[c, y + ky, x + kx] for ky in range(2) for kx in range(2) for c in range(2)]
        assert words[pixel].tolist() == expected


def test_patches_with_negative_padding_leave_pixels_out():
    image = np.arange(8, dtype=np.int8).reshape(1, 1, 1, 8)
    patches = Patches(
        shape=image.shape, dtype=INT8, image=(1, 1, 8), output=(1, 2), kernel=(1, 1),
        geometry=Geometry((1, 4), (0, -1, 0, -2)), zero_point=0, rows=4,
    )  # fmt: skip
    assert patches.pack(image)[:, 0].tolist() == [1, 5]
