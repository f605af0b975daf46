"""Relu and Clip moved behind Quantize: same function, and an integer layer for onnxruntime."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from vanallen.sw.compiler.integer_form import integer_form
from vanallen.sw.compiler.onnxruntime_session import open_session, reference_session, uses_int8_activations


def model(activations, zero_point, *, source="Conv", dtype=np.int8, opset=17):
    """Quantize, Dequantize, a layer (or nothing), activation functions, Quantize, Dequantize."""
    rng = np.random.default_rng(5)
    constants = {
        "xs": np.float32(0.05), "xz": dtype(3), "ys": np.float32(0.05), "yz": dtype(zero_point),
        "w": rng.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8), "ws": np.float32(0.01), "wz": np.int8(0),
        "low": np.float32(-0.52), "high": np.float32(3.01), "zero": np.float32(0), "six": np.float32(6),
    }  # fmt: skip
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "xs", "xz"], ["a0"]),
    ]
    value = "a0"
    if source == "Conv":
        nodes.append(helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wd"]))
        nodes.append(helper.make_node("Conv", ["a0", "wd"], ["a1"], "conv"))
        value = "a1"
    for index, activation in enumerate(activations):
        operands = [value, *{"Clip": ("low", "high"), "Relu6": ("zero", "six")}.get(activation, ())]
        operator = "Relu" if activation == "Relu" else "Clip"
        nodes.append(helper.make_node(operator, operands, [f"b{index}"], f"act{index}"))
        value = f"b{index}"
    scale = ("ys", "yz") if source == "Conv" else ("xs", "xz")
    nodes.append(helper.make_node("QuantizeLinear", [value, *scale], ["yq"], "quantize"))
    nodes.append(helper.make_node("DequantizeLinear", ["yq", *scale], ["y"]))
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 8, 8))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 4, 6, 6) if source == "Conv" else (1, 3, 8, 8))],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def outputs(session):
    x = np.random.default_rng(6).normal(0, 3, (1, 3, 8, 8)).astype(np.float32)
    return session.run(None, {"x": x})[0]


def operators(graph):
    return [node.op_type for node in graph.node]


def optimized(session_model, tmp_path):
    """Operators that onnxruntime really runs."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 4
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    onnxruntime.InferenceSession(session_model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return operators(onnx.load(options.optimized_model_filepath).graph)


@pytest.mark.parametrize("activations", [["Relu"], ["Clip"], ["Relu6"], ["Clip", "Relu"], ["Relu", "Clip", "Relu6"]])
@pytest.mark.parametrize("zero_point", [-128, -30, 0])
def test_same_function_of_real_numbers(activations, zero_point):
    original = model(activations, zero_point)
    result = integer_form(original)
    expected, found = outputs(open_session(original, optimize=False)), outputs(reference_session(original))
    assert "Relu" not in operators(result.graph)
    # The float form sums in float and may round a tie to the other side: 0.05 is one step of the output.
    assert np.max(np.abs(found - expected)) < 0.051
    assert np.mean(found != expected) < 0.01
    onnx.checker.check_model(result)


def test_onnxruntime_computes_the_integer_form_in_integers_and_the_original_in_float(tmp_path):
    original = model(["Relu"], 0)
    assert "QLinearConv" not in optimized(original, tmp_path)
    assert "QLinearConv" in optimized(integer_form(original), tmp_path)


def test_relu_that_the_quantization_does_anyway_disappears():
    assert "Clip" not in operators(integer_form(model(["Relu"], -128)).graph)
    assert "Clip" in operators(integer_form(model(["Relu"], -127)).graph)


def test_activation_between_one_quantization_becomes_an_integer_clip_exactly():
    original = model(["Clip", "Relu"], 0, source="none")
    result = integer_form(original)
    assert operators(result.graph) == ["QuantizeLinear", "Clip", "DequantizeLinear"]
    assert np.array_equal(outputs(open_session(original, optimize=False)), outputs(open_session(result)))


def test_old_operator_sets_and_the_original_stay_as_they_are():
    original = model(["Relu"], 0, opset=11)
    assert operators(integer_form(original).graph) == operators(original.graph)
    modern = model(["Relu"], 0)
    before = modern.SerializeToString()
    integer_form(modern)
    assert modern.SerializeToString() == before


def test_activation_whose_result_is_used_elsewhere_stays():
    original = model(["Relu"], 0)
    original.graph.output.append(helper.make_tensor_value_info("b0", TensorProto.FLOAT, None))
    assert "Relu" in operators(integer_form(original).graph)


@pytest.mark.parametrize(("dtype", "expected"), [(np.int8, True), (np.uint8, False)])
def test_type_of_the_activations_not_of_the_weights(dtype, expected):
    assert uses_int8_activations(model(["Relu"], 0, dtype=dtype)) is expected
