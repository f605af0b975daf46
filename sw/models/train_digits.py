"""Remakes ``digits.onnx`` and ``digits_test.npz``: ``python -m vanallen.sw.models.train_digits``.

Trains a small convolutional network on scikit-learn's handwritten digits (about a minute), quantizes it with
``onnxruntime.quantization`` and prints the accuracies. Needs scikit-learn; nothing else in this repository does.

.. code-block:: text

    image 1 x 8 x 8 -> conv 3 x 3, 12 -> conv 3 x 3 / 2, 24 -> conv 3 x 3 / 2, 16 -> dense 10
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from .network import Adam, Array, Convolution, Dense, Layer, Relu, cross_entropy

__all__ = ["export", "main", "quantize", "train"]

Labels = npt.NDArray[np.int64]
SEED = 2026
EPOCHS = 200
BATCH = 64
OPSET = 17


def split() -> tuple[Array, Array, Labels, Labels]:
    """Images (n, 1, 8, 8) from 0 to 1 and labels: 1,437 to train with, 360 to test with, the digits in equal shares."""
    data = load_digits()
    images = (data.images / 16).astype(np.float32)[:, np.newaxis]
    return tuple(train_test_split(images, data.target, test_size=360, random_state=SEED, stratify=data.target))


def build(rng: np.random.Generator) -> list[Layer]:
    """The network, not yet trained."""
    return [
        Convolution(rng, 1, 12, 1), Relu(),
        Convolution(rng, 12, 24, 2), Relu(),
        Convolution(rng, 24, 16, 2), Relu(),
        Dense(rng, 64, 10),
    ]  # fmt: skip


def forward(layers: list[Layer], x: Array) -> Array:
    """Logits (n, 10) of the images ``x``."""
    for layer in layers:
        x = layer.forward(x)
    return x


def shifted(rng: np.random.Generator, images: Array) -> Array:
    """The images, each moved by up to one pixel in both directions."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    offsets = rng.integers(0, 3, (len(images), 2))
    return np.stack([image[:, y : y + 8, x : x + 8] for image, (y, x) in zip(padded, offsets, strict=True)])


def train(images: Array, labels: Labels) -> list[Layer]:
    """Trains the network on ``images`` with labels ``labels``."""
    rng = np.random.default_rng(SEED)
    layers = build(rng)
    optimizer = Adam(layers, decay=0.01)
    steps = EPOCHS * -(-len(images) // BATCH)
    for _ in range(EPOCHS):
        order = rng.permutation(len(images))
        for start in range(0, len(images), BATCH):
            chosen = order[start : start + BATCH]
            logits = forward(layers, shifted(rng, images[chosen]))
            _, gradient = cross_entropy(logits, labels[chosen])
            for layer in reversed(layers):
                gradient = layer.backward(gradient)
            optimizer.step(0.003 * 0.5 * (1 + np.cos(np.pi * optimizer.steps / steps)))
    return layers


def export(layers: list[Layer]) -> onnx.ModelProto:
    """The trained network as a float ONNX model: input ``image`` (batch, 1, 8, 8), output ``logits`` (batch, 10)."""
    nodes, initializers, value = [], [], "image"
    last = len(layers) - 1
    for index, layer in enumerate(layers):
        result = "logits" if index == last else f"x{index}"
        names = [f"w{index}", f"b{index}"]
        if isinstance(layer, Convolution):
            attributes: dict[str, Any] = {"kernel_shape": [3, 3], "strides": [layer.stride] * 2, "pads": [1] * 4}
            nodes.append(helper.make_node("Conv", [value, *names], [result], f"conv{index // 2 + 1}", **attributes))
        elif isinstance(layer, Dense):
            nodes.append(helper.make_node("Flatten", [value], ["flat"], "flatten"))
            nodes.append(helper.make_node("Gemm", ["flat", *names], [result], "dense", transB=1))
        else:
            nodes.append(helper.make_node("Relu", [value], [result], f"relu{index // 2 + 1}"))
        initializers += [numpy_helper.from_array(p, n) for p, n in zip(layer.parameters, names, strict=False)]
        value = result
    graph = helper.make_graph(
        nodes, "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        initializers,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="vanallen")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Hands the training images to the quantizer, 100 at a time."""

    def __init__(self, images: Array) -> None:
        self._batches: Iterator[Array] = iter(np.array_split(images, -(-len(images) // 100)))

    def get_next(self) -> dict[str, Array] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"image": batch}


def quantize(model: onnx.ModelProto, images: Array) -> onnx.ModelProto:
    """``model`` in QOperator format, calibrated on ``images``: int8 activations, int8 weights a scale per channel."""
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "float.onnx"), Path(folder, "int8.onnx")
        onnx.save(model, source)
        quantize_static(
            source, result, _Reader(images), quant_format=QuantFormat.QOperator, per_channel=True,
            activation_type=QuantType.QInt8, weight_type=QuantType.QInt8, extra_options={"ActivationSymmetric": False},
        )  # fmt: skip
        return onnx.load(result)


def accuracy(model: onnx.ModelProto, images: Array, labels: Labels) -> float:
    """Share of ``images`` that onnxruntime classifies as ``labels``."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"image": images})
    return float(np.mean(np.argmax(logits, axis=1) == labels))


def main() -> None:
    """Trains, quantizes, writes the two files and prints what they are."""
    parser = argparse.ArgumentParser(prog="python -m vanallen.sw.models.train_digits", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).resolve().parent, help="folder to write to")
    folder = parser.parse_args().output
    logging.getLogger().setLevel(logging.ERROR)
    train_images, test_images, train_labels, test_labels = split()
    floating = export(train(train_images, train_labels))
    quantized = quantize(floating, train_images)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(quantized, folder / "digits.onnx")
    np.savez_compressed(folder / "digits_test.npz", image=test_images, labels=test_labels.astype(np.int64))
    print(f"float accuracy {accuracy(floating, test_images, test_labels):.4f}")
    print(f"int8 accuracy  {accuracy(quantized, test_images, test_labels):.4f}")
    for name in ("digits.onnx", "digits_test.npz"):
        print(f"{name} {(folder / name).stat().st_size} bytes")


if __name__ == "__main__":
    main()
