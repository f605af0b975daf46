"""The interface behind `vanallen run`: inputs by name, shapes, batches, and one clear line for what is wrong."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from vanallen.rtl.config import preset
from vanallen.sw.compiler import InputError
from vanallen.sw.models import InputSet, load_input, load_model
from vanallen.sw.session import run_model
from vanallen.sw.session.run import compile_for

IMAGE = np.zeros((2, 1, 8, 8), np.float32)


def refuse(model, arrays, match, **options):
    with pytest.raises(InputError, match=match) as refusal:
        run_model(model, InputSet("given", arrays, None), config="nano", **options)
    assert "\n" not in str(refusal.value)


def dense(shape, *, inputs=8, outputs=4):
    """A model of one QLinearMatMul, int8."""
    rng = np.random.default_rng(2)
    constants = {
        "xs": np.float32(0.1), "xz": np.int8(2), "w": rng.integers(-127, 128, (inputs, outputs)).astype(np.int8),
        "ws": np.float32(0.1), "wz": np.int8(0), "ys": np.float32(2), "yz": np.int8(-3),
    }  # fmt: skip
    node = helper.make_node("QLinearMatMul", ["x", *constants], ["y"], "dense")
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node], "g", [info("x", TensorProto.INT8, shape)], [info("y", TensorProto.INT8, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_wrong_inputs():
    refuse("digits", {"image": IMAGE.astype(np.float64)}, "image must be float32, not float64: convert")
    refuse("digits", {"image": IMAGE[:, :, 1:]}, r"shape \(n, 1, 8, 8\), not \(2, 1, 7, 8\)")
    refuse("digits", {"image": IMAGE[0]}, r"shape \(n, 1, 8, 8\), not \(1, 8, 8\)")
    refuse("digits", {"image": IMAGE[:0]}, "must hold samples")
    refuse("digits", {"image": np.float32(1)}, "must have shape")
    refuse("digits", {"picture": IMAGE}, "inputs are image, the arrays given are picture")
    refuse("digits", {"image": IMAGE, "more": IMAGE}, "arrays given are image, more")
    refuse(dense((3, 8)), {"x": np.zeros((2, 8), np.int8)}, r"shape \(3, 8\), not \(2, 8\)")


def test_wrong_options():
    refuse("digits", {"image": IMAGE}, "target must be one of golden, sim, serial:PORT, not 'chip'", target="chip")
    refuse("digits", {"image": IMAGE}, "limit must be at least 1, not 0", limit=0)
    with pytest.raises(InputError, match="configuration must be one of nano"):
        run_model("digits", "digits:test", config="tiny")


def test_the_only_input_needs_no_name(tmp_path):
    named = run_model("digits", InputSet("", {"image": IMAGE + 1}, None), config="nano", folder=tmp_path)
    nameless = run_model("digits", InputSet("", {"": IMAGE + 1}, None), config="nano", folder=tmp_path)
    assert np.array_equal(named.arrays["logits"], nameless.arrays["logits"])


def test_limit_takes_the_first_samples_and_their_labels(tmp_path):
    data = load_input("digits:test")
    result = run_model("digits", "digits:test", config="nano", limit=7, folder=tmp_path)
    assert result.samples == 7 and result.arrays["logits"].shape == (7, 10)
    right = np.argmax(result.arrays["logits"], axis=1) == data.labels[:7]
    assert result.accuracy == right.mean()


def test_labels_that_do_not_match_give_no_accuracy(tmp_path):
    data = InputSet("", {"image": IMAGE}, np.zeros(3, np.int64))
    assert run_model("digits", data, config="nano", folder=tmp_path).accuracy is None


@pytest.mark.parametrize(("samples", "batch"), [(1, 1), (12, 12), (1200, 600), (1201, 1)])
def test_samples_are_the_rows_of_a_matrix_product_as_many_as_fit(samples, batch, tmp_path):
    model = dense(("n", 8))
    x = np.random.default_rng(4).integers(-128, 128, (samples, 8)).astype(np.int8)
    assert compile_for(model, preset("nano"), {"x": x}).batch == batch
    if samples <= 1200:
        result = run_model(model, InputSet("", {"x": x}, None), config="nano", check=True, folder=tmp_path)
        assert result.differing_values == 0 and result.inferences == samples // batch


def test_open_dimensions_besides_the_first_come_from_the_input(tmp_path):
    x = np.random.default_rng(5).integers(-128, 128, (2, 5, 8)).astype(np.int8)
    result = run_model(
        dense(("n", "rows", 8)), InputSet("", {"x": x}, None), config="nano", check=True, folder=tmp_path
    )
    assert result.differing_values == 0 and result.arrays["y"].shape == (2, 5, 4)


def test_outputs_of_any_name_are_written(tmp_path):
    model = dense((2, 8))
    for name in ("file", "/net/out:0"):
        model.graph.node[0].output[0] = model.graph.output[0].name = name
        result = run_model(model, InputSet("", {"x": np.ones((2, 8), np.int8)}, None), config="nano", folder=tmp_path)
        with np.load(result.outputs) as outputs:
            assert np.array_equal(outputs[name], result.arrays[name])


def test_an_open_batch_must_be_open_everywhere():
    model = load_model("digits")
    model.graph.input.append(helper.make_tensor_value_info("second", TensorProto.FLOAT, (4,)))
    refuse(model, {"image": IMAGE, "second": np.zeros(4, np.float32)}, "open in some inputs .* not in second")
