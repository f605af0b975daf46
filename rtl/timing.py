"""Latencies of the pipeline, in cycles: the one place where they are stated. Imports no Amaranth.

Components take theirs from here; the cycle model adds them up. The tests hold both against the simulated chip.
"""

from __future__ import annotations

from .config import COMMAND_WORDS, Config

__all__ = ["ACCUMULATOR", "ELEMENT", "FETCH", "LANE", "MEMORY", "MULTIPLY", "NORMALIZE", "REQUANTIZER", "ROUND",
           "arrival", "commit"]  # fmt: skip

MEMORY = 4
"""Scratchpad: request to data."""
ELEMENT = 3
"""Processing element: activation to sum."""
ACCUMULATOR = 2
"""Accumulator: read to the cycle of the addition, or of draining."""
NORMALIZE = 5
MULTIPLY = 3
ROUND = 6
LANE = NORMALIZE + MULTIPLY + ROUND
REQUANTIZER = LANE + 1
"""A lane and the packer."""
FETCH = COMMAND_WORDS + MEMORY + 2
"""Start of a command's fetch to the first preload slot: its words, the checks, the decision."""


def arrival(config: Config) -> int:
    """From the issue slot of a row to the write of its last accumulator: tag, memory, edge, array, addition."""
    last_column = config.columns + config.side_columns - 1
    return 1 + MEMORY + 1 + (config.rows - 1) + last_column + ELEMENT + 1


def commit() -> int:
    """From the last drain slot of a block to its commit: tag, parameters, requantizer."""
    return 1 + MEMORY + REQUANTIZER
