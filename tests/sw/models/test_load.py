"""Reading models and inputs: what is shipped, what a user has, and one clear line for every broken file."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from vanallen.sw.compiler import InputError
from vanallen.sw.models import load_input, load_model

DIGITS = load_model("digits").SerializeToString()


def refused(read, path, match):
    with pytest.raises(InputError, match=match) as refusal:
        read(path)
    message = str(refusal.value)
    assert "\n" not in message and path.name in message


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "empty .0 bytes."),
        (b"Once upon a time\nthere was a model.\n", "it is text"),
        (b"\x80\x81" * 100, "cut off or of another format"),
        (b"PK\x03\x04" + b"\0" * 90, "archive"),
        (DIGITS[:5000], "cut off"),
        (DIGITS[:-1], "no ONNX model"),
        (DIGITS[:4], "no ONNX model"),
        (onnx.ModelProto(ir_version=8).SerializeToString(), "no ONNX model"),
    ],
    ids=["empty", "text", "noise", "archive", "half", "one-byte", "start", "no-graph"],
)
def test_file_that_is_no_model(tmp_path, content, match):
    (tmp_path / "bad.onnx").write_bytes(content)
    refused(load_model, tmp_path / "bad.onnx", match)


def test_no_cut_is_a_traceback(tmp_path):
    path = tmp_path / "cut.onnx"
    for length in range(1, len(DIGITS), 61):
        path.write_bytes(DIGITS[:length])
        refused(load_model, path, "cut.onnx")


def test_missing_file_and_folder(tmp_path):
    refused(load_model, tmp_path / "none.onnx", r"doesn't exist: name a file, or a shipped model \(digits\)")
    refused(load_model, tmp_path, "is a folder")
    refused(load_input, tmp_path / "none.npz", r"doesn't exist: name a file, or a shipped set \(digits:test\)")


def one_node(operator, *inputs, **attributes):
    node = helper.make_node(operator, inputs, ["y"], "odd", **attributes)
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 4)) for name in ("x", "y")]
    graph = helper.make_graph([node], "g", values[:1], values[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_invalid_models(tmp_path):
    path = tmp_path / "odd.onnx"
    onnx.save(one_node("Frobnicate", "x"), path)
    refused(load_model, path, "operator Frobnicate of node odd is unknown: express it by standard")
    onnx.save(one_node("Relu", "nowhere"), path)
    refused(load_model, path, "nowhere")


def test_output_without_a_shape_is_no_reason_to_refuse(tmp_path):
    model = one_node("Relu", "x")
    model.graph.output[0].type.tensor_type.ClearField("shape")
    onnx.save(model, tmp_path / "m.onnx")
    assert load_model(tmp_path / "m.onnx") == model


def test_weights_in_a_file_of_their_own(tmp_path):
    model = one_node("Add", "x", "w")
    model.graph.initializer.append(numpy_helper.from_array(np.ones((1, 400), np.float32), "w"))
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 400
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 400
    path = tmp_path / "m.onnx"
    onnx.save(model, path, save_as_external_data=True, location="m.data", size_threshold=0)
    (tensor,) = load_model(path).graph.initializer
    assert np.array_equal(numpy_helper.to_array(tensor), np.ones((1, 400), np.float32))
    (tmp_path / "m.data").unlink()
    refused(load_model, path, "m.data")


def test_arrays_of_a_user(tmp_path):
    array = np.arange(6, dtype=np.int8).reshape(2, 3)
    np.save(tmp_path / "one.npy", array)
    np.savez(tmp_path / "two.npz", a=array, b=array + 1, labels=np.array([1, 0], np.int8))
    one, two = load_input(tmp_path / "one.npy"), load_input(tmp_path / "two.npz")
    assert list(one.arrays) == [""] and np.array_equal(one.arrays[""], array) and one.labels is None
    assert list(two.arrays) == ["a", "b"] and two.labels.dtype == np.int64 and two.labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "empty"),
        (b"1 2 3\n", "it is text"),
        (b"\x93NUMPY\x01\x00", "cut off"),
        (b"PK\x03\x04", "archive, cut off"),
    ],
    ids=["empty", "text", "array", "archive"],
)
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_file_that_is_no_array(tmp_path, content, match, suffix):
    path = tmp_path / f"bad.{suffix}"
    path.write_bytes(content)
    refused(load_input, path, match)


def test_cut_archives_and_arrays(tmp_path):
    np.savez(tmp_path / "whole.npz", x=np.arange(400))
    np.save(tmp_path / "whole.npy", np.arange(400))
    for name in ("whole.npz", "whole.npy"):
        data = (tmp_path / name).read_bytes()
        path = tmp_path / f"cut-{name}"
        for length in range(1, len(data) - 1, 97):
            path.write_bytes(data[:length])
            refused(load_input, path, "cut-whole")


def test_arrays_that_hold_no_numbers(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{}]))
    refused(load_input, tmp_path / "objects.npy", "no .npy or .npz file of numbers")
    np.save(tmp_path / "words.npy", np.array(["one"]))
    refused(load_input, tmp_path / "words.npy", "<U3 values, not numbers")
    np.savez(tmp_path / "labels.npz", labels=np.array([1]))
    refused(load_input, tmp_path / "labels.npz", "holds no array")
    np.savez(tmp_path / "float.npz", x=np.zeros(1), labels=np.array([1.5]))
    refused(load_input, tmp_path / "float.npz", "labels of .* must be a list of integers")
