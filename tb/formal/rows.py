"""Accumulator rows: none comes again before it is written back."""

from __future__ import annotations

from types import SimpleNamespace

from amaranth.hdl import Assume, Fragment, Module, Mux

from vanallen.rtl import timing
from vanallen.rtl.config import Config
from vanallen.rtl.control.issue import IssueMachine
from vanallen.rtl.control.machine import Control
from vanallen.rtl.control.tag import TagPipe

from .specification import Specification, always, drive_freely, registers

__all__ = ["RowsApart"]


class RowsApart(Specification):
    """Two slots that stream to the same bank and row are more than ``timing.ACCUMULATOR`` + 1 cycles apart.

    A column reads an accumulator when a tag comes by and writes it so many cycles later; all columns see the same tags,
    so no bank reads, to accumulate, the row that it writes. Any command, even one that changes; the sequencer begins a
    layer only when the one before has been issued, which is assumed.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config

    def specify(self, m: Module) -> None:
        issue = Control(machine=IssueMachine(config=self.config))
        m.submodules.issue = fragment = Fragment.get(issue, None)
        drive_freely(m, issue, but=("restart",))
        state = registers(fragment)
        m.d.comb += Assume(~issue.begin | issue.prepare)
        m.d.comb += Assume(~issue.prepare | ~(state.preloading | state.streaming))
        apart = timing.ACCUMULATOR + 1
        m.submodules.pipe = pipe = TagPipe(tag=issue.machine.tag, depth=apart)
        m.d.comb += pipe.i.eq(issue.tag)
        new = pipe.taps[0]
        always(m, "invariant: preloading or streaming", ~(state.preloading & state.streaming))
        for cycles in range(1, apart + 1):
            old = pipe.taps[cycles]
            same = new.valid & old.valid & (new.bank == old.bank) & (new.row == old.row)
            always(m, f"no row comes again after {cycles} cycles", ~same)
        rows = self.config.rows
        self._conditions(m, state, rows)
        for cycles in range(apart):
            old = pipe.taps[cycles]
            here = (old.row < state.slot) & (state.slot <= old.row + 1 + cycles)
            before = state.slot + rows - 1 <= cycles + old.row
            always(m, f"invariant: slots since tap {cycles}", ~(old.valid & state.streaming) | here | before)
            always(m, f"invariant: preload since tap {cycles}",
                   ~(old.valid & state.preloading) | (state.slot <= cycles))  # fmt: skip

    def _conditions(self, m: Module, state: SimpleNamespace, rows: int) -> None:
        """What the sequencer's registered conditions mean."""
        rows_done = state.row_last | ~state.row_here
        here = state.slot + state.rows_to_go == state.block_last_row
        for rule, condition in (
            ("a slot", ~state.go | state.preloading | state.streaming),
            ("rows to go", ~state.streaming | Mux(state.row_here, here, state.slot > state.block_last_row)),
            ("the last row", ~state.streaming | (state.row_last == (state.row_here & (state.rows_to_go == 0)))),
            ("the end of a tile",
             ~state.streaming | (state.tile_ends == (rows_done & (state.layer_ends | (state.slot >= rows - 1))))),
            ("the end of preloading",
             ~state.preloading | ((state.tile_ends == (state.slot == rows - 1)) & (state.slot < rows))),
            ("no layer ends before it begins", ~state.preloading | ~state.layer_ends),
            ("a block of one row", ~state.streaming | (state.one_row == (state.block_last_row == 0))),
            ("one row ahead", (state.ahead_one_row == (state.ahead_last_row == 0))),
        ):  # fmt: skip
            always(m, f"invariant: {rule}", condition)
