"""Weight words and parameter rows, element by element as the command format says."""

import numpy as np
import pytest

from vanallen.rtl.config import PRESETS
from vanallen.sw.compiler.layer import Geometry, QuantizedLayer
from vanallen.sw.compiler.layout import Layout
from vanallen.sw.compiler.resident import pack_parameters, pack_weights
from vanallen.sw.compiler.values import Quantization
from vanallen.sw.compiler.view import Order, arrange_weights, view_of

INT8 = np.dtype(np.int8)
QUANTIZATION = Quantization(np.float32(0.1), 5, INT8)


def layer(weights, geometry=None):
    outputs = len(weights)
    rng = np.random.default_rng(8)
    return QuantizedLayer(
        name="layer", op="QLinearConv", nodes=(0,), input="x", output="y", weights=weights,
        bias=rng.integers(-(2**31), 2**31 - 1, outputs).astype(np.int32), scale=rng.random(outputs, np.float32),
        source=QUANTIZATION, result=QUANTIZATION, clamp=(-128, 127), geometry=geometry,
    )  # fmt: skip


@pytest.mark.parametrize("config", PRESETS.values(), ids=lambda config: config.name)
def test_convolution_weight_words(config):
    rng = np.random.default_rng(2)
    outputs, inputs, height, width = 21, 11, 2, 3
    weights = rng.integers(-128, 128, (outputs, inputs, height, width)).astype(np.int8)
    shape = (1, inputs, 5, 5)
    layout = Layout(shape, INT8, 25, inputs, True, config.rows)
    view = view_of(layer(weights, Geometry((1, 1), (0, 0, 0, 0))), layout, shape, (1, outputs, 4, 3))
    words = pack_weights(config, arrange_weights(weights, layout, view))
    groups, blocks = -(-inputs // config.rows), -(-outputs // config.columns)
    assert words.shape == (blocks * height * width * groups * config.rows, config.columns)
    for nb, ky, kx, g, r, c in np.ndindex(blocks, height, width, groups, config.rows, config.columns):
        word = (((nb * height + ky) * width + kx) * groups + g) * config.rows + r
        n, k = nb * config.columns + c, g * config.rows + r
        expected = weights[n, k, ky, kx] if n < outputs and k < inputs else 0
        assert words[word, c] == expected


@pytest.mark.parametrize("channels_first", [True, False])
def test_flattened_input_meets_its_weights(channels_first):
    rng = np.random.default_rng(3)
    pixels, channels, outputs, rows = 6, 5, 7, 4
    values = rng.integers(-128, 128, (1, pixels * channels)).astype(np.int8)
    weights = rng.integers(-128, 128, (outputs, pixels * channels, 1, 1)).astype(np.int8)
    layout = Layout(values.shape, INT8, pixels, channels, channels_first, rows)
    view = view_of(layer(weights), layout, values.shape, (1, outputs))
    assert view.order is (Order.CHANNELS_FIRST if channels_first else Order.PIXELS_FIRST)
    assert (view.rows, view.groups) == (1, layout.words)
    arranged = arrange_weights(weights, layout, view).astype(int)
    product = (arranged * layout.pack(values).astype(int)).sum(axis=(1, 2))
    assert np.array_equal(product, weights[:, :, 0, 0].astype(int) @ values[0].astype(int))


def test_order_that_a_layer_cannot_read():
    weights = np.zeros((3, 4, 1, 1), np.int8)
    image = Layout((1, 6, 4), INT8, 4, 6, True, 4)
    assert view_of(layer(weights), image, (1, 6, 4), (1, 6, 3)) is None
    # as many rows and columns as pixels and channels, but the words hold the other order
    assert view_of(layer(np.zeros((3, 6, 1, 1), np.int8)), image, (1, 4, 6), (1, 4, 3)) is None
    matrix = Layout((1, 4, 2, 3), INT8, 6, 4, False, 4)
    assert view_of(layer(weights, Geometry((1, 1), (0, 0, 0, 0))), matrix, (1, 4, 2, 3), (1, 3, 2, 3)) is None


@pytest.mark.parametrize("config", PRESETS.values(), ids=lambda config: config.name)
def test_parameter_rows_fold_the_zero_point_modulo_2_to_the_32(config):
    rng = np.random.default_rng(4)
    weights = rng.integers(-128, 128, (19, 40, 3, 3)).astype(np.int8)
    one = layer(weights)
    bias, scale = pack_parameters(config, one)
    blocks = -(-19 // config.columns)
    assert bias.shape == scale.shape == (blocks * config.columns // config.lanes, config.lanes)
    for channel in range(blocks * config.columns):
        nb, column = divmod(channel, config.columns)
        row, lane = nb * (config.columns // config.lanes) + column // config.lanes, column % config.lanes
        if channel < 19:
            folded = int(one.bias[channel]) - 5 * int(weights[channel].astype(int).sum())
            assert bias[row, lane] == (folded + 2**31) % 2**32 - 2**31
            assert scale[row, lane] == one.scale[channel]
        else:
            assert (bias[row, lane], scale[row, lane]) == (0, 1)
