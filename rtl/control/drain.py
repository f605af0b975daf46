"""The sequencer's drain side: finished blocks through the requantizer, in order."""

from types import SimpleNamespace

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import Config

from .command import CommandFields
from .machine import Machine
from .tag import End, drain_tag, issue_tag

__all__ = ["DrainMachine"]


class DrainMachine(Machine):
    """Drains a block when its last row has reached the last accumulator.

    A block of ``m`` rows takes one slot for each row and each ``lanes`` channels that belong to an output word, then a
    free cycle. The tag of its last slot carries ``end``: the block is committed when that tag leaves the requantizer.
    The next block may arrive while one drains; a third isn't issued before a commit.

    A block has the command's ``block_rows``, but for the last of a column block: how many rows that has is told with
    ``last_block`` and ``last_rows`` (less one) and is the same for every column
    block. ``rows`` says how many (less one) a block of ``due`` has.

    Outputs are registered: a slot's tag and parameter address appear one cycle after the state that made them.

    With protection ``skips_row`` and ``skips`` are rows and ends of blocks that were committed before a replay: their
    addresses are passed over.

    ``column_ends`` follows the last slot of a column block: the addresses go on to ``next_column`` in the free cycle.
    """

    flow = frozenset({"last_row", "last_group", "row_step", "column_ends", "tag", "parameter_address", "outside"})
    unset = frozenset({
        "pending_bank", "pending_end", "bank", "end", "row", "group", "last_rows", "word_offset", "next_column",
        "groups_left", "parameter", *flow - {"column_ends", "tag", "outside"},
    })  # fmt: skip

    def __init__(self, *, config: Config):
        self.config = config
        self.tag = drain_tag(config)
        row = (config.accumulator_rows - 1).bit_length()
        self.state = StructLayout({
            "pending": 1, "pending_bank": 1, "pending_end": End,
            "active": 1, "bank": 1, "end": End, "row": row, "last_row": row, "last_rows": row,
            "group": self.tag["group"].shape, "last_group": self.tag["group"].shape,
            "column_ends": 1, "word_offset": 16, "row_step": 16, "next_column": 16, "groups_left": 16, "parameter": 17,
            "tag": self.tag, "parameter_address": 17, "outside": 1,
        })  # fmt: skip
        self.ports = {
            "prepare": In(1),
            "halt": In(1),
            "command": In(CommandFields()),
            "arrived": In(issue_tag(config)),
            "last_block": In(1),
            "last_rows": In(row),
            "tag": Out(self.tag),
            "parameter_read": Out(1),
            "parameter_address": Out((config.parameter_rows - 1).bit_length()),
            "error": Out(8),
        }  # fmt: skip
        if config.protected:
            self.ports |= {"skips_row": In(1), "skips": In(End), "due": In(End), "rows": Out(row)}

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        self._outputs(m, now, then, port)
        self._rows(m, now, then, port)
        with m.If(now.active):
            self._walk(m, now, then)
        with m.Elif(now.pending):
            m.d.comb += [
                then.active.eq(1), then.pending.eq(0), then.bank.eq(now.pending_bank), then.end.eq(now.pending_end),
                then.row.eq(0), then.group.eq(0),
            ]  # fmt: skip
        self._advance(m, now, then, port)
        arrived = port.arrived
        with m.If(arrived.valid & arrived.last & (arrived.end != End.NONE)):
            m.d.comb += [
                then.pending.eq(1), then.pending_bank.eq(arrived.bank), then.pending_end.eq(arrived.end),
            ]  # fmt: skip
        with m.If(port.prepare):
            m.d.comb += [
                then.word_offset.eq(0), then.next_column.eq(self.config.words_per_column_block),
                then.groups_left.eq(port.command.output_groups), then.parameter.eq(port.command.parameter_base),
            ]  # fmt: skip
        with m.If(port.halt):
            m.d.comb += [then.active.eq(0), then.pending.eq(0)]

    def _rows(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """The last row of the block that drains; the last group of ``lanes`` channels that belongs to an output word,
        of the current column block, and how many words it is from there to the next row."""
        steps, words = self.config.steps_per_word, self.config.words_per_column_block
        full = (port.command.block_rows - 1)[: len(now.last_rows)]
        with m.If(port.last_block):
            m.d.comb += then.last_rows.eq(port.last_rows)
        m.d.comb += [
            then.last_row.eq(Mux(then.end == End.BLOCK, full, now.last_rows)),
            then.last_group.eq(words * steps - 1), then.row_step.eq(port.command.output_groups - (words - 1)),
        ]  # fmt: skip
        if self.config.protected:
            m.d.comb += port.rows.eq(Mux(port.due == End.BLOCK, full, now.last_rows))
        for present in range(1, words):
            with m.If(now.groups_left == Mux(now.column_ends, present + words, present)):
                m.d.comb += [
                    then.last_group.eq(present * steps - 1),
                    then.row_step.eq(port.command.output_groups - (present - 1)),
                ]

    def _word_ends(self, now: SimpleNamespace):
        bits = self.config.steps_per_word.bit_length() - 1
        return now.group[:bits].all() if bits else 1

    def _outputs(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        outside = Signal()
        tag = Signal(self.tag, name="slot_tag")
        writes = now.active & self._word_ends(now)
        row_ends = now.active & (now.group == now.last_group)
        m.d.comb += [
            outside.eq(writes & (now.word_offset >= port.command.output_words)),
            tag.valid.eq(now.active),
            tag.bank.eq(now.active & now.bank),
            tag.row.eq(Mux(now.active, now.row, 0)),
            tag.group.eq(Mux(now.active, now.group, 0)),
            tag.write.eq(writes & ~outside),
            tag.address.eq(Mux(writes, port.command.output_base + now.word_offset, 0)),
            tag.end.eq(Mux(row_ends & (now.row == now.last_row), now.end, End.NONE)),
            then.tag.eq(tag),
            then.parameter_address.eq(now.parameter + now.group),
            then.outside.eq(outside),
            port.tag.eq(now.tag),
            port.parameter_read.eq(now.tag.valid),
            port.parameter_address.eq(now.parameter_address),
        ]
        if self.config.protected:
            m.d.comb += [tag.row_ends.eq(row_ends), then.tag.parity.eq(tag.as_value().xor())]
        with m.If(now.outside):
            m.d.comb += port.error.eq(ErrorCode.OUTPUT_ADDRESS)
        with m.Elif(now.tag.valid & (now.parameter_address >= self.config.parameter_rows)):
            m.d.comb += port.error.eq(ErrorCode.PARAMETER_ADDRESS)

    def _walk(self, m: Module, now: SimpleNamespace, then: SimpleNamespace) -> None:
        """One slot further: group, row, block."""
        m.d.comb += then.group.eq(now.group + 1)
        with m.If(now.group == now.last_group):
            m.d.comb += [then.group.eq(0), then.row.eq(now.row + 1)]
            with m.If(now.row == now.last_row):
                m.d.comb += then.active.eq(0)

    def _advance(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """The words passed over: one, or on to the next row, or to the next column block."""
        words = self.config.words_per_column_block
        row_ends = now.active & (now.group == now.last_group)
        end = Mux(now.row == now.last_row, now.end, End.NONE)
        passed = Mux(row_ends, now.row_step, now.active & self._word_ends(now))
        if self.config.protected:
            passed = Mux(port.skips_row, port.command.output_groups, passed)
            row_ends, end = row_ends | port.skips_row, Mux(port.skips_row, port.skips, end)
        m.d.comb += [
            then.word_offset.eq(Mux(now.column_ends, now.next_column, now.word_offset) + passed),
            then.column_ends.eq(row_ends & (end == End.COLUMN)),
        ]
        with m.If(now.column_ends):
            m.d.comb += [
                then.next_column.eq(now.next_column + words), then.groups_left.eq(now.groups_left - words),
                then.parameter.eq(now.parameter + self.config.parameter_rows_per_column_block),
            ]  # fmt: skip
