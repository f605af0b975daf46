"""`vanallen run` on the golden model: what it prints and writes, and one clear line for every wrong input."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from vanallen.sw.cli.main import main
from vanallen.sw.models import load_model

KEYS = {
    "outputs",
    "bit_exact",
    "differing_values",
    "layers",
    "total_cycles",
    "macs_on_chip_share",
    "accuracy",
    "health",
}
LAYER_KEYS = {
    "name", "op", "where", "why", "macs", "cycles", "ideal_cycles", "model_cycles", "bound", "utilization",
}  # fmt: skip


@pytest.fixture(autouse=True)
def in_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    return main(["run", *map(str, arguments), "--target", "golden"])


def refused(capsys, *arguments):
    """The one line that is said about a wrong input."""
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("vanallen: ") and "Traceback" not in line
    return line


def one_node(tmp_path, node, kind, shape, constants=()):
    """A model of one node from x to y, saved."""
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", kind, None)],
        [numpy_helper.from_array(value, name) for name, value in constants],
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("com.example", 1)]
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def test_digits_equal_onnxruntime(capsys):
    assert run("digits", "--input", "digits:test", "--limit", 20, "--check") == 0
    out = capsys.readouterr().out
    assert "0 of the layers' differ" in out and "0 outputs differ" in out
    assert "accuracy" in out and "of 20 samples" in out
    assert "report: build/run/digits-cubesat-golden.json" in out


def test_json_is_the_contract_s_and_alone_on_standard_output(capsys):
    assert run("digits", "--input", "digits:test", "--limit", 3, "--check", "--json", "-") == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result) >= KEYS
    assert all(set(layer) >= LAYER_KEYS for layer in result["layers"])
    assert {"chip", "host"} >= {layer["where"] for layer in result["layers"]}
    assert result["bit_exact"] is True and result["differing_values"] == 0
    assert {result["health"][name] for name in ("corrected", "recovered", "uncorrectable")} == {0}
    assert result["macs_on_chip_share"] == 1.0
    with np.load(result["outputs"]) as outputs:
        (name,) = [value.name for value in load_model("digits").graph.output]
        assert outputs[name].shape == (3, 10)


def test_report_is_what_json_says(capsys):
    assert run("digits", "--input", "digits:test", "--limit", 1, "--quiet", "--json", "result.json") == 0
    assert capsys.readouterr().out == ""
    with open("result.json") as file, open("build/run/digits-cubesat-golden.json") as report:
        assert json.load(file) == json.load(report)


def test_without_check_nothing_is_claimed(capsys):
    assert run("digits", "--input", "digits:test", "--limit", 1) == 0
    assert "not compared" in capsys.readouterr().out


def test_user_files_by_name_and_without(capsys, tmp_path):
    onnx.save(load_model("digits"), tmp_path / "mine.onnx")
    name = load_model("digits").graph.input[0].name
    image = np.full((2, 1, 8, 8), 0.5, np.float32)
    np.save("image.npy", image)
    np.savez("image.npz", **{name: image})
    for file in ("image.npy", "image.npz"):
        assert run("mine.onnx", "--input", file, "--check") == 0
    assert "accuracy" not in capsys.readouterr().out


def test_a_mismatch_is_status_1_and_says_where(capsys, monkeypatch):
    from vanallen.sw.golden import GoldenAccelerator

    original = GoldenAccelerator.run
    calls = []

    def faulty(self, first, count, **options):
        job = original(self, first, count, **options)
        calls.append(first)
        if len(calls) == 1:
            self.activation[:] ^= 1
        return job

    monkeypatch.setattr(GoldenAccelerator, "run", faulty)
    assert run("digits", "--input", "digits:test", "--limit", 1, "--check") == 1
    out = capsys.readouterr().out
    assert "row 0, column 0: got" in out and ", want" in out


def test_faults_are_injected_into_a_protected_chip_alone(capsys):
    digits = ("digits", "--input", "digits:test", "--limit", 1)
    assert "add --protection full" in refused(capsys, *digits, "--protection", "none", "--inject", "tag:row")
    assert "golden model" in refused(capsys, *digits, "--inject", "tag:row")
    line = refused(capsys, *digits, "--inject", "tag:row,tag:nowhere")
    assert "one of activation-ram:single, " in line and line.endswith("host:word, not 'tag:nowhere'")


def test_a_chip_that_gives_up_is_one_line_and_no_outputs(capsys, monkeypatch):
    from vanallen.rtl.commands import ErrorCode
    from vanallen.sw.driver import Driver, Uncorrectable

    def struck(self, first, count, **options):
        raise Uncorrectable(ErrorCode.WEIGHT_MEMORY, 2, 5)

    monkeypatch.setattr(Driver, "run", struck)
    assert run("digits", "--input", "digits:test", "--limit", 1, "--protection", "full") == 1
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.endswith("the job failed at command 2: WEIGHT_MEMORY, block 5; there are no outputs: run it again")
    assert not list(Path("build/run").glob("*"))


def test_the_protected_golden_model(capsys):
    arguments = ("digits", "--input", "digits:test", "--limit", 3, "--check", "--protection", "full", "--json", "-")
    assert run(*arguments) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result["protection"] == "full" and result["injections"] == []
    assert "health:" not in captured.err, "nothing happened"


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (b"once upon a time\n", "text"), (b"\x00\xff" * 50, "no ONNX model")],
    ids=["empty", "text", "noise"],
)
def test_file_that_is_no_model(capsys, tmp_path, content, said):
    (tmp_path / "bad.onnx").write_bytes(content)
    assert said in refused(capsys, "bad.onnx", "--input", "digits:test")


def test_truncated_model(capsys, tmp_path):
    data = load_model("digits").SerializeToString()
    for length in (len(data) // 2, len(data) - 1):
        (tmp_path / "cut.onnx").write_bytes(data[:length])
        assert "cut.onnx" in refused(capsys, "cut.onnx", "--input", "digits:test")


def test_missing_files(capsys):
    assert "none.onnx" in refused(capsys, "none.onnx", "--input", "digits:test")
    assert "none.npy" in refused(capsys, "digits", "--input", "none.npy")


def test_folder_as_a_file(capsys, tmp_path):
    (tmp_path / "folder").mkdir()
    assert "folder" in refused(capsys, "folder", "--input", "digits:test")


def test_float_model_names_the_layer_and_how_to_quantize(capsys, tmp_path):
    node = helper.make_node("MatMul", ["x", "w"], ["y"], "dense")
    path = one_node(tmp_path, node, TensorProto.FLOAT, (4, 4), [("w", np.eye(4, dtype=np.float32))])
    np.save("x.npy", np.zeros((4, 4), np.float32))
    line = refused(capsys, path, "--input", "x.npy")
    assert "dense" in line and "quantize" in line


def test_unknown_operator(capsys, tmp_path):
    path = one_node(
        tmp_path, helper.make_node("Frobnicate", ["x"], ["y"], "odd", domain="com.example"), TensorProto.INT8, (4,)
    )
    np.save("x.npy", np.zeros(4, np.int8))
    assert "Frobnicate" in refused(capsys, path, "--input", "x.npy")


def test_wrong_shape_and_type_of_the_input(capsys):
    np.save("shape.npy", np.zeros((2, 1, 9, 8), np.float32))
    np.save("type.npy", np.zeros((2, 1, 8, 8), np.int16))
    np.save("rank.npy", np.zeros((), np.float32))
    assert "(n, 1, 8, 8)" in refused(capsys, "digits", "--input", "shape.npy")
    assert "int16" in refused(capsys, "digits", "--input", "type.npy")
    assert "shape" in refused(capsys, "digits", "--input", "rank.npy")


def test_arrays_of_other_names(capsys):
    np.savez("names.npz", first=np.zeros(1), second=np.zeros(1))
    assert "first, second" in refused(capsys, "digits", "--input", "names.npz")


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut"], ids=["empty", "text", "archive"])
def test_file_that_is_no_array(capsys, tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    assert "bad.npz" in refused(capsys, "digits", "--input", "bad.npz")


def test_objects_are_not_unpickled(capsys, tmp_path):
    np.save("objects.npy", np.array([{}, {}]), allow_pickle=True)
    assert "objects.npy" in refused(capsys, "digits", "--input", "objects.npy")


def test_model_that_fits_no_memory(capsys, tmp_path):
    scale, zero = np.array(0.1, np.float32), np.array(0, np.int8)
    constants = [("s", scale), ("z", zero), ("w", np.ones((512, 512), np.int8))]
    node = helper.make_node("QLinearMatMul", ["x", "s", "z", "w", "s", "z", "s", "z"], ["y"], "large")
    path = one_node(tmp_path, node, TensorProto.INT8, (1, 512), constants)
    np.save("x.npy", np.zeros((1, 512), np.int8))
    line = refused(capsys, path, "--input", "x.npy", "--config", "nano")
    assert "large" in line and "weight" in line
