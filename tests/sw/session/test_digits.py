"""The shipped network equals onnxruntime and the golden model on all images, on golden target and simulated chip."""

import numpy as np
import pytest

from vanallen.rtl.config import PRESETS
from vanallen.sw.models import load_input, load_model
from vanallen.sw.session import run_model

TARGETS = [*(("golden", name) for name in PRESETS), *(("sim", name) for name in ("nano", "cubesat", "payload"))]


@pytest.mark.parametrize(("target", "config"), TARGETS)
def test_digits(target, config, tmp_path):
    done = []
    result = run_model(
        "digits", "digits:test", config=config, target=target, check=True, folder=tmp_path,
        progress=lambda *step: done.append(step),
    )  # fmt: skip
    assert (result.differing_values, result.differing_outputs, result.bit_exact) == (0, 0, True)
    assert result.accuracy >= 0.96
    assert (result.inferences, result.samples) == (360, 360)
    assert done == [(count, 360) for count in range(1, 361)]
    hosted = [layer.op for layer in result.layers if layer.where == "host"]
    assert hosted == ["QuantizeLinear", "DequantizeLinear"] and result.macs_on_chip_share == 1
    chip = [layer for layer in result.layers if layer.where == "chip"]
    assert all(layer.cycles == (None if target == "golden" else layer.model_cycles) for layer in chip)
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
