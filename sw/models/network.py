"""A small convolutional network in numpy, with its gradients: what ``train_digits`` trains. Nothing else needs it.

Images are (batch, channels, height, width), float32. A network is a list of layers; ``forward`` keeps what ``backward``
needs, ``backward`` returns the gradient for the layer's input and stores the gradients of its parameters.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["Adam", "Convolution", "Dense", "Layer", "Relu", "cross_entropy"]

Array = npt.NDArray[np.float32]


class Layer(ABC):
    """A layer: ``parameters`` and, after ``backward``, ``gradients`` in the same order."""

    def __init__(self) -> None:
        self.parameters: list[Array] = []
        self.gradients: list[Array] = []

    @abstractmethod
    def forward(self, x: Array) -> Array:
        """Outputs for inputs ``x``."""

    @abstractmethod
    def backward(self, gradient: Array) -> Array:
        """Gradient for the inputs of the last ``forward``."""


class Convolution(Layer):
    """3 x 3 convolution with one pixel of padding: weights (outputs, inputs, 3, 3), He initialization."""

    def __init__(self, rng: np.random.Generator, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        weights = rng.normal(0, np.sqrt(2 / (9 * inputs)), (outputs, inputs, 3, 3)).astype(np.float32)
        self.parameters = [weights, np.zeros(outputs, np.float32)]

    def forward(self, x: Array) -> Array:
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
        windows = windows[:, :, :: self.stride, :: self.stride]
        batch, inputs, height, width = windows.shape[:4]
        self._shape = x.shape
        self._patches = windows.transpose(0, 2, 3, 1, 4, 5).reshape(batch * height * width, inputs * 9)
        weights, bias = self.parameters
        y = self._patches @ weights.reshape(len(weights), -1).T + bias
        return y.reshape(batch, height, width, -1).transpose(0, 3, 1, 2)

    def backward(self, gradient: Array) -> Array:
        weights = self.parameters[0]
        batch, outputs, height, width = gradient.shape
        rows = gradient.transpose(0, 2, 3, 1).reshape(-1, outputs)
        self.gradients = [(rows.T @ self._patches).reshape(weights.shape), rows.sum(axis=0)]
        patches = (rows @ weights.reshape(outputs, -1)).reshape(batch, height, width, -1, 3, 3)
        padded = np.zeros((*self._shape[:2], self._shape[2] + 2, self._shape[3] + 2), np.float32)
        for ky in range(3):
            for kx in range(3):
                target = padded[:, :, ky : ky + height * self.stride : self.stride,
                                kx : kx + width * self.stride : self.stride]  # fmt: skip
                target += patches[..., ky, kx].transpose(0, 3, 1, 2)
        return padded[:, :, 1:-1, 1:-1]


class Dense(Layer):
    """Flattens, then a matrix product: weights (outputs, inputs)."""

    def __init__(self, rng: np.random.Generator, inputs: int, outputs: int) -> None:
        super().__init__()
        weights = rng.normal(0, np.sqrt(1 / inputs), (outputs, inputs)).astype(np.float32)
        self.parameters = [weights, np.zeros(outputs, np.float32)]

    def forward(self, x: Array) -> Array:
        self._shape = x.shape
        self._x = x.reshape(len(x), -1)
        return self._x @ self.parameters[0].T + self.parameters[1]

    def backward(self, gradient: Array) -> Array:
        self.gradients = [gradient.T @ self._x, gradient.sum(axis=0)]
        return (gradient @ self.parameters[0]).reshape(self._shape)


class Relu(Layer):
    """max(x, 0)."""

    def forward(self, x: Array) -> Array:
        self._positive = x > 0
        return x * self._positive

    def backward(self, gradient: Array) -> Array:
        return gradient * self._positive


class Adam:
    """Adam (Kingma and Ba, 2015) with weight decay apart from the gradient (Loshchilov and Hutter, 2019)."""

    def __init__(self, layers: Sequence[Layer], *, decay: float) -> None:
        self.layers = layers
        self.decay = decay
        self.steps = 0
        self._moments = [[(np.zeros_like(p), np.zeros_like(p)) for p in layer.parameters] for layer in layers]

    def step(self, rate: float) -> None:
        """Moves every parameter against its gradient."""
        self.steps += 1
        for layer, moments in zip(self.layers, self._moments, strict=True):
            for parameter, gradient, (mean, square) in zip(layer.parameters, layer.gradients, moments, strict=True):
                mean += 0.1 * (gradient - mean)
                square += 0.001 * (gradient * gradient - square)
                unbiased = np.sqrt(square / (1 - 0.999**self.steps)) + 1e-8
                parameter -= rate * (mean / (1 - 0.9**self.steps) / unbiased + self.decay * parameter)


def cross_entropy(logits: Array, labels: npt.NDArray[np.int64]) -> tuple[float, Array]:
    """Mean cross-entropy of softmax(logits), and its gradient for the logits."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    probabilities = np.exp(shifted)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    chosen = np.arange(len(labels)), labels
    loss = float(-np.log(probabilities[chosen] + 1e-12).mean())
    probabilities[chosen] -= 1
    return loss, probabilities / np.float32(len(labels))
