"""Readers of what a quantized layer consists of: constants, quantizations, weights, bias, geometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .graph import Graph
from .layer import Geometry, HostReason
from .values import Quantization, layer_scale

__all__ = ["bias_of", "constant", "convolution_geometry", "output_scale", "per_tensor", "signed_weights"]

_MAX_KERNEL, _MAX_STRIDE, _MAX_PAD = 7, 4, 15


def constant(graph: Graph, names: Sequence[str], position: int, what: str) -> npt.NDArray[Any]:
    """The constant operand at ``position`` of the list of input ``names``."""
    name = names[position] if position < len(names) else ""
    if name not in graph.constants:
        raise HostReason(f"its {what} is not a constant" if name else f"it has no {what}")
    return graph.constants[name]


def per_tensor(graph: Graph, names: Sequence[str], position: int, what: str) -> Quantization:
    """The quantization of an activation from scale and zero point at ``position`` and the next one."""
    scale = constant(graph, names, position, f"{what} scale")
    if scale.dtype != np.float32:
        raise HostReason(f"its {what} scale is {scale.dtype}, not float32")
    zero_point = np.zeros(1, np.uint8)
    if position + 1 < len(names) and names[position + 1]:
        zero_point = constant(graph, names, position + 1, f"{what} zero point")
    if scale.size != 1 or zero_point.size != 1:
        raise HostReason(f"its {what} is not quantized per tensor")
    if zero_point.dtype not in (np.int8, np.uint8):
        raise HostReason(f"its {what} is {zero_point.dtype}, not int8 or uint8")
    return Quantization(np.float32(scale.reshape(())), int(zero_point.reshape(())), zero_point.dtype)


def signed_weights(weights: npt.NDArray[Any], zero_point: npt.NDArray[Any] | None) -> npt.NDArray[np.int8]:
    """The weights as int8 with zero point 0; uint8 weights are int8 ones plus 128 if 128 is their zero point."""
    if weights.dtype not in (np.int8, np.uint8):
        raise HostReason(f"its weights are {weights.dtype}, not int8 or uint8")
    needed = 128 if weights.dtype == np.uint8 else 0
    found = np.zeros(1, weights.dtype) if zero_point is None else zero_point
    if not np.all(found == needed):
        wrong = int(found[found != needed].reshape(-1)[0])
        raise HostReason(f"its {weights.dtype} weights have zero point {wrong}; the chip needs {needed}")
    return (weights.astype(np.int16) - needed).astype(np.int8)


def output_scale(
    source: Quantization, weight_scale: npt.NDArray[Any], result: Quantization, outputs: int
) -> npt.NDArray[np.float32]:
    """The scale of each output channel, [outputs]."""
    if weight_scale.dtype != np.float32:
        raise HostReason(f"its weight scale is {weight_scale.dtype}, not float32")
    if weight_scale.size not in (1, outputs):
        raise HostReason(f"it has {weight_scale.size} weight scales for {outputs} output channels")
    scale = layer_scale(source.scale, weight_scale.reshape(-1), result.scale)
    if not np.all(np.isfinite(scale) & (scale >= 0)):
        raise HostReason("a scale is negative or not finite")
    return np.ascontiguousarray(np.broadcast_to(scale, (outputs,)))


def bias_of(graph: Graph, names: Sequence[str], position: int, outputs: int) -> npt.NDArray[np.int32]:
    """The int32 bias of each output channel, zeros if there is none."""
    if position >= len(names) or not names[position]:
        return np.zeros(outputs, np.int32)
    bias = constant(graph, names, position, "bias")
    if bias.dtype != np.int32:
        raise HostReason(f"its bias is {bias.dtype}, not int32")
    if bias.size not in (1, outputs) or bias.shape[-1:] not in ((), (1,), (outputs,)):
        raise HostReason(f"its bias of shape {bias.shape} is not one value for each of {outputs} output channels")
    return np.ascontiguousarray(np.broadcast_to(bias.reshape(-1), (outputs,)))


def convolution_geometry(attributes: Mapping[str, Any], size: Sequence[int], kernel: Sequence[int]) -> Geometry:
    """Strides and padding, within the chip's limits, of a convolution over an image of ``size`` (one or two axes)."""
    axes = len(kernel)
    if attributes.get("group", 1) != 1:
        raise HostReason(f"it has {attributes['group']} groups; the chip convolves one")
    dilations = attributes.get("dilations", [1] * axes)
    if any(step != 1 and taps > 1 for step, taps in zip(dilations, kernel, strict=True)):
        raise HostReason(f"its dilations are {list(dilations)}; the chip has no dilation")
    strides = list(attributes.get("strides", [1] * axes))
    pads = _pads(attributes, size, kernel, strides)
    for what, values, limit in (("kernel", kernel, _MAX_KERNEL), ("stride", strides, _MAX_STRIDE)):
        if not all(1 <= value <= limit for value in values):
            raise HostReason(f"its {what} is {'x'.join(map(str, values))}; the chip goes to {limit}")
    lowest = 0 if attributes.get("auto_pad", "NOTSET") == "NOTSET" else -_MAX_STRIDE
    if not all(lowest <= pad <= _MAX_PAD for pad in pads):
        raise HostReason(f"its pads are {pads}; the chip goes from 0 to {_MAX_PAD}")
    if axes == 1:
        return Geometry((1, strides[0]), (0, pads[0], 0, pads[1]))
    return Geometry((strides[0], strides[1]), (pads[0], pads[1], pads[2], pads[3]))


def _pads(
    attributes: Mapping[str, Any], size: Sequence[int], kernel: Sequence[int], strides: Sequence[int]
) -> list[int]:
    """Padding at the start of each axis, then at the end of each: given, or what ``auto_pad`` implies."""
    mode = attributes.get("auto_pad", "NOTSET")
    if mode == "NOTSET":
        return list(attributes.get("pads", [0] * (2 * len(kernel))))
    if mode == "VALID":
        return [0] * (2 * len(kernel))
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise HostReason(f"its auto_pad is {mode!r}")
    before, after = [], []
    for length, taps, step in zip(size, kernel, strides, strict=True):
        total = (-(-length // step) - 1) * step + taps - length
        before.append(_same_before(total, upper=mode == "SAME_UPPER"))
        after.append(total - before[-1])
    return before + after


def _same_before(total: int, *, upper: bool) -> int:
    """How much of ``total`` padding SAME puts before: the smaller half for ``upper``, else the larger one.

    Where a kernel is so much smaller than its stride that the total is negative, onnxruntime leaves out pixels at the
    start. How many, ONNX doesn't say; this is what onnxruntime 1.32 was seen to do (strides to 10).
    """
    if total >= 0:
        return total // 2 if upper else total - total // 2
    return -max(0, (-total - (1 if upper else 2)) // 2)
