"""The order of work: maximal runs of host nodes and of chip layers, in turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .graph import Graph
from .layer import Alias, QuantizedLayer
from .layout import Layout
from .onnx_tools import used_values
from .recognize import HostNode, Item
from .view import output_layout, view_of

__all__ = ["ChipStage", "HostStage", "Shapes", "Stage", "schedule"]


@dataclass(frozen=True)
class Shapes:
    """Shapes of values as the chip sees them: of one sample where it computes several one by one."""

    graph: Graph
    samples: int

    def __getitem__(self, value: str) -> tuple[int, ...]:
        shape = self.graph.types[value].shape
        return (1, *shape[1:]) if self.samples > 1 else shape


@dataclass
class HostStage:
    """Nodes and aliases that the host computes; ``outputs`` are the values that later stages or the user need."""

    items: list[HostNode | Alias] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)


@dataclass
class ChipStage:
    """Layers that the chip computes without the host.

    ``layouts`` has every value made here, ``roots`` for each of them the layer output that it is or is an alias of.
    """

    layers: list[QuantizedLayer] = field(default_factory=list)
    layouts: dict[str, Layout] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)


Stage = HostStage | ChipStage


def schedule(graph: Graph, items: list[Item], shapes: Shapes, rows: int) -> list[Stage]:
    """The stages that compute ``items``, each as long as can be; ``rows`` is R.

    A layer that can't read a value in the order in which another layer left it, starts a new stage: the host reads the
    value and lays it out again.
    """
    available = set(graph.inputs) | set(graph.constants)
    pending = list(items)
    stages: list[Stage] = []
    while pending:
        left = len(pending)
        for stage in (_host_stage(graph, pending, available), _chip_stage(shapes, pending, available, rows)):
            if stage is not None:
                stages.append(stage)
        assert len(pending) < left, "a model is an acyclic graph"
    _find_outputs(graph, stages)
    return stages


def _host_stage(graph: Graph, pending: list[Item], available: set[str]) -> HostStage | None:
    """Takes from ``pending`` what the host can compute from ``available`` values."""
    stage = HostStage()
    for item in list(pending):
        if isinstance(item, HostNode):
            node = graph.nodes[item.node]
            ready, made = all(name in available for name in used_values(node)), list(node.output)
        else:
            ready, made = isinstance(item, Alias) and item.input in available, [item.output]
        if ready and not isinstance(item, QuantizedLayer):
            stage.items.append(item)
            pending.remove(item)
            available.update(made)
    return stage if stage.items else None


def _chip_stage(shapes: Shapes, pending: list[Item], available: set[str], rows: int) -> ChipStage | None:
    """Takes from ``pending`` what the chip can compute from ``available`` values and from what it has just made."""
    stage = ChipStage()
    for item in list(pending):
        layout = stage.layouts.get(item.input) if not isinstance(item, HostNode) else None
        if isinstance(item, Alias) and layout is not None:
            stage.layouts[item.output] = replace(layout, shape=shapes[item.output])
            stage.roots[item.output] = stage.roots[item.input]
            pending.remove(item)
        elif isinstance(item, QuantizedLayer) and (item.input in available or _reads(item, layout, shapes)):
            stage.layers.append(item)
            stage.layouts[item.output] = output_layout(item, shapes[item.output], rows)
            stage.roots[item.output] = item.output
            pending.remove(item)
    available.update(stage.layouts)
    return stage if stage.layers else None


def _reads(layer: QuantizedLayer, layout: Layout | None, shapes: Shapes) -> bool:
    return layout is not None and view_of(layer, layout, shapes[layer.input], shapes[layer.output]) is not None


def _find_outputs(graph: Graph, stages: list[Stage]) -> None:
    """Sets the outputs of every stage: what it makes and a later stage or the user needs."""
    wanted = set(graph.outputs)
    for stage in reversed(stages):
        if isinstance(stage, ChipStage):
            stage.outputs = [name for name in stage.layouts if name in wanted]
            wanted.update(layer.input for layer in stage.layers if layer.input not in stage.layouts)
        else:
            made = _made(graph, stage)
            stage.outputs = [name for name in made if name in wanted]
            wanted.update(name for name in _host_needs(graph, stage) if name not in made)


def _made(graph: Graph, stage: HostStage) -> dict[str, None]:
    names: dict[str, None] = {}
    for item in stage.items:
        made = graph.nodes[item.node].output if isinstance(item, HostNode) else [item.output]
        names.update(dict.fromkeys(name for name in made if name))
    return names


def _host_needs(graph: Graph, stage: HostStage) -> Mapping[str, None]:
    needs: dict[str, None] = {}
    for item in stage.items:
        used = used_values(graph.nodes[item.node]) if isinstance(item, HostNode) else [item.input]
        needs.update(dict.fromkeys(used))
    return needs
