"""From an ONNX model to a program."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx

from vanallen.rtl.config import Config

from .errors import CapacityError, InputError
from .graph import Graph
from .integer_form import integer_form
from .layer import Alias, QuantizedLayer
from .macs import host_macs
from .onnxruntime_session import uses_int8_activations
from .program import HostStep, Layer, Program, Step
from .recognize import HostNode, Item, recognize
from .resident import Resident
from .schedule import ChipStage, Shapes, schedule
from .stage import Packing, lower_stage
from .submodel import extract

__all__ = ["compile_model"]


def compile_model(
    model: onnx.ModelProto, config: Config, *, batch: int = 1, shapes: Mapping[str, tuple[int, ...]] | None = None
) -> Program:
    """Compiles a quantized model for the accelerator ``config``.

    What the chip can't compute runs on the host; the program's layers say what and why.

    Parameters
    ----------
    model : onnx.ModelProto
        In QOperator or QDQ format.
    config : Config
        Sizes of the accelerator.
    batch : int
        What the inputs' first dimension is taken as where the model leaves it open.
    shapes : mapping, optional
        Shapes of inputs that have other open dimensions.

    Raises
    ------
    CapacityError
        If the layers don't fit the memories.
    InputError
        If the model can't be read, or no layer of it would run on the chip.
    """
    graph = Graph(integer_form(model), batch=batch, shapes=shapes or {})
    samples, items = _samples(graph)
    _require_layers(graph, items)
    failure: CapacityError | None = None
    for attempt_samples, attempt_items in _attempts(graph, samples, items):
        for packing in Packing:
            try:
                return _build(graph, config, Shapes(graph, attempt_samples), attempt_items, packing)
            except CapacityError as error:
                failure = failure or error
    assert failure is not None
    raise failure


def _samples(graph: Graph) -> tuple[int, list[Item]]:
    """How many samples the chip computes one by one (the batch of the model's convolutions), and what it computes."""
    items = recognize(graph, 1)
    layers = [item for item in items if isinstance(item, QuantizedLayer)]
    batches = [graph.types[layer.input].shape[0] for layer in layers if layer.geometry is not None]
    if max(batches, default=1) > 1:
        return max(batches), recognize(graph, max(batches))
    return 1, items


def _attempts(graph: Graph, samples: int, items: list[Item]) -> list[tuple[int, list[Item]]]:
    """All rows of a network of matrix products at once, else, where they have a dimension before, one after another."""
    attempts = [(samples, items)]
    layers = [item for item in items if isinstance(item, QuantizedLayer)]
    firsts = {graph.types[layer.input].shape[0] for layer in layers}
    if all(layer.geometry is None for layer in layers) and len(firsts) == 1 and max(firsts) > 1:
        others = recognize(graph, max(firsts))
        if sum(isinstance(item, QuantizedLayer) for item in others) == len(layers):
            attempts.append((max(firsts), others))
    return attempts


def _require_layers(graph: Graph, items: list[Item]) -> None:
    """InputError if no layer would run on the chip."""
    if any(isinstance(item, QuantizedLayer) for item in items):
        return
    hosted = [item for item in items if isinstance(item, HostNode)]
    heavy = [item for item in hosted if host_macs(graph, item.node)] or hosted
    shown = "; ".join(f"{item.name} ({item.op}): {item.why}" for item in heavy[:4])
    more = f" and {len(heavy) - 4} more" if len(heavy) > 4 else ""
    raise InputError(
        f"no layer of the model would run on the chip: {shown or 'it has no layers'}{more}; "
        "quantize the model to int8 with onnxruntime.quantization.quantize_static (per_channel=True, QOperator or QDQ)"
    )


def _build(graph: Graph, config: Config, shapes: Shapes, items: list[Item], packing: Packing) -> Program:
    resident = Resident(config)
    layers: list[Layer] = []
    steps: list[Step] = []
    available = set(graph.inputs)
    used_words = 0
    for stage in schedule(graph, items, shapes, config.rows):
        if isinstance(stage, ChipStage):
            step, lowered = lower_stage(stage, shapes, config, resident, packing, len(layers))
            steps.append(step)
            layers += lowered
            regions = [region for layer in lowered for region in (layer.input_region, layer.output_region) if region]
            used_words = max(used_words, *(region.base + region.words for region in regions))
        else:
            hosted = [_host_layer(graph, item) for item in stage.items]
            submodel, inputs = extract(graph, available, stage.outputs)
            indices = tuple(range(len(layers), len(layers) + len(hosted)))
            steps.append(HostStep(submodel, inputs, tuple(stage.outputs), indices))
            layers += hosted
        available.update(stage.outputs)
    resident.check()
    return _program(graph, config, resident, layers, steps, used_words)


def _host_layer(graph: Graph, item: HostNode | Alias) -> Layer:
    node = item.node if isinstance(item, HostNode) else item.nodes[0]
    why = item.why if isinstance(item, HostNode) else "it only renames a value, which the host has here"
    shapes = [graph.types[name].shape for names in (graph.nodes[node].input, graph.nodes[node].output)
              for name in names[:1] if name]  # fmt: skip
    weights = sum(graph.constants[name].size for name in graph.nodes[node].input if name in graph.constants)
    macs = host_macs(graph, node)
    return Layer(item.name, item.op, "host", why, macs, weights if macs else 0, shapes[0], shapes[-1])


def _program(
    graph: Graph, config: Config, resident: Resident, layers: list[Layer], steps: list[Step], used_words: int
) -> Program:
    return Program(
        config=config, model=graph.model,
        commands=resident.command_words(), weights=np.concatenate(resident.weights),
        bias=np.concatenate(resident.bias), scale=np.concatenate(resident.scale),
        layers=tuple(layers), steps=tuple(steps),
        inputs={name: graph.types[name] for name in graph.inputs},
        outputs={name: graph.types[name] for name in graph.outputs},
        batch=graph.batch,
        constants={name: graph.constants[name] for name in graph.outputs if name in graph.constants},
        activation_words=used_words, int8=uses_int8_activations(graph.model),
    )  # fmt: skip
