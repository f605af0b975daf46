"""Whole models to programs: commands, what stays on the host and why, what doesn't fit."""

from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from vanallen.rtl.commands import ErrorCode, Opcode, decode
from vanallen.rtl.config import PRESETS, preset
from vanallen.sw.compiler import CapacityError, ChipStep, HostStep, InputError, compile_model
from vanallen.sw.golden.layer import check_addresses, check_command, input_addresses

NANO, CUBESAT = preset("nano"), preset("cubesat")


class Builder:
    """Collects the nodes of a QOperator model over int8 values."""

    def __init__(self):
        self.nodes, self.constants, self.rng = [], [], np.random.default_rng(1)

    def constant(self, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value), f"c{len(self.constants)}"))
        return self.constants[-1].name

    def quantization(self, scale=0.02, zero_point=3):
        return [self.constant(np.float32(scale)), self.constant(np.int8(zero_point))]

    def weights(self, *shape):
        return self.constant(self.rng.integers(-127, 128, shape).astype(np.int8))

    def conv(self, x, y, inputs, outputs, kernel=3, **attributes):
        weights = self.weights(outputs, inputs // attributes.get("group", 1), kernel, kernel)
        operands = [x, *self.quantization(), weights, *self.quantization(0.01, 0), *self.quantization(0.5)]
        self.nodes.append(helper.make_node("QLinearConv", operands, [y], f"conv_{y}", **attributes))

    def dense(self, x, y, inputs, outputs):
        weights = self.weights(inputs, outputs)
        operands = [x, *self.quantization(), weights, *self.quantization(0.01, 0), *self.quantization(0.5)]
        self.nodes.append(helper.make_node("QLinearMatMul", operands, [y], f"dense_{y}"))

    def node(self, operator, inputs, y, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [y], f"{operator.lower()}_{y}", **attributes))

    def model(self, shape, *outputs, kind=TensorProto.INT8):
        graph = helper.make_graph(
            self.nodes, "g", [helper.make_tensor_value_info("x", TensorProto.INT8, shape)],
            [helper.make_tensor_value_info(name, kind, None) for name in outputs], self.constants,
        )  # fmt: skip
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def places(program):
    return {layer.name: layer.where for layer in program.layers}


def test_layers_of_a_small_network_are_commands_in_order():
    build = Builder()
    build.conv("x", "a", 8, 12, pads=[1, 1, 1, 1], strides=[2, 1])
    build.conv("a", "b", 12, 10)
    build.node("Flatten", ["b"], "f")
    build.dense("f", "y", 80, 5)
    program = compile_model(build.model((1, 8, 8, 6), "y"), CUBESAT)
    (step,) = program.steps
    assert (step.first, step.count, step.samples) == (0, 3, 1)
    assert places(program) == {"conv_a": "chip", "conv_b": "chip", "dense_y": "chip"}
    assert [layer.macs for layer in program.layers] == [24 * 12 * 72, 8 * 10 * 108, 400]
    assert [layer.weights for layer in program.layers] == [864, 1080, 400]
    assert program.macs_on_chip_share == 1
    assert program.commands.shape == (3, 8)
    first = decode(program.commands[0].tolist())
    assert {name: first[name] for name in ("opcode", "rows", "output_width", "input_groups", "output_groups")} == {
        "opcode": Opcode.CONVOLUTION, "rows": 24, "output_width": 6, "input_groups": 1, "output_groups": 2,
    }  # fmt: skip
    # one word a pixel, lines of 6 pixels, a stride of 2 lines and 1 pixel, 3 taps a line, one line and pixel of padding
    base = first["input_base"]
    assert first["first_address"] == (base - 7) % 65536
    assert (first["pixel_step"], first["line_step"], first["tap_line_step"]) == (1, 12 - 5, 4)
    dense = decode(program.commands[2].tolist())
    assert (dense["opcode"], dense["rows"], dense["input_groups"]) == (Opcode.MATMUL, 1, 16)


@pytest.mark.parametrize("config", PRESETS.values(), ids=lambda config: config.name)
def test_golden_finds_nothing_wrong_with_the_commands(config):
    build = Builder()
    build.conv("x", "a", 3, 6, pads=[2, 1, 0, 3], strides=[1, 2])
    build.conv("a", "y", 6, 5, kernel=2, strides=[2, 2])
    program = compile_model(build.model((1, 3, 9, 7), "y"), config)
    for words in program.commands.tolist():
        fields = decode(words)
        assert check_command(config, words) is ErrorCode.NONE
        assert check_addresses(config, fields, input_addresses(fields)) is ErrorCode.NONE


def test_network_input_is_packed_only_where_that_saves_cycles():
    packed, normal = Builder(), Builder()
    packed.conv("x", "y", 1, 8)
    normal.conv("x", "y", 8, 8)
    (layer,) = compile_model(packed.model((1, 1, 8, 8), "y"), CUBESAT).layers
    assert (layer.fields["packed_input"], layer.fields["opcode"]) == (1, Opcode.MATMUL)
    assert (layer.fields["input_groups"], layer.fields["rows"]) == (2, 36)
    (layer,) = compile_model(normal.model((1, 8, 8, 8), "y"), CUBESAT).layers
    assert (layer.fields["packed_input"], layer.fields["opcode"]) == (0, Opcode.CONVOLUTION)


def test_packed_form_is_given_up_where_it_does_not_fit():
    build = Builder()
    build.conv("x", "y", 1, 4, kernel=7)
    # packed: 26 * 26 rows of 13 words of 4 bytes, normal: 32 * 32 words
    (layer,) = compile_model(build.model((1, 1, 32, 32), "y"), NANO).layers
    assert layer.fields["packed_input"] == 0


def test_host_nodes_are_listed_with_the_reason():
    build = Builder()
    build.conv("x", "a", 4, 4)
    build.conv("a", "b", 4, 4, group=4)
    build.node("MaxPool", ["b"], "c", kernel_shape=[2, 2])
    build.conv("c", "y", 4, 2, kernel=1)
    program = compile_model(build.model((1, 4, 8, 8), "y"), CUBESAT)
    assert [type(step) for step in program.steps] == [ChipStep, HostStep, ChipStep]
    assert places(program) == {"conv_a": "chip", "conv_b": "host", "maxpool_c": "host", "conv_y": "chip"}
    reasons = {layer.name: layer.why for layer in program.layers}
    assert "4 groups" in reasons["conv_b"] and "no such operator" in reasons["maxpool_c"]
    macs = {layer.name: layer.macs for layer in program.layers}
    assert macs == {"conv_a": 36 * 144, "conv_b": 16 * 36, "maxpool_c": 0, "conv_y": 9 * 8}
    assert program.macs_on_chip_share == pytest.approx((36 * 144 + 72) / (36 * 144 + 72 + 576))
    assert [node.op_type for node in program.steps[1].model.graph.node] == ["QLinearConv", "MaxPool"]


def test_samples_of_a_fixed_batch_run_one_by_one():
    build = Builder()
    build.conv("x", "y", 4, 4)
    program = compile_model(build.model((3, 4, 8, 8), "y"), CUBESAT)
    assert program.samples == 3 and program.batch is None
    (layer,) = program.layers
    assert (layer.runs, layer.macs, layer.fields["rows"]) == (3, 3 * 36 * 144, 36)


def test_rows_of_a_matrix_product_run_together_if_they_fit():
    build = Builder()
    build.dense("x", "y", 16, 16)
    together = compile_model(build.model((4, 20, 16), "y"), NANO)
    assert together.samples == 1 and together.layers[0].fields["rows"] == 80
    apart = compile_model(build.model((4, 100, 16), "y"), NANO)
    assert apart.samples == 4 and apart.layers[0].fields["rows"] == 100


def test_open_batch():
    build = Builder()
    build.dense("x", "y", 16, 16)
    model = build.model(("n", 16), "y")
    assert compile_model(model, NANO).batch == 1
    program = compile_model(model, NANO, batch=20)
    assert program.batch == 20 and program.layers[0].fields["rows"] == 20
    with pytest.raises(InputError, match="symbolic dimension"):
        compile_model(build.model(("n", "k"), "y"), NANO)


def test_reordering_between_layers_goes_through_the_host():
    build = Builder()
    build.dense("x", "a", 16, 32)
    build.node("Reshape", ["a", build.constant(np.array([1, 2, 4, 4]))], "b")
    build.conv("b", "y", 2, 3)
    program = compile_model(build.model((1, 16), "y"), CUBESAT)
    assert [type(step) for step in program.steps] == [ChipStep, ChipStep]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (NANO, "weight RAM of nano holds 8,192 bytes, the model needs 9,216: layer conv_b .4,608. is the first"),
        (
            replace(CUBESAT, parameter_rows=64, lanes=1),
            "parameter RAM .* holds 64 output channels, .* needs 96: layer dense_y",
        ),
        (replace(CUBESAT, activation_bytes=1024), "activation RAM .* holds 1,024 bytes, layer conv_a needs 1,200"),
    ],
    ids=["weights", "parameters", "activations"],
)
def test_model_that_does_not_fit(config, message):
    build = Builder()
    build.conv("x", "a", 32, 16, pads=[1, 1, 1, 1])
    build.conv("a", "b", 16, 32, pads=[1, 1, 1, 1])
    build.node("Flatten", ["b"], "f")
    build.dense("f", "y", 32 * 25, 48) if config is not NANO else build.node("Identity", ["f"], "y")
    with pytest.raises(CapacityError, match=message):
        compile_model(build.model((1, 32, 5, 5), "y"), config)


def test_more_layers_than_commands():
    build = Builder()
    for index in range(9):
        build.dense("x" if index == 0 else f"v{index}", f"v{index + 1}", 4, 4)
    config = replace(NANO, command_rows=64)
    with pytest.raises(CapacityError, match="command RAM of nano holds 8 commands, the model needs 9: layer dense_v9"):
        compile_model(build.model((1, 4), "v9"), config)


def test_float_model_is_refused_by_name_of_its_layers():
    constants = [numpy_helper.from_array(np.zeros((4, 4, 3, 3), np.float32), "w")]
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"], "first"), helper.make_node("Relu", ["a"], ["y"], "second")]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 4, 8, 8)) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], constants)
    graph.output[0].type.tensor_type.ClearField("shape")
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with pytest.raises(InputError, match=r"no layer .* first \(Conv\): its input is float.*quantize_static") as refusal:
        compile_model(model, NANO)
    assert "second" not in str(refusal.value) and "\n" not in str(refusal.value)


def test_unknown_operators():
    for domain in ("", "com.example"):
        node = helper.make_node("Frobnicate", ["x"], ["y"], "odd", domain=domain)
        values = [helper.make_tensor_value_info(name, TensorProto.INT8, (1, 4)) for name in ("x", "y")]
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
        model = helper.make_model(
            helper.make_graph([node], "g", values[:1], values[1:]), opset_imports=opsets, ir_version=8
        )
        with pytest.raises(InputError, match=r"unknown.*Frobnicate|Frobnicate.*unknown"):
            compile_model(model, NANO)
