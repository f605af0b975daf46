"""Random models of one layer equal onnxruntime, value for value, all of it on the chip."""

from collections import Counter

import numpy as np
import onnx
import pytest

from vanallen.rtl.config import Config, preset
from vanallen.sw.models import InputSet
from vanallen.sw.session import run_model
from vanallen.sw.session.random_models import random_model

MODELS = 200
SEED = 2026
ODD = Config(
    name="odd",
    rows=8,
    columns=24,
    lanes=8,
    activation_bytes=32 << 10,
    weight_bytes=24 << 11,
    accumulator_rows=64,
    protection="none",
)
SIMULATED = [preset(name) for name in ("nano", "cubesat", "payload")]
TARGETS = [("golden", config) for config in (*SIMULATED, preset("orbital"), ODD)]
TARGETS += [("sim", config) for config in SIMULATED]


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize(("target", "config"), TARGETS, ids=[f"{target}-{config.name}" for target, config in TARGETS])
def test_random_models_equal_onnxruntime(target, config, part, tmp_path):
    for index in range(part, MODELS, 4):
        case = random_model(np.random.default_rng([SEED, index]), config)
        inputs = InputSet("random", case.inputs, None)
        result = run_model(case.model, inputs, config=config, target=target, check=True, folder=tmp_path)
        assert result.bit_exact, f"{index}: {case.description}: {result.differing_values}: {result.differences[0]}"
        assert [layer.where for layer in result.layers] == ["chip"], f"{index}: {case.description}"
        assert result.checked_values > result.arrays["y"].size
        (layer,) = result.layers
        assert layer.cycles == (None if target == "golden" else layer.model_cycles), f"{index}: {case.description}"


def test_models_cover_what_they_should():
    seen = Counter()
    for index in range(MODELS):
        case = random_model(np.random.default_rng([SEED, index]), preset("cubesat"))
        onnx.checker.check_model(case.model, full_check=True)
        (node,) = case.model.graph.node
        seen.update([node.op_type, str(case.inputs["x"].dtype), f"{node.op_type} rank {case.inputs['x'].ndim}"])
        seen.update(["bias" if "b" in node.input else "no bias"])
        for attribute in node.attribute:
            if attribute.name in ("kernel_shape", "strides"):
                seen.update(f"{attribute.name} {size}" for size in attribute.ints)
            if attribute.name == "auto_pad":
                seen.update([attribute.s.decode()])
    expected = [
        "QLinearConv", "QLinearMatMul", "int8", "uint8", "bias", "no bias",
        "QLinearConv rank 3", "QLinearMatMul rank 3",
        "SAME_UPPER", "SAME_LOWER", "VALID",
    ]  # fmt: skip
    expected += [f"kernel_shape {size}" for size in range(1, 8)] + [f"strides {size}" for size in range(1, 5)]
    assert [name for name in expected if not seen[name]] == []


def test_a_seed_is_a_model():
    one, other = (random_model(np.random.default_rng([SEED, 3]), ODD) for _ in range(2))
    assert one.model == other.model and np.array_equal(one.inputs["x"], other.inputs["x"])
