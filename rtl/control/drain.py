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
    """Counts the rows of a block as they reach the last accumulator; drains the block when its last row has.

    A block of ``m`` rows takes one slot for each row and each ``lanes`` channels that belong to an output word, then a
    free cycle. The tag of its last slot carries ``end``: the block is committed when that tag leaves the requantizer.
    The next block may arrive while one drains; a third isn't issued before a commit.

    Outputs are registered: a slot's tag and parameter address appear one cycle after the state that made them.
    """

    def __init__(self, *, config: Config):
        self.config = config
        self.tag = drain_tag(config)
        row = (config.accumulator_rows - 1).bit_length()
        self.state = StructLayout({
            "counted": row,
            "pending": 1, "pending_bank": 1, "pending_end": End, "pending_last_row": row,
            "active": 1, "bank": 1, "end": End, "rows_left": row, "row_last": 1,
            "row": row, "group": self.tag["group"].shape, "last_group": self.tag["group"].shape,
            "word_offset": 16, "row_offset": 16, "column_offset": 16, "groups_left": 16, "parameter": 17,
            "tag": self.tag, "parameter_address": 17, "outside": 1, "error": 8,
        })  # fmt: skip
        self.ports = {
            "prepare": In(1),
            "halt": In(1),
            "command": In(CommandFields()),
            "arrived": In(issue_tag(config)),
            "tag": Out(self.tag),
            "parameter_read": Out(1),
            "parameter_address": Out((config.parameter_rows - 1).bit_length()),
            "error": Out(8),
        }  # fmt: skip

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        self._outputs(m, now, then, port)
        self._last_group(m, now, then)
        with m.If(now.active):
            self._walk(m, now, then, port)
        with m.Elif(now.pending):
            m.d.comb += [
                then.active.eq(1), then.pending.eq(0),
                then.bank.eq(now.pending_bank), then.end.eq(now.pending_end),
                then.rows_left.eq(now.pending_last_row), then.row_last.eq(now.pending_last_row == 0),
                then.row.eq(0), then.group.eq(0),
            ]  # fmt: skip
        self._count(m, now, then, port)
        with m.If(port.prepare):
            m.d.comb += [
                then.counted.eq(0), then.word_offset.eq(0), then.row_offset.eq(0), then.column_offset.eq(0),
                then.groups_left.eq(port.command.output_groups), then.parameter.eq(port.command.parameter_base),
                then.error.eq(ErrorCode.NONE),
            ]  # fmt: skip
        with m.If(port.halt):
            m.d.comb += [then.active.eq(0), then.pending.eq(0), then.counted.eq(0), then.error.eq(0)]

    def _count(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """The rows of a block's last tile, as they arrive."""
        arrived = port.arrived
        with m.If(arrived.valid & arrived.last):
            m.d.comb += then.counted.eq(now.counted + 1)
            with m.If(arrived.end != End.NONE):
                m.d.comb += [
                    then.counted.eq(0), then.pending.eq(1), then.pending_bank.eq(arrived.bank),
                    then.pending_end.eq(arrived.end), then.pending_last_row.eq(now.counted),
                ]  # fmt: skip

    def _last_group(self, m: Module, now: SimpleNamespace, then: SimpleNamespace) -> None:
        """The last group of ``lanes`` channels that belongs to an output word, of the current column block."""
        steps, words = self.config.steps_per_word, self.config.words_per_column_block
        m.d.comb += then.last_group.eq(words * steps - 1)
        for present in range(1, words):
            with m.If(now.groups_left == present):
                m.d.comb += then.last_group.eq(present * steps - 1)

    def _word_ends(self, now: SimpleNamespace):
        bits = self.config.steps_per_word.bit_length() - 1
        return now.group[:bits].all() if bits else 1

    def _outputs(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        outside = Signal()
        writes = now.active & self._word_ends(now)
        last = now.active & now.row_last & (now.group == now.last_group)
        m.d.comb += [
            outside.eq(writes & (now.word_offset >= port.command.output_words)),
            then.tag.valid.eq(now.active),
            then.tag.bank.eq(now.active & now.bank),
            then.tag.row.eq(Mux(now.active, now.row, 0)),
            then.tag.group.eq(Mux(now.active, now.group, 0)),
            then.tag.write.eq(writes & ~outside),
            then.tag.address.eq(Mux(writes, port.command.output_base + now.word_offset, 0)),
            then.tag.end.eq(Mux(last, now.end, End.NONE)),
            then.parameter_address.eq(now.parameter + now.group),
            then.outside.eq(outside),
            port.tag.eq(now.tag),
            port.parameter_read.eq(now.tag.valid),
            port.parameter_address.eq(now.parameter_address),
            port.error.eq(now.error),
        ]
        with m.If(now.outside):
            m.d.comb += then.error.eq(ErrorCode.OUTPUT_ADDRESS)
        with m.Elif(now.tag.valid & (now.parameter_address >= self.config.parameter_rows)):
            m.d.comb += then.error.eq(ErrorCode.PARAMETER_ADDRESS)

    def _walk(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """One slot further: group, row, block, column block."""
        command = port.command
        next_row = Signal(16)
        next_column = Signal(16)
        m.d.comb += [
            next_row.eq(now.row_offset + command.output_groups),
            next_column.eq(now.column_offset + self.config.words_per_column_block),
            then.group.eq(now.group + 1),
        ]
        with m.If(self._word_ends(now)):
            m.d.comb += then.word_offset.eq(now.word_offset + 1)
        with m.If(now.group == now.last_group):
            m.d.comb += [
                then.group.eq(0), then.row.eq(now.row + 1), then.row_offset.eq(next_row), then.word_offset.eq(next_row),
                then.rows_left.eq(now.rows_left - 1), then.row_last.eq(now.rows_left == 1),
            ]  # fmt: skip
            with m.If(now.row_last):
                m.d.comb += then.active.eq(0)
                with m.If(now.end == End.COLUMN):
                    m.d.comb += [
                        then.column_offset.eq(next_column), then.row_offset.eq(next_column),
                        then.word_offset.eq(next_column),
                        then.groups_left.eq(now.groups_left - self.config.words_per_column_block),
                        then.parameter.eq(now.parameter + self.config.parameter_rows_per_column_block),
                    ]  # fmt: skip
