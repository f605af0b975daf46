"""Networks that onnxruntime quantizes, in both formats, equal onnxruntime; what the chip lacks runs on the host."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from vanallen.sw.models import InputSet
from vanallen.sw.session import run_model

SHAPE = (3, 8, 8)


def float_model(activation, pool):
    """Two convolutions, a Gemm and a MatMul with activation functions between, a pooling or none, a softmax."""
    rng = np.random.default_rng(11)
    constants = {
        "w1": rng.normal(0, 0.3, (6, 3, 3, 3)), "b1": rng.normal(0, 0.1, 6), "w2": rng.normal(0, 0.2, (10, 6, 3, 3)),
        "w3": rng.normal(0, 0.2, (40 if pool else 90, 12)), "b3": rng.normal(0, 0.1, 12),
        "w4": rng.normal(0, 0.3, (12, 7)), "low": np.float32(0), "high": np.float32(0.6),
    }  # fmt: skip
    nodes = []

    def node(operator, inputs, output, **attributes):
        nodes.append(helper.make_node(operator, inputs, [output], f"{operator.lower()}_{output}", **attributes))

    def activate(value, output):
        node(activation, [value, "low", "high"] if activation == "Clip" else [value], output)

    node("Conv", ["x", "w1", "b1"], "a", pads=[1] * 4)
    activate("a", "aa")
    node("Conv", ["aa", "w2"], "b", strides=[2, 2])
    activate("b", "bb")
    if pool:
        node("MaxPool", ["bb"], "p", kernel_shape=[2, 2])
    node("Flatten", ["p" if pool else "bb"], "f")
    node("Gemm", ["f", "w3", "b3"], "g")
    activate("g", "gg")
    node("MatMul", ["gg", "w4"], "m")
    node("Softmax", ["m"], "y")
    graph = helper.make_graph(
        nodes, "network", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n", *SHAPE))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("n", 7))],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Reader(CalibrationDataReader):
    def __init__(self):
        rng = np.random.default_rng(12)
        self.batches = iter([rng.normal(size=(8, *SHAPE)).astype(np.float32) for _ in range(3)])

    def get_next(self):
        batch = next(self.batches, None)
        return None if batch is None else {"x": batch}


def quantized(folder, *, activation="Relu", pool=False, form=QuantFormat.QDQ, kind=QuantType.QInt8, **options):
    source, result = folder / "float.onnx", folder / "quantized.onnx"
    onnx.save(float_model(activation, pool), source)
    quantize_static(
        source, result, Reader(), quant_format=form, activation_type=kind, weight_type=QuantType.QInt8,
        per_channel=options.get("per_channel", True),
        extra_options={"ActivationSymmetric": options.get("symmetric", False)},
    )  # fmt: skip
    return onnx.load(result)


def run(model, folder):
    x = np.random.default_rng(13).normal(size=(25, *SHAPE)).astype(np.float32)
    return run_model(model, InputSet("x", {"x": x}, None), config="cubesat", check=True, folder=folder)


@pytest.mark.parametrize("activation", ["Relu", "Clip"])
@pytest.mark.parametrize("kind", [QuantType.QInt8, QuantType.QUInt8])
@pytest.mark.parametrize("form", [QuantFormat.QDQ, QuantFormat.QOperator])
def test_network_equals_onnxruntime_with_all_its_products_on_the_chip(form, kind, activation, tmp_path):
    result = run(quantized(tmp_path, activation=activation, form=form, kind=kind), tmp_path)
    assert result.differing_values == 0, result.differences[0]
    assert result.macs_on_chip_share == 1 and result.inferences == 25
    assert sum(layer.where == "chip" for layer in result.layers) == 4
    hosted = {layer.op for layer in result.layers if layer.where == "host"}
    assert hosted - {"QuantizeLinear", "DequantizeLinear"} <= {"Softmax", "QLinearSoftmax"}


@pytest.mark.parametrize("activation", ["Relu", "Clip"])
def test_activation_functions_that_quantization_does_not_do_are_the_chip_s_clamp(activation, tmp_path):
    result = run(quantized(tmp_path, activation=activation, symmetric=True, per_channel=False), tmp_path)
    assert result.differing_values == 0, result.differences[0]
    assert not {"Relu", "Clip"} & {layer.op for layer in result.layers}


@pytest.mark.parametrize("form", [QuantFormat.QDQ, QuantFormat.QOperator])
def test_pooling_runs_on_the_host_between_two_steps_of_the_chip(form, tmp_path):
    result = run(quantized(tmp_path, pool=True, form=form), tmp_path)
    assert result.differing_values == 0
    names = [layer.op for layer in result.layers if layer.where == "host"]
    assert "MaxPool" in names and "Flatten" in names
    assert all(layer.why for layer in result.layers if layer.where == "host")
    assert not any(layer.why for layer in result.layers if layer.where == "chip")


def test_a_layer_left_float_runs_on_the_host(tmp_path):
    model = quantized(tmp_path)
    (index,) = (i for i, node in enumerate(model.graph.node) if node.op_type == "MatMul")
    dequantize = next(node for node in model.graph.node if node.output[0] == model.graph.node[index].input[1])
    weights = next(tensor for tensor in model.graph.initializer if tensor.name == dequantize.input[0])
    values = numpy_helper.to_array(weights).astype(np.float32) * np.float32(0.01)
    model.graph.initializer.append(numpy_helper.from_array(values, "float_weights"))
    model.graph.node[index].input[1] = "float_weights"
    result = run(model, tmp_path)
    (layer,) = (layer for layer in result.layers if layer.op == "MatMul")
    assert layer.where == "host" and "weights" in layer.why and layer.macs == 84
    assert 0.9 < result.macs_on_chip_share < 1
    assert result.differing_values == 0
