"""Blocks of rows on their way through the chip: a bank drains only when nothing adds to it any more."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_
from types import SimpleNamespace
from typing import Any

from amaranth.hdl import Fragment, Module, Mux, Value

from vanallen.rtl.accelerator import Accelerator
from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import COMMAND_WORDS, Config
from vanallen.rtl.control.issue import IssueMachine
from vanallen.rtl.control.job import Phase
from vanallen.rtl.control.tag import End
from vanallen.rtl.memory.scratchpad import Scratchpad

from .memories import collisions_never
from .rows import rows_apart
from .specification import Specification, always, component, drive_freely, registers

__all__ = ["AccumulatorsApart"]


def _any(values: Iterable[Value]) -> Value:
    return reduce(or_, values, Value.cast(0))


class AccumulatorsApart(Specification):
    """No accumulator bank drains while rows are added to it, and none is read and written at one row at once: in the
    whole chip, whatever is on its bus.

    A block is *uncommitted* from the issue of its first row to its commit. First it is *open*: its rows are issued. The
    tag of its last row carries ``end`` through the array; then the block is pending, drains, and the tag of its last
    drain slot carries ``end`` through the requantizer. So at any time an uncommitted block shows in exactly one place,
    and the places are in order, from the newest block to the oldest. What makes the induction:

    - as many blocks as the sequencer counts, at most one a bank, and the older one further on;
    - a tag that adds to a bank belongs to a block that has not ended, a drain tag to one that has arrived;
    - behind the last block of a layer, in a job that halts, and in a fill pass nothing follows.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config

    def specify(self, m: Module) -> None:
        self.chip = chip = Accelerator(config=self.config)
        m.submodules.chip = fragment = Fragment.get(chip, None)
        drive_freely(m, chip)
        self.issue, self.drain, self.job, self.fill = (
            registers(fragment, name) for name in ("issue", "drain", "job", "fill")
        )
        self.adding = [self._picked(), *component(fragment, "array", "tags").taps]
        draining, retiring = component(fragment, "array", "drain_tags"), component(fragment, "requantizer", "tags")
        self.draining = [*draining.taps, *list(retiring.taps)[1:]]
        banks = 2 * (self.config.columns + self.config.side_columns)
        assert collisions_never(m, fragment, "accumulator") == banks
        for bank in range(2):
            adds, drains = (_any(tag.valid & (tag.bank == bank) for tag in tags)
                            for tags in (self.adding, self.draining))  # fmt: skip
            always(m, f"bank {bank} never drains while it accumulates", ~(adds & drains))
        rows_apart(m, self.config, self.issue, self.adding)
        self._ends(m)
        self._stops(m)
        self._blocks(m)

    def _picked(self) -> SimpleNamespace:
        """The slot that the sequencer picked, as the tag that it will be."""
        picked = IssueMachine(config=self.config).state["picked"].shape(self.issue.picked)
        streams = picked.streams
        return SimpleNamespace(valid=streams, last=streams & picked.last, bank=picked.bank, row=picked.slot,
                               end=Mux(streams, picked.end, End.NONE))  # fmt: skip

    def _ends(self, m: Module) -> None:
        """What carries ``end``, and that a layer's end is the last of it."""
        issue, drain = self.issue, self.drain
        for place, tag in enumerate(self.adding):
            always(m, f"invariant: tag {place} ends a block only with a row of its last tile",
                   (tag.end == End.NONE) | (tag.valid & tag.last))  # fmt: skip
        for place, tag in enumerate(self.draining):
            always(m, f"invariant: drain tag {place} ends a block only with a row", (tag.end == End.NONE) | tag.valid)
        always(m, "invariant: a pending block has an end", ~drain.pending | (drain.pending_end != End.NONE))
        always(m, "invariant: a block that drains has an end", ~drain.active | (drain.end != End.NONE))
        always(m, "invariant: a layer ends in a block's last tile",
               ~(issue.streaming & issue.layer_ends) | issue.last_tile)  # fmt: skip
        always(m, "invariant: what ends the layer is one tile of a last row block",
               ~issue.ahead_ends_layer | (issue.ahead_single & ~issue.ahead_more))  # fmt: skip
        there = [*(tag.valid for tag in self.adding), drain.pending, drain.active,
                 *(tag.valid for tag in self.draining)]  # fmt: skip
        ends = [*(tag.end for tag in self.adding), drain.pending_end, drain.end, *(tag.end for tag in self.draining)]
        ended = [here & (end == End.LAYER) for here, end in zip(there, ends, strict=True)]
        always(m, "invariant: nothing is issued after a layer's end",
               ~_any(ended) | ~(issue.preloading | issue.streaming | issue.go))  # fmt: skip
        for place, end in enumerate(ended):
            always(m, f"invariant: nothing follows a layer's end at place {place}", ~end | ~_any(there[:place]))

    def _stops(self, m: Module) -> None:
        """After an error, after a reset and between commands: what is on its way leaves, nothing follows."""
        issue, drain, job, fill = self.issue, self.drain, self.job, self.fill
        self.halted = (job.phase == Phase.FLUSH) & (job.counter > 0)
        over = fill.zero & ~fill.filling
        self.filled = (fill.filling & (fill.row > 1)) | over
        always(m, "invariant: a fill pass restarts the others", ~fill.filling | (fill.row == 0) | fill.zero)
        for kind, tags in (("", self.adding), ("drain ", self.draining)):
            for place, tag in enumerate(tags):
                gone = (self.halted & (job.counter > place + 1)) | (self.filled & (over | (fill.row > place + 2)))
                always(m, f"invariant: {kind}tag {place} is idle some cycles after a stop", ~(tag.valid & gone))
        still = ~(issue.preloading | issue.streaming | issue.go | drain.active | drain.pending)
        still &= issue.uncommitted == 0
        idle = job.phase == Phase.IDLE
        empty = ~_any(tag.valid for tag in [*self.adding, *self.draining])
        self.runs = (job.phase == Phase.RUN) | (job.phase == Phase.FLUSH)
        always(m, "invariant: stopped machines stand still", ~(self.halted | self.filled) | still)
        always(m, "invariant: a fill pass ends the job", ~self.filled | idle)
        always(m, "invariant: what is decided is known beforehand", job.deciding == (job.phase == Phase.DECIDE))
        always(m, "invariant: trouble is known with its cause", job.troubled == (job.trouble != ErrorCode.NONE))
        always(m, "invariant: calm is without trouble", job.calm == ~job.troubled)
        always(m, "invariant: a job of commands that aren't there ends at once",
               ~((job.phase == Phase.FETCH) & job.overflow) | (job.counter == 0))  # fmt: skip
        machine: Any = self.chip.machines["job"].machine
        always(m, "invariant: a phase's last cycle is known beforehand",
               ~job.over | ((job.phase == Phase.FLUSH) & (job.counter == machine.flush_cycles))
               | ((job.phase == Phase.FETCH) & (job.counter == COMMAND_WORDS + Scratchpad.latency - 1)))  # fmt: skip
        always(m, "invariant: what is on its way is of a job",
               self.runs | (still & (empty | (fill.filling & fill.zero & idle))))  # fmt: skip

    def _blocks(self, m: Module) -> None:
        """Each uncommitted block has its place, behind the older one."""
        issue, drain = self.issue, self.drain
        counts = self.runs & ~self.halted & ~self.filled

        def rule(text: str, condition: Any) -> None:
            always(m, f"invariant: {text}", ~counts | condition)

        begun = issue.streaming & ~issue.waiting
        is_open = begun & ~(issue.last_tile & ~issue.row_here)
        newest = Mux(begun, issue.bank, ~issue.bank)
        places: list[list[Value]] = []
        for bank in range(2):
            last_rows, last_slots = ([tag.valid & (tag.end != End.NONE) & (tag.bank == bank) for tag in tags]
                                     for tags in (self.adding, self.draining))  # fmt: skip
            arriving = [is_open & (issue.bank == bank), *last_rows]
            leaving = [drain.active & (drain.bank == bank), *last_slots]
            places.append([*arriving, drain.pending & (drain.pending_bank == bank), *leaving])
            for place, tag in enumerate(self.adding):
                rule(f"tag {place} adds to a block in bank {bank} that has not ended",
                     ~(tag.valid & (tag.bank == bank)) | _any(arriving[: place + 2]))  # fmt: skip
            for place, tag in enumerate(self.draining):
                rule(f"drain tag {place} is of a block in bank {bank} that has arrived",
                     ~(tag.valid & (tag.bank == bank)) | _any(leaving[: place + 2]))  # fmt: skip
        blocks = [sum(here, Value.cast(0)) for here in places]
        # an error in the cycle of a commit goes before it
        rule("uncommitted blocks are counted",
             Mux(self.job.phase == Phase.FLUSH, issue.uncommitted >= blocks[0] + blocks[1],
                 issue.uncommitted == blocks[0] + blocks[1]))  # fmt: skip
        first_slot = issue.go & issue.streaming & issue.waiting
        rule("a block begins when a bank is free", ~first_slot | (issue.uncommitted < 2))
        rule("a block begins with a row", ~(issue.streaming & issue.waiting) | issue.row_here)
        rule("a layer begins without blocks", ~issue.preloading | ((issue.uncommitted == 0) & ~issue.last_tile))
        for bank, other in ((0, 1), (1, 0)):
            rule(f"bank {bank} has one block at most", blocks[bank] <= 1)
            rule(f"the block in bank {bank} is committed after the older one",
                 (newest != bank) | (blocks[other] == 0) | (blocks[bank] == 1))  # fmt: skip
            for place, older in enumerate(places[other]):
                rule(f"the block in bank {bank} is not before the older one at place {place}",
                     (newest != bank) | ~older | ~_any(places[bank][place:]))  # fmt: skip
