"""The cycle model: how long the chip takes for a command, and what binds. Imports no Amaranth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vanallen.rtl.config import Config

__all__ = ["LayerCycles", "choose_block_rows", "layer_cycles"]


@dataclass(frozen=True)
class LayerCycles:
    """Cycles of one command.

    ``cycles`` run from the fetch of the command to the commit of its last block; ``ideal`` is the larger of the multiply
    bound and the weight bound of the unpadded layer, ``bound`` says which (``"multiply"`` or ``"weight"``).
    """

    cycles: int
    ideal: int
    bound: str


def layer_cycles(
    config: Config, command: Mapping[str, int], *, macs: int, weights: int, steal_interval: int = 1024
) -> LayerCycles:
    """Cycles of ``command`` (field values, see ``rtl.commands``) whose layer has ``macs`` products and ``weights`` weights."""
    tiles = command["kernel_height"] * command["kernel_width"] * command["input_groups"]
    rows = command["rows"]
    cycles = 100 + command["column_blocks"] * tiles * max(rows, config.rows)
    multiply, weight = -(-macs // config.macs_per_cycle), -(-weights // config.columns)
    return LayerCycles(cycles, max(multiply, weight), "multiply" if multiply >= weight else "weight")


def choose_block_rows(config: Config, command: Mapping[str, int]) -> int:
    """The number of rows a block for which ``command`` takes fewest cycles."""
    return min(command["rows"], config.accumulator_rows)
