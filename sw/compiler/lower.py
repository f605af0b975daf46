"""From a layer and addresses to a command's fields."""

from __future__ import annotations

from dataclasses import dataclass

from vanallen.rtl.commands import Opcode
from vanallen.rtl.config import Config
from vanallen.sw.golden.cycles import choose_block_rows, layer_cycles

from .layer import QuantizedLayer
from .layout import Layout, Patches
from .program import Region
from .view import Order, View

__all__ = ["Addresses", "column_blocks", "command_fields", "layer_macs", "predicted_cycles"]

_ADDRESSES = 1 << 16


@dataclass(frozen=True)
class Addresses:
    """Where a command's operands lie: regions of activation RAM, first rows of weight and parameter RAM."""

    source: Region
    result: Region
    weight: int
    parameter: int


def column_blocks(config: Config, layer: QuantizedLayer) -> int:
    """Blocks of C output channels."""
    return -(-len(layer.weights) // config.columns)


def layer_macs(layer: QuantizedLayer, view: View) -> int:
    """Multiply-accumulates of the layer without padding."""
    return view.rows * layer.weights.size


def command_fields(config: Config, layer: QuantizedLayer, view: View, addresses: Addresses) -> dict[str, int]:
    """Field values of the command that computes ``layer``, the checksum left out."""
    clamp = [layer.result.to_chip(bound) for bound in layer.clamp]
    fields = {
        "opcode": int(Opcode.MATMUL if view.matrix_product or layer.geometry is None else Opcode.CONVOLUTION),
        "packed_input": int(view.order is Order.PATCH),
        "input_zero_point": layer.source.chip_zero_point,
        "output_zero_point": layer.result.chip_zero_point,
        "clamp_low": clamp[0],
        "clamp_high": clamp[1],
        "input_base": addresses.source.base,
        "input_words": addresses.source.words,
        "output_base": addresses.result.base,
        "output_words": addresses.result.words,
        "weight_base": addresses.weight,
        "parameter_base": addresses.parameter,
        "column_blocks": column_blocks(config, layer),
        "output_groups": -(-len(layer.weights) // config.rows),
        "rows": view.rows,
        "block_rows": min(view.rows, config.accumulator_rows),
        "output_width": view.output_width,
        "input_groups": view.groups,
        "input_height": view.height + min(0, view.pads[0]),
        "input_width": view.width + min(0, view.pads[1]),
        "kernel_height": view.kernel[0],
        "kernel_width": view.kernel[1],
        "stride_height": view.stride[0],
        "stride_width": view.stride[1],
        "pad_top": max(0, view.pads[0]),
        "pad_left": max(0, view.pads[1]),
        **_steps(view, addresses.source.base),
    }
    fields["block_rows"] = choose_block_rows(config, fields)
    return fields


def _steps(view: View, base: int) -> dict[str, int]:
    """The steps of the address sequence, modulo 2^16."""
    top, left = view.pads
    steps = {
        "first_address": base - (top * view.width + left) * view.groups,
        "pixel_step": view.stride[1] * view.groups,
        "line_step": (view.stride[0] * view.width - (view.output_width - 1) * view.stride[1]) * view.groups,
        "tap_line_step": (view.width - view.kernel[1]) * view.groups + 1,
    }
    return {name: step % _ADDRESSES for name, step in steps.items()}


def predicted_cycles(
    config: Config, layer: QuantizedLayer, view: View, source: Layout | Patches, result: Layout
) -> int:
    """Cycles of the layer by the cycle model, wherever it lies."""
    regions = Region(0, source.words), Region(source.words, result.words)
    fields = command_fields(config, layer, view, Addresses(*regions, 0, 0))
    return layer_cycles(config, fields, macs=layer_macs(layer, view), weights=layer.weights.size).cycles
