"""Lowering a stage of chip layers: layouts, places in activation RAM, commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from vanallen.rtl.config import Config

from .errors import CapacityError
from .layer import QuantizedLayer
from .layout import Layout, Patches
from .lower import Addresses, command_fields, layer_macs, predicted_cycles
from .memory import Tenancy, place
from .program import ChipStep, ChipTensor, Layer, Region
from .resident import Resident
from .schedule import ChipStage, Shapes
from .view import View, arrange_weights, input_layout, patches_layout, view_of

__all__ = ["Packing", "lower_stage"]


class Packing(Enum):
    """When the host lays the input of a convolution out as patches."""

    FASTEST = "where the cycle model says that the layer takes fewer cycles"
    NEVER = "never"
    ALWAYS = "wherever the host writes the input of a convolution"


_Key = tuple[str, Layout | Patches]


@dataclass
class _Reading:
    """What a layer reads: the tensor (a value and how it lies) and the view of it."""

    key: _Key
    view: View


@dataclass
class _Tenants:
    """The tensors of a stage and when they are alive: moment ``k`` is the run of layer ``k``."""

    tenancies: dict[_Key, list[int]] = field(default_factory=dict)

    def use(self, key: _Key, moment: int) -> None:
        """The tensor is made or read at ``moment``."""
        span = self.tenancies.setdefault(key, [moment, moment])
        span[:] = [min(span[0], moment), max(span[1], moment)]


def lower_stage(
    stage: ChipStage, shapes: Shapes, config: Config, resident: Resident, packing: Packing, first_layer: int
) -> tuple[ChipStep, list[Layer]]:
    """Commands of the stage's layers, appended to ``resident``, and the step that runs them.

    ``first_layer`` is the index that the program gives to the stage's first layer.

    Raises
    ------
    CapacityError
        If the tensors alive at one moment don't fit activation RAM.
    """
    readings = [_reading(layer, stage, shapes, config, packing) for layer in stage.layers]
    bases = _place(stage, readings, config)
    first = len(resident.fields)
    layers = []
    for layer, reading in zip(stage.layers, readings, strict=True):
        made = (layer.output, stage.layouts[layer.output])
        regions = [Region(bases[key], key[1].words) for key in (reading.key, made)]
        weights = arrange_weights(layer.weights, reading.key[1], reading.view)
        addresses = Addresses(regions[0], regions[1], *resident.add(layer, weights))
        resident.fields.append(command_fields(config, layer, reading.view, addresses))
        layers.append(_layer(layer, reading, shapes, regions, resident))
    written = [key for key in bases if key[0] not in stage.layouts]
    outputs = [ChipTensor(name, stage.layouts[name], bases[_root(stage, name)]) for name in stage.outputs]
    step = ChipStep(
        first=first, count=len(layers), samples=shapes.samples,
        inputs=tuple(ChipTensor(*key, bases[key]) for key in written), outputs=tuple(outputs),
        layers=tuple(range(first_layer, first_layer + len(layers))),
    )  # fmt: skip
    return step, layers


def _reading(layer: QuantizedLayer, stage: ChipStage, shapes: Shapes, config: Config, packing: Packing) -> _Reading:
    shape, result = shapes[layer.input], shapes[layer.output]
    layouts: Sequence[Layout | Patches]
    if layer.input in stage.layouts:
        layouts = [stage.layouts[layer.input]]
    else:
        layouts = [input_layout(layer, shape, config.rows)]
        if layer.geometry is not None and packing is not Packing.NEVER:
            patches = patches_layout(layer, shape, result, config.rows)
            layouts = [patches] if packing is Packing.ALWAYS else [*layouts, patches]
    readings = []
    for layout in layouts:
        view = view_of(layer, layout, shape, result)
        assert view is not None, "the schedule puts a layer into a stage only if it can read its input"
        key = (layer.input, layout)
        cycles = predicted_cycles(config, layer, view, layout, stage.layouts[layer.output])
        readings.append((cycles, _Reading(_root(stage, layer.input) if layer.input in stage.layouts else key, view)))
    return min(readings, key=lambda pair: pair[0])[1]


def _root(stage: ChipStage, value: str) -> _Key:
    """The tensor that ``value``, made in this stage, is or is an alias of."""
    root = stage.roots[value]
    return root, stage.layouts[root]


def _place(stage: ChipStage, readings: Sequence[_Reading], config: Config) -> dict[_Key, int]:
    """The first word of every tensor of the stage."""
    tenants = _Tenants()
    for moment, (layer, reading) in enumerate(zip(stage.layers, readings, strict=True)):
        tenants.use(reading.key, moment)
        tenants.use((layer.output, stage.layouts[layer.output]), moment)
        if layer.input not in stage.layouts:
            tenants.use(reading.key, 0)  # the host writes it before the first layer runs
    for name in stage.outputs:
        tenants.use(_root(stage, name), len(stage.layers))  # and reads after the last one
    tenancies = [Tenancy(key[1].words, *span) for key, span in tenants.tenancies.items()]
    bases = place(tenancies, config.activation_words)
    if bases is None:
        raise _full(stage, tenancies, config)
    return dict(zip(tenants.tenancies, bases, strict=True))


def _full(stage: ChipStage, tenancies: Sequence[Tenancy], config: Config) -> CapacityError:
    """The error that names the moment at which most memory is needed."""
    needs = [sum(t.words for t in tenancies if t.first <= moment <= t.last) for moment in range(len(stage.layers))]
    worst = max(range(len(needs)), key=needs.__getitem__)
    return CapacityError(
        f"activation RAM of {config.name} holds {config.activation_bytes:,} bytes, layer {stage.layers[worst].name} "
        f"needs {needs[worst] * config.rows:,} for its input, its output and what later layers read; "
        "take a larger configuration or a smaller model"
    )


def _layer(
    layer: QuantizedLayer, reading: _Reading, shapes: Shapes, regions: Sequence[Region], resident: Resident
) -> Layer:
    return Layer(
        name=layer.name, op=layer.op, where="chip", why="", runs=shapes.samples,
        macs=layer_macs(layer, reading.view) * shapes.samples, weights=layer.weights.size,
        input_shape=shapes.graph.types[layer.input].shape, output_shape=shapes.graph.types[layer.output].shape,
        command=len(resident.fields) - 1, fields=resident.fields[-1],
        input_region=regions[0], output_region=regions[1], source=layer.source, result=layer.result,
    )  # fmt: skip
