"""Random graphs of several layers: branches, joins on the host, reshapes in every order, open and fixed batches."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from vanallen.sw.models import InputSet
from vanallen.sw.session import run_model


class Network:
    """Draws nodes over int8 values; ``values`` has the shape of one sample of each."""

    def __init__(self, seed, batch):
        self.rng = np.random.default_rng(seed)
        self.batch, self.nodes, self.constants = batch, [], []
        self.values = {"x": (int(self.rng.integers(1, 12)), int(self.rng.integers(3, 9)), int(self.rng.integers(3, 9)))}

    def constant(self, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value), f"c{len(self.constants)}"))
        return self.constants[-1].name

    def quantization(self, scale, zero_point=0):
        return [self.constant(np.float32(scale)), self.constant(np.int8(zero_point))]

    def add(self, operator, inputs, shape, **attributes):
        name = f"v{len(self.values)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], f"node_{name}", **attributes))
        self.values[name] = shape
        return name

    def weights(self, *shape):
        return self.constant(self.rng.integers(-127, 128, shape).astype(np.int8))

    def operands(self, value, *weight_shape):
        depth = np.prod(weight_shape) / 8
        point = int(self.rng.integers(-20, 20))
        return [value, *self.quantization(0.1, 3), self.weights(*weight_shape), *self.quantization(0.02),
                *self.quantization(0.1 * 0.02 * 100 * depth**0.5, point)]  # fmt: skip

    def grow(self):
        """One more node on a value drawn from those there are."""
        value = str(self.rng.choice(list(self.values)))
        shape = self.values[value]
        outputs = int(self.rng.integers(1, 20))
        if self.rng.random() < 0.25:
            self.reshape(value, shape)
        elif len(shape) == 3:
            height, width = (int(self.rng.integers(1, 4)) for _ in range(2))
            attributes = {"pads": [height // 2, width // 2] * 2, "kernel_shape": [height, width]}
            size = [
                length + 2 * (taps // 2) - taps + 1 for length, taps in zip(shape[1:], (height, width), strict=True)
            ]
            operands = self.operands(value, outputs, shape[0], height, width)
            self.add("QLinearConv", operands, (outputs, *size), **attributes)
        else:
            self.add("QLinearMatMul", self.operands(value, shape[-1], outputs), (*shape[:-1], outputs))

    def reshape(self, value, shape):
        size = int(np.prod(shape))
        halves = [n for n in range(1, size + 1) if size % n == 0]
        first = int(self.rng.choice(halves))
        rest = [n for n in halves if (size // first) % n == 0]
        second = int(self.rng.choice(rest))
        target = [(size,), (first, size // first), (first, second, size // first // second)][int(self.rng.integers(3))]
        self.add("Reshape", [value, self.constant(np.array([self.batch or -1, *target], np.int64))], target)

    def join(self):
        """Adds two values of one shape, on the host, if there are such."""
        names = list(self.values)
        pairs = [(a, b) for a in names for b in names if a < b and self.values[a] == self.values[b]]
        if pairs:
            a, b = pairs[int(self.rng.integers(len(pairs)))]
            inputs = [a, *self.quantization(0.1), b, *self.quantization(0.1), *self.quantization(0.15)]
            self.add("QLinearAdd", inputs, self.values[a], domain="com.microsoft")

    def model(self):
        used = {name for node in self.nodes for name in node.input}
        outputs = [name for name in self.values if name not in used]
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes, "g", [info("x", TensorProto.INT8, (self.batch or "n", *self.values["x"]))],
            [info(name, TensorProto.INT8, (self.batch or "n", *self.values[name])) for name in outputs], self.constants,
        )  # fmt: skip
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


@pytest.mark.parametrize("batch", [None, 1, 3])
@pytest.mark.parametrize("seed", range(25))
def test_random_graph_equals_onnxruntime(seed, batch, tmp_path):
    network = Network(seed, batch)
    operands = network.operands("x", 5, network.values["x"][0], 1, 1)
    network.add("QLinearConv", operands, (5, *network.values["x"][1:]))
    for step in range(6):
        network.grow()
        if step % 3 == 2:
            network.join()
    x = network.rng.integers(-128, 128, (batch or 3, *network.values["x"])).astype(np.int8)
    config = ("cubesat", "payload", "orbital")[seed % 3]
    result = run_model(network.model(), InputSet("x", {"x": x}, None), config=config, check=True, folder=tmp_path)
    assert result.differing_values == 0, result.differences[0]
    products = [layer for layer in result.layers if layer.op.startswith("QLinear") and layer.op != "QLinearAdd"]
    assert products and all(layer.where == "chip" for layer in products)
