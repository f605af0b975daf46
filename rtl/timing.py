"""Latencies of the pipeline, in cycles: the one place where they are stated. Imports no Amaranth.

Components take theirs from here; the cycle model adds them up. The tests hold both against the simulated chip.
"""

from __future__ import annotations

from .config import COMMAND_WORDS, Config

__all__ = ["ACCUMULATOR", "ELEMENT", "FETCH", "HEARING", "ISSUE", "LANE", "MEMORY", "MULTIPLY", "NORMALIZE",
           "REQUANTIZER", "ROUND", "arrival", "commit"]  # fmt: skip

MEMORY = 4
"""Scratchpad: request to data."""
ELEMENT = 3
"""Processing element: activation to sum."""
ACCUMULATOR = 2
"""Accumulator: read to the cycle of the addition, or of draining."""
ISSUE = 2
"""Sequencer: a slot to its tag."""
NORMALIZE = 5
MULTIPLY = 3
ROUND = 6
LANE = NORMALIZE + MULTIPLY + ROUND
REQUANTIZER = LANE + 1
"""A lane and the packer."""
HEARING = 2
"""From the write of a block's last word to its commit in a protected build."""
FETCH = COMMAND_WORDS + MEMORY + 2
"""Start of a command's fetch to the first preload slot: its words, the checks, the decision."""


def arrival(config: Config) -> int:
    """From the issue slot of a row to the write of its last accumulator: tag, memory, edge, array, addition."""
    last_column = config.columns + config.side_columns - 1
    return ISSUE + MEMORY + 1 + (config.rows - 1) + last_column + ELEMENT + 1


def commit(config: Config) -> int:
    """From the last drain slot of a block to its commit: tag, parameters, requantizer, and with protection the cycles
    in which the checks of its last word are heard."""
    return 1 + MEMORY + REQUANTIZER + (HEARING if config.protected else 0)
