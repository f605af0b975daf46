"""The sequencer's issue side: a layer as a stream of tags, one a cycle."""

from types import SimpleNamespace

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import Config

from .command import CommandFields
from .machine import Machine
from .tag import End, issue_tag

__all__ = ["IssueMachine"]


class IssueMachine(Machine):
    """Walks blocks, tiles and rows of the held command; an issue slot a cycle, bubbles where it has to wait.

    ::

        prepare, begin -> preload: R slots, the first tile's weights
              -> for each column block, row block, tile: max(m, R) slots. Slot k < m streams activation row k of the
                 tile, slot k < R loads weight row k of the next tile. The last tile of the layer: m slots.

    ``begin`` comes with ``prepare``, which loads what it needs, or not at all.

    Before the first slot of a block it waits until fewer than two blocks are uncommitted (``stalled``). After
    ``steal_interval`` slots it leaves one out (``stolen``): both memories are then free for scrubbing.

    Positions are kept as differences, so there is no multiplier: of the current pixel (``pixel_*``), of the first pixel
    of the tile (``tile_*``) and of the block (``block_*``). Offsets are relative to the input region and wrap modulo
    2^16; coordinates count from the image's corner, so those of padding are negative, that is, large.

    Conditions that steer are registered beforehand: whether the cycle is a slot (``go``); of the slot (``row_here``,
    ``row_last``, ``tile_ends``); of the tile, which lasts for several slots unless it is the layer's last
    (``group_ends``, ``line_ends``, ``next_last``, ``last_column``, ``last_but_one``); of the command (``single_*``).

    Outputs are registered: an issue slot's tag and addresses appear one cycle after the state that made them.
    """

    def __init__(self, *, config: Config):
        self.config = config
        self.tag = issue_tag(config)
        slots = range(max(config.rows, config.accumulator_rows))
        row = (config.accumulator_rows - 1).bit_length()
        self.state = StructLayout({
            "go": 1, "preloading": 1, "streaming": 1, "waiting": 1, "slot": slots,
            "bank": 1, "uncommitted": 2, "slots_left": 16, "steal_due": 1, "error": 8,
            # the slot: does it stream a row, is that the tile's last, is the slot? Rows of the tile behind this one
            "row_here": 1, "row_last": 1, "tile_ends": 1, "rows_to_go": row,
            # loops: channel groups, taps and tap lines, rows and column blocks that are left, the current one included
            "groups_left": 16, "taps_left": 3, "tap_lines_left": 3, "first_tile": 1, "last_tile": 1, "columns_left": 16,
            "rows_left": 16, "block_last_row": row, "one_row": 1, "more_rows": 1, "layer_ends": 1,
            "group_ends": 1, "line_ends": 1, "next_last": 1, "last_column": 1, "last_but_one": 1,
            "single_tile": 1, "single_group": 1, "single_tap": 1, "single_pixel": 1,
            # the next block, worked out in three cycles
            "ahead_rows": 16, "ahead_difference": signed(17), "ahead_last_row": row, "ahead_one_row": 1,
            "ahead_more": 1,
            # positions; ``ends``: is it the last pixel of its line?
            "pixel_left": 16, "pixel_ends": 1, "pixel_row": 16, "pixel_column": 16, "pixel_offset": 16,
            "tile_row": 16, "tile_column": 16, "tile_edge": 16, "tile_offset": 16,
            "block_left": 16, "block_ends": 1, "block_column": 16,
            "next_left": 16, "next_ends": 1, "next_row": 16, "next_column": 16, "next_offset": 16,
            # weights: next to load, first of the column block; one bit more than an address
            "weight": 17, "weight_column": 17,
            # the slot that is issued
            "tag": self.tag, "address": 16, "weight_address": 17, "outside": 1,
        })  # fmt: skip
        self.reset = {"ahead_one_row": 1}
        self.ports = {
            "prepare": In(1),
            "begin": In(1),
            "halt": In(1),
            "command": In(CommandFields()),
            "commit": In(1),
            "steal_interval": In(16),
            "tag": Out(self.tag),
            "read": Out(1),
            "address": Out((config.activation_words - 1).bit_length()),
            "weight_address": Out((config.weight_words - 1).bit_length()),
            "error": Out(8),
            "issued": Out(1),
            "stalled": Out(1),
            "stolen": Out(1),
        }  # fmt: skip

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        wait = now.streaming & now.waiting & (now.uncommitted == 2)
        steal = now.streaming & ~wait & now.steal_due
        go = now.go
        m.d.comb += [
            port.stalled.eq(wait),
            port.stolen.eq(steal),
            then.uncommitted.eq(now.uncommitted + (go & now.streaming & now.waiting) - port.commit),
        ]
        with m.If(go & now.streaming):
            m.d.comb += [
                then.slots_left.eq(now.slots_left - 1), then.steal_due.eq(now.slots_left == 1), then.waiting.eq(0),
            ]  # fmt: skip
        with m.Elif(steal):
            m.d.comb += [then.slots_left.eq(port.steal_interval), then.steal_due.eq(0)]

        self._outputs(m, now, then, port, go)
        self._conditions(m, now, then, port)
        self._look_ahead(m, now, then, port)
        with m.If(go):
            self._walk(m, now, then, port)
        with m.If(port.prepare):
            self._prepare(m, now, then, port)
        with m.If(port.begin):
            m.d.comb += [then.preloading.eq(1), then.error.eq(ErrorCode.NONE)]
        with m.If(port.halt):
            m.d.comb += [then.preloading.eq(0), then.streaming.eq(0), then.uncommitted.eq(0), then.error.eq(0)]
        waits = then.waiting & (then.uncommitted == 2)
        m.d.comb += then.go.eq(then.preloading | (then.streaming & ~waits & ~then.steal_due))

    def _prepare(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """The state before the first slot of a layer; block counters come from the ``ahead`` members after
        preloading."""
        command = port.command
        m.d.comb += [
            then.slot.eq(0), then.bank.eq(0), then.uncommitted.eq(0),
            then.slots_left.eq(port.steal_interval), then.steal_due.eq(0), then.tile_ends.eq(0),
            then.columns_left.eq(command.column_blocks), then.rows_left.eq(command.rows), then.more_rows.eq(0),
            then.ahead_rows.eq(command.rows),
            then.weight.eq(command.weight_base), then.weight_column.eq(command.weight_base),
            then.last_tile.eq(0), then.layer_ends.eq(0),
        ]  # fmt: skip
        m.d.comb += [getattr(then, f"next_{name}").eq(value) for name, value in
                       self._first(port, command.output_width == 1).items()]  # fmt: skip

    def _first(self, port: wiring.Component, ends: Value) -> dict[str, Value]:
        """Position of the first pixel of the layer: a column block starts there. ``ends``: its line has no other."""
        command = port.command
        return {"left": command.output_width, "ends": ends, "row": -command.pad_top,
                "column": -command.pad_left, "offset": command.first_address - command.input_base}  # fmt: skip

    def _conditions(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """Of the command and of the tile: true from their second cycle on, when they are first used."""
        command = port.command
        group_ends = now.groups_left == 1
        line_ends = group_ends & (now.taps_left == 1)
        m.d.comb += [
            then.single_group.eq(command.input_groups == 1),
            then.single_tap.eq(command.kernel_width == 1),
            then.single_tile.eq(now.single_group & now.single_tap & (command.kernel_height == 1)),
            then.single_pixel.eq(command.output_width == 1),
            then.group_ends.eq(group_ends),
            then.line_ends.eq(line_ends),
            # each of the three counters of the next tile, seen from this one's: is it the last?
            then.next_last.eq(
                Mux(group_ends, now.single_group, now.groups_left == 2)
                & Mux(line_ends, now.single_tap, now.taps_left == Mux(group_ends, 2, 1))
                & (now.tap_lines_left == Mux(line_ends, 2, 1))
            ),
            then.last_column.eq(now.columns_left == 1),
            then.last_but_one.eq(now.columns_left == 2),
        ]

    def _look_ahead(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """Rows of the block after this one: ready three cycles after ``rows_left``, and a block has at least four
        slots."""
        command = port.command
        rows = Signal(16, name="rows_ahead")
        with m.If(now.streaming):
            m.d.comb += then.ahead_rows.eq(Mux(now.more_rows, now.rows_left - command.block_rows, command.rows))
        m.d.comb += [
            then.ahead_difference.eq(now.ahead_rows - command.block_rows),
            then.ahead_more.eq(now.ahead_difference > 0),
            rows.eq(Mux(now.ahead_difference > 0, command.block_rows, now.ahead_rows)),
            then.ahead_last_row.eq(rows - 1),
            then.ahead_one_row.eq(rows[: len(then.ahead_last_row)] == 1),
        ]

    def _outputs(self, m, now, then, port, go) -> None:
        """The issued slot, registered; errors are seen one cycle later and stop the job."""
        command = port.command
        streams, loads = self._slot_use(now)
        padding = (now.pixel_row >= command.input_height) | (now.pixel_column >= command.input_width)
        m.d.comb += [
            then.tag.valid.eq(go & streams),
            then.tag.padding.eq(go & streams & padding),
            then.tag.first.eq(go & streams & now.first_tile),
            then.tag.last.eq(go & streams & now.last_tile),
            then.tag.end.eq(End.NONE),
            then.tag.bank.eq(go & streams & now.bank),
            then.tag.row.eq(Mux(go & streams, now.slot, 0)),
            then.tag.swap.eq(go & now.streaming & (now.slot == 0)),
            then.tag.load.eq(go & loads),
            then.tag.load_row.eq(Mux(go & loads, now.slot, 0)),
            then.address.eq(command.input_base + now.pixel_offset),
            then.outside.eq(go & streams & ~padding & (now.pixel_offset >= command.input_words)),
            then.weight_address.eq(now.weight),
            port.tag.eq(now.tag),
            port.address.eq(now.address),
            port.read.eq(now.tag.valid & ~now.tag.padding & ~now.outside),
            port.weight_address.eq(now.weight_address),
            port.issued.eq(now.tag.valid),
            port.error.eq(now.error),
        ]
        with m.If(go & streams & now.last_tile & now.row_last):
            m.d.comb += then.tag.end.eq(Mux(now.more_rows, End.BLOCK, Mux(now.layer_ends, End.LAYER, End.COLUMN)))
        with m.If(now.outside):
            m.d.comb += then.error.eq(ErrorCode.INPUT_ADDRESS)
        with m.Elif(now.tag.load & (now.weight_address >= self.config.weight_words)):
            m.d.comb += then.error.eq(ErrorCode.WEIGHT_ADDRESS)

    def _slot_use(self, now: SimpleNamespace):
        """Whether the slot streams an activation row, and whether it loads a weight row of the next tile."""
        streams = now.streaming & now.row_here
        loads = now.preloading | (now.streaming & ~now.layer_ends & (now.slot < self.config.rows))
        return streams, loads

    def _walk(self, m, now, then, port) -> None:
        """One slot further."""
        streams, loads = self._slot_use(now)
        advanced = self._advance_pixel(m, now, port)
        rows_end = (now.rows_to_go == 1) | now.row_last | ~now.row_here
        m.d.comb += [
            then.slot.eq(now.slot + 1),
            then.rows_to_go.eq(now.rows_to_go - 1),
            then.row_here.eq(now.row_here & ~now.row_last),
            then.row_last.eq(now.row_here & (now.rows_to_go == 1)),
            then.tile_ends.eq((now.preloading | rows_end) & (now.layer_ends | (now.slot >= self.config.rows - 2))),
        ]
        with m.If(loads):
            m.d.comb += then.weight.eq(now.weight + 1)
        with m.If(streams):
            m.d.comb += [getattr(then, f"pixel_{name}").eq(value) for name, value in advanced.items()]
            with m.If(now.first_tile & now.row_last):
                m.d.comb += [getattr(then, f"next_{name}").eq(value) for name, value in advanced.items()]

        with m.If(now.tile_ends):
            m.d.comb += [then.preloading.eq(0), then.streaming.eq(~now.layer_ends)]
            with m.If(now.preloading | now.last_tile):
                m.d.comb += then.bank.eq(now.bank ^ now.streaming)
                self._next_block(m, now, then, port, advanced)
            with m.Else():
                self._next_tile(m, now, then, port)

    def _advance_pixel(self, m: Module, now: SimpleNamespace, port: wiring.Component) -> dict[str, Signal]:
        """Position of the output pixel after the current one, for the same tap."""
        command = port.command
        widths = {"left": 16, "ends": 1, "row": 16, "column": 16, "offset": 16}
        advanced = {name: Signal(width, name=f"advanced_{name}") for name, width in widths.items()}
        with m.If(now.pixel_ends):
            m.d.comb += [
                advanced["left"].eq(command.output_width),
                advanced["ends"].eq(now.single_pixel),
                advanced["row"].eq(now.pixel_row + command.stride_height),
                advanced["column"].eq(now.tile_edge),
                advanced["offset"].eq(now.pixel_offset + command.line_step),
            ]
        with m.Else():
            m.d.comb += [
                advanced["left"].eq(now.pixel_left - 1),
                advanced["ends"].eq(now.pixel_left == 2),
                advanced["row"].eq(now.pixel_row),
                advanced["column"].eq(now.pixel_column + command.stride_width),
                advanced["offset"].eq(now.pixel_offset + command.pixel_step),
            ]
        return advanced

    def _next_tile(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """The next channel group, tap or tap line of the same block."""
        command = port.command
        group_ends, line_ends = now.group_ends, now.line_ends
        row, column, edge, offset = (
            Signal(16, name=f"next_tile_{name}") for name in ("row", "column", "edge", "offset")
        )
        m.d.comb += [
            row.eq(now.tile_row + line_ends),
            column.eq(Mux(line_ends, now.block_column, now.tile_column + group_ends)),
            edge.eq(Mux(line_ends, -command.pad_left, now.tile_edge + group_ends)),
            offset.eq(now.tile_offset + Mux(line_ends, command.tap_line_step, 1)),
            then.groups_left.eq(Mux(group_ends, command.input_groups, now.groups_left - 1)),
            then.taps_left.eq(Mux(line_ends, command.kernel_width, now.taps_left - group_ends)),
            then.tap_lines_left.eq(now.tap_lines_left - line_ends),
        ]
        self._tile(m, then, left=now.block_left, ends=now.block_ends, row=row, column=column, edge=edge, offset=offset)
        m.d.comb += [then.first_tile.eq(0), then.rows_to_go.eq(now.block_last_row), then.row_last.eq(now.one_row)]
        self._last_tile(m, now, then, last=now.next_last, more_rows=now.more_rows, last_column=now.last_column,
                        one_row=now.one_row)  # fmt: skip

    def _last_tile(self, m, now, then, *, last, more_rows, last_column, one_row) -> None:
        """During the last tile of a block, the weights of the next block's first tile are loaded."""
        layer_ends = last & ~more_rows & last_column
        m.d.comb += [then.last_tile.eq(last), then.layer_ends.eq(layer_ends), then.tile_ends.eq(layer_ends & one_row)]
        with m.If(last & more_rows):
            m.d.comb += then.weight.eq(now.weight_column)
        with m.Elif(last):
            m.d.comb += then.weight_column.eq(self._loaded(now))

    def _loaded(self, now: SimpleNamespace):
        """The weight row after those loaded up to and with this slot."""
        return now.weight + self._slot_use(now)[1]

    def _next_block(self, m, now, then, port, advanced) -> None:
        """The first tile of the next row block, or of the next column block, or (after preloading) of the layer."""
        command = port.command
        captured = now.streaming & now.first_tile & now.row_here & now.row_last
        start = {name: Mux(captured, value, getattr(now, f"next_{name}")) for name, value in advanced.items()}
        column_ends = now.streaming & ~now.more_rows
        first = self._first(port, now.single_pixel)
        begin = {name: Signal(len(value), name=f"begin_{name}") for name, value in advanced.items()}
        m.d.comb += [begin[name].eq(Mux(column_ends, first[name], start[name])) for name in start]
        m.d.comb += [
            then.waiting.eq(1), then.first_tile.eq(1),
            then.groups_left.eq(command.input_groups), then.taps_left.eq(command.kernel_width),
            then.tap_lines_left.eq(command.kernel_height),
            then.block_left.eq(begin["left"]), then.block_ends.eq(begin["ends"]),
            then.block_column.eq(begin["column"]),
            then.rows_left.eq(now.ahead_rows), then.block_last_row.eq(now.ahead_last_row),
            then.rows_to_go.eq(now.ahead_last_row), then.row_last.eq(now.ahead_one_row),
            then.one_row.eq(now.ahead_one_row),
            then.more_rows.eq(now.ahead_more), then.columns_left.eq(now.columns_left - column_ends),
        ]  # fmt: skip
        self._tile(m, then, **begin, edge=-command.pad_left)
        self._last_tile(m, now, then, last=now.single_tile, more_rows=now.ahead_more,
                        last_column=Mux(column_ends, now.last_but_one, now.last_column),
                        one_row=now.ahead_one_row)  # fmt: skip

    def _tile(self, m: Module, then: SimpleNamespace, *, left, ends, row, column, edge, offset) -> None:
        """The first slot of a tile."""
        m.d.comb += [
            then.slot.eq(0), then.row_here.eq(1),
            then.tile_row.eq(row), then.tile_column.eq(column), then.tile_edge.eq(edge), then.tile_offset.eq(offset),
            then.pixel_left.eq(left), then.pixel_ends.eq(ends), then.pixel_row.eq(row), then.pixel_column.eq(column),
            then.pixel_offset.eq(offset),
        ]  # fmt: skip
