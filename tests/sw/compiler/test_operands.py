"""Padding, limits and weights: what the chip takes, and what is said about the rest."""

import numpy as np
import pytest

from vanallen.sw.compiler.layer import Geometry, HostReason
from vanallen.sw.compiler.operands import convolution_geometry, signed_weights
from vanallen.sw.compiler.values import layer_scale


def geometry(size, kernel, **attributes):
    return convolution_geometry(attributes, size, kernel)


def test_pads_as_given_and_none():
    assert geometry((8, 8), (3, 3), pads=[1, 2, 3, 4], strides=[2, 1]) == Geometry((2, 1), (1, 2, 3, 4))
    assert geometry((8, 8), (3, 3)) == geometry((8, 8), (3, 3), auto_pad="VALID") == Geometry((1, 1), (0, 0, 0, 0))


def test_same_puts_the_odd_pixel_after_or_before():
    assert geometry((8, 8), (4, 3), auto_pad="SAME_UPPER").pads == (1, 1, 2, 1)
    assert geometry((8, 8), (4, 3), auto_pad="SAME_LOWER").pads == (2, 1, 1, 1)
    assert geometry((7, 8), (3, 2), auto_pad="SAME_UPPER", strides=[2, 2]).pads == (1, 0, 1, 0)


@pytest.mark.parametrize(
    ("mode", "size", "before"), [("SAME_UPPER", 8, -1), ("SAME_LOWER", 8, 0), ("SAME_UPPER", 7, 0)]
)
def test_same_with_a_kernel_smaller_than_its_stride(mode, size, before):
    assert geometry((size,), (1,), auto_pad=mode, strides=[4]).pads[1] == before


def test_one_axis_is_an_image_of_one_line():
    assert geometry((9,), (5,), pads=[1, 2], strides=[3]) == Geometry((1, 3), (0, 1, 0, 2))


@pytest.mark.parametrize(
    ("kernel", "attributes", "reason"),
    [
        ((3, 3), {"group": 4}, "4 groups"),
        ((3, 3), {"dilations": [2, 1]}, r"dilations are \[2, 1\]"),
        ((8, 1), {}, "kernel is 8x1; the chip goes to 7"),
        ((3, 3), {"strides": [1, 5]}, "stride is 1x5; the chip goes to 4"),
        ((3, 3), {"pads": [0, 16, 0, 0]}, "from 0 to 15"),
        ((3, 3), {"pads": [0, 0, 0, -1]}, "from 0 to 15"),
    ],
)
def test_limits(kernel, attributes, reason):
    with pytest.raises(HostReason, match=reason):
        geometry((32, 32), kernel, **attributes)


def test_dilation_of_a_single_tap_is_none():
    assert geometry((8, 8), (1, 3), dilations=[4, 1]) == Geometry((1, 1), (0, 0, 0, 0))


def test_uint8_weights_are_int8_ones_plus_128():
    weights = np.array([0, 128, 255], np.uint8)
    assert signed_weights(weights, np.array([128], np.uint8)).tolist() == [-128, 0, 127]
    with pytest.raises(HostReason, match="zero point 127; the chip needs 128"):
        signed_weights(weights, np.array([128, 127], np.uint8))
    with pytest.raises(HostReason, match="zero point 1; the chip needs 0"):
        signed_weights(weights.astype(np.int8), np.array(1, np.int8))


def test_scale_is_rounded_at_each_step():
    rng = np.random.default_rng(7)
    x, w, y = (rng.random(2000, np.float32) for _ in range(3))
    expected = [np.float32(np.float32(a * b) / c) for a, b, c in zip(x, w, y, strict=True)]
    assert np.array_equal(layer_scale(x, w, y), expected)
    exact = (x.astype(np.float64) * w / y).astype(np.float32)
    assert np.any(exact != expected)
