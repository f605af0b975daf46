"""The fixed workloads: their sizes, that they are legal models, and that a seed draws the same ones."""

import numpy as np
import onnx
import onnxruntime
import pytest

from vanallen.rtl.config import PRESETS, preset
from vanallen.sw.bench.workloads import WORKLOADS, resident_size, workload


@pytest.mark.parametrize(("name", "size"), [("nano", 64), ("cubesat", 176), ("payload", 256), ("orbital", 352)])
def test_resident_size_is_the_largest_that_fits(name, size):
    config = preset(name)
    assert resident_size(config) == size
    bigger = size + config.columns
    assert 2 * size**2 <= config.activation_bytes and size**2 <= config.weight_bytes
    assert 2 * bigger**2 > config.activation_bytes or bigger**2 > config.weight_bytes


@pytest.mark.parametrize("config", PRESETS)
@pytest.mark.parametrize("name", ["gemm-resident", "conv-3x3"])
def test_models_are_legal_and_fill_the_range(name, config):
    work = workload(name, preset(config), seed=1)
    onnx.checker.check_model(work.model, full_check=True)
    session = onnxruntime.InferenceSession(work.model.SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run(None, work.inputs)
    assert y.dtype == np.int8 and 30 < y.astype(float).std() < 100


def test_convolution_is_the_published_one():
    work = workload("conv-3x3", preset("cubesat"), seed=1)
    (node,) = work.model.graph.node
    attributes = {attribute.name: list(attribute.ints) for attribute in node.attribute}
    assert attributes == {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    assert work.inputs["x"].shape == (1, 16, 32, 32)


def test_seed_decides():
    first, again, other = (workload("conv-3x3", preset("nano"), seed=seed) for seed in (4, 4, 5))
    assert first.model == again.model and first.model != other.model
    assert np.array_equal(first.inputs["x"], again.inputs["x"])


def test_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match=f"workload must be one of {', '.join(WORKLOADS)}, not 'nothing'"):
        workload("nothing", preset("nano"), seed=1)
