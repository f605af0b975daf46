"""The cycle model: how long the chip takes for a command, and what binds. Imports no Amaranth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vanallen.rtl import timing
from vanallen.rtl.config import Config
from vanallen.rtl.registers import DEFAULT_STEAL_INTERVAL

__all__ = ["LayerCycles", "choose_block_rows", "layer_cycles"]

_MOST_BLOCKS = 128
"""Row blocks beyond which smaller blocks are not tried: they only shorten a tail that is short already."""


@dataclass(frozen=True, kw_only=True)
class LayerCycles:
    """Cycles of one command, and where they go.

    Attributes
    ----------
    cycles : int
        From the fetch of the command to the commit of its last block; what the chip's ``layer_cycles`` register shows.
    ideal : int
        The larger of the multiply bound and the weight bound of the layer without padding.
    bound : str
        Which of the two: ``"multiply"`` or ``"weight"``.
    start : int
        Fetch, check and the load of the first weight tile.
    slots : int
        Issue slots: ``max(m, R)`` a tile of a block of ``m`` rows.
    stolen : int
        Slots left to the scrubber.
    stalled : int
        Slots in which the array waited for an accumulator bank.
    tail : int
        From the last slot to the commit: the last drain, which nothing hides.
    """

    cycles: int
    ideal: int
    bound: str
    start: int
    slots: int
    stolen: int
    stalled: int
    tail: int

    @property
    def binds(self) -> str:
        """What most of the cycles go to: ``"multiply"``, ``"weight"``, ``"drain"`` (lanes and banks) or
        ``"latency"``."""
        if self.stalled > self.slots:
            return "drain"
        return "latency" if self.start + self.tail > self.slots else self.bound


@dataclass(frozen=True)
class _Block:
    """Slots of a block, of them up to and with the one that ends it, and slots of its drain."""

    slots: int
    until_end: int
    drain: int


def _blocks(config: Config, command: Mapping[str, int]) -> Iterator[_Block]:
    """The blocks of a layer in the order of the sequencer."""
    tiles = command["kernel_height"] * command["kernel_width"] * command["input_groups"]
    rows, block_rows, columns = command["rows"], command["block_rows"], command["column_blocks"]
    for column in range(columns):
        words = min(config.words_per_column_block, command["output_groups"] - column * config.words_per_column_block)
        for first in range(0, rows, block_rows):
            m = min(block_rows, rows - first)
            tile = max(m, config.rows)
            until_end = (tiles - 1) * tile + m
            last = column == columns - 1 and first + m == rows
            yield _Block(until_end if last else tiles * tile, until_end, m * words * config.steps_per_word)


def layer_cycles(
    config: Config,
    command: Mapping[str, int],
    *,
    macs: int,
    weights: int,
    steal_interval: int = DEFAULT_STEAL_INTERVAL,
    banks: int = 2,
) -> LayerCycles:
    """Cycles of a legal ``command`` (field values, ``rtl.commands``) whose layer has ``macs`` products and ``weights``
    weights.

    Follows the chip block by block: a block's first slot waits for the commit of the block ``banks`` before it, a slot
    is stolen after every ``steal_interval``, blocks drain in order with a free cycle between them. Equal to the chip's
    counters, exactly. Other numbers of accumulator ``banks`` than the chip's two are for design studies.
    """
    arrival, commit = timing.arrival(config), timing.commit(config)
    start = timing.FETCH + config.rows
    clock, issued, stalled, drained = start, 0, 0, 0  # clock: of the next slot, stolen slots not counted
    commits = [0] * banks
    for block in _blocks(config, command):
        wait = max(0, commits[-banks] + 1 - (clock + max(0, issued - 1) // steal_interval))
        stalled += wait
        clock += wait
        last = block.until_end - 1
        end = clock + last + (issued + last) // steal_interval
        clock += block.slots
        issued += block.slots
        drained = max(end + arrival + 2, drained + 1) + block.drain
        commits.append(drained + commit - 1)
    stolen = (issued - 1) // steal_interval
    cycles = commits[-1] + 1
    multiply, weight = -(-macs // config.macs_per_cycle), -(-weights // config.columns)
    return LayerCycles(
        cycles=cycles,
        ideal=max(multiply, weight),
        bound="multiply" if multiply >= weight else "weight",
        start=start,
        slots=issued,
        stolen=stolen,
        stalled=stalled,
        tail=cycles - clock - stolen,
    )


def choose_block_rows(config: Config, command: Mapping[str, int], *, banks: int = 2) -> int:
    """The number of rows a block for which ``command`` takes fewest cycles; the largest such.

    Tries multiples of ``R``, and the rows divided evenly, as far as an accumulator bank holds them.
    """
    rows, most = command["rows"], min(command["rows"], config.accumulator_rows)
    even = {-(-rows // count) for count in range(1, _MOST_BLOCKS + 1)}
    multiples = set(range(config.rows, most + 1, config.rows))
    fewest = -(-rows // _MOST_BLOCKS)
    candidates = sorted(size for size in even | multiples | {most} if min(fewest, most) <= size <= most)

    def cycles(block_rows: int) -> tuple[int, int]:
        result = layer_cycles(config, {**command, "block_rows": block_rows}, macs=1, weights=1, banks=banks)
        return result.cycles, -block_rows

    return min(candidates, key=cycles)
