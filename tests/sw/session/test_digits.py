"""The shipped network on the golden target: equal to onnxruntime on all images, on every preset."""

import numpy as np
import pytest

from vanallen.rtl.config import PRESETS
from vanallen.sw.models import load_input, load_model
from vanallen.sw.session import run_model


@pytest.mark.parametrize("config", PRESETS)
def test_digits(config, tmp_path):
    done = []
    result = run_model(
        "digits", "digits:test", config=config, check=True, folder=tmp_path, progress=lambda *step: done.append(step)
    )
    assert (result.differing_values, result.differing_outputs, result.bit_exact) == (0, 0, True)
    assert result.accuracy >= 0.96
    assert (result.inferences, result.samples) == (360, 360)
    assert done == [(count, 360) for count in range(1, 361)]
    hosted = [layer.op for layer in result.layers if layer.where == "host"]
    assert hosted == ["QuantizeLinear", "DequantizeLinear"] and result.macs_on_chip_share == 1
    with np.load(result.outputs) as outputs:
        assert np.array_equal(outputs["logits"], result.arrays["logits"])


def test_images_are_what_the_readme_says():
    data = load_input("digits:test")
    images = data.arrays["image"]
    assert images.shape == (360, 1, 8, 8) and images.dtype == np.float32
    assert (images.min(), images.max()) == (0, 1) and np.array_equal(images * 16, np.round(images * 16))
    assert data.labels.shape == (360,)
    counts = np.bincount(data.labels)
    assert len(counts) == 10 and counts.min() >= 34 and counts.max() <= 38
    assert load_model("digits").ByteSize() < 20_000
