"""Accumulator rows: none comes again before it is written back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from amaranth.hdl import Module

from vanallen.rtl import timing
from vanallen.rtl.config import Config

from .specification import always

__all__ = ["rows_apart"]


def rows_apart(m: Module, config: Config, state: SimpleNamespace, taps: list[Any]) -> None:
    """Two slots that stream to the same bank and row are more than ``timing.ACCUMULATOR`` + 1 cycles apart.

    A column reads an accumulator when a tag comes by and writes it so many cycles later; all columns see the same tags,
    so no bank reads, to accumulate, the row that it writes. ``state`` is the sequencer's, ``taps`` are the slot that it
    picked and its tags.
    """
    apart = timing.ACCUMULATOR + 1
    always(m, "invariant: preloading or streaming", ~(state.preloading & state.streaming))
    for later, new in enumerate(taps):
        for cycles, old in enumerate(taps[later + 1 : later + 1 + apart], start=1):
            same = new.valid & old.valid & (new.bank == old.bank) & (new.row == old.row)
            always(m, f"no row comes again after {cycles} cycles, seen at tap {later}", ~same)
    _conditions(m, state, config.rows)
    for cycles, old in enumerate(taps[:apart]):
        here = (old.row < state.slot) & (state.slot <= old.row + 1 + cycles)
        before = state.slot + config.rows - 1 <= cycles + old.row
        always(m, f"invariant: slots since tap {cycles}", ~(old.valid & state.streaming) | here | before)
        always(m, f"invariant: preload since tap {cycles}",
               ~(old.valid & state.preloading) | (state.slot <= cycles))  # fmt: skip


def _conditions(m: Module, state: SimpleNamespace, rows: int) -> None:
    """What the sequencer's registered conditions mean."""
    rows_done = state.row_last | ~state.row_here
    for rule, condition in (
        ("a slot", ~state.go | state.preloading | state.streaming),
        ("rows to go", ~state.streaming | (state.row_here == (state.slot <= state.block_last_row))),
        ("the last row", ~state.streaming | (state.row_last == (state.slot == state.block_last_row))),
        ("the end of a tile",
         ~state.streaming | (state.tile_ends == (rows_done & (state.layer_ends | (state.slot >= rows - 1))))),
        ("the end of preloading",
         ~state.preloading | ((state.tile_ends == (state.slot == rows - 1)) & (state.slot < rows))),
        ("the end of a block",
         ~(state.preloading | state.streaming)
         | (state.block_follows == (state.tile_ends & (state.preloading | state.last_tile)))),
        ("no layer ends before it begins", ~state.preloading | ~state.layer_ends),
        ("a block of one row", ~state.streaming | (state.one_row == (state.block_last_row == 0))),
        ("one row ahead", (state.ahead_one_row == (state.ahead_last_row == 0))),
    ):  # fmt: skip
        always(m, f"invariant: {rule}", condition)
