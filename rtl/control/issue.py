"""The sequencer's issue side: a layer as a stream of tags, one a cycle."""

from types import SimpleNamespace

from amaranth.hdl import Module, Mux, Signal, signed
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

        begin -> preload: R slots, the first tile's weights
              -> for each column block, row block, tile: max(m, R) slots. Slot k < m streams activation row k of the
                 tile, slot k < R loads weight row k of the next tile. The last tile of the layer: m slots.

    Before the first slot of a block it waits until fewer than two blocks are uncommitted (``stalled``). After
    ``steal_interval`` slots it leaves one out (``stolen``): both memories are then free for scrubbing.

    Positions are kept as differences, so there is no multiplier: of the current pixel (``pixel_*``), of the first pixel
    of the tile (``tile_*``) and of the block (``block_*``). Offsets are relative to the input region and wrap modulo
    2^16; coordinates count from the image's corner, so those of padding are negative, that is, large.

    Outputs are registered: an issue slot's tag and addresses appear one cycle after the state that made them.
    """

    def __init__(self, *, config: Config):
        self.config = config
        self.tag = issue_tag(config)
        slots = range(max(config.rows, config.accumulator_rows))
        row = (config.accumulator_rows - 1).bit_length()
        self.state = StructLayout({
            "preloading": 1, "streaming": 1, "waiting": 1, "slot": slots,
            "bank": 1, "uncommitted": 2, "slots_left": 16, "error": 8,
            # loops: channel groups, taps and tap lines, rows and column blocks that are left, the current one included
            "groups_left": 16, "taps_left": 3, "tap_lines_left": 3, "first_tile": 1, "last_tile": 1, "columns_left": 16,
            "rows_left": 16, "block_last_row": row, "more_rows": 1,
            # the next block, worked out in three cycles
            "ahead_rows": 16, "ahead_difference": signed(17), "ahead_last_row": row, "ahead_more": 1,
            # positions
            "pixel_left": 16, "pixel_row": 16, "pixel_column": 16, "pixel_offset": 16,
            "tile_row": 16, "tile_column": 16, "tile_edge": 16, "tile_offset": 16,
            "block_left": 16, "block_column": 16,
            "next_left": 16, "next_row": 16, "next_column": 16, "next_offset": 16,
            # weights: next to load, first of the column block; one bit more than an address
            "weight": 17, "weight_column": 17,
            # the slot that is issued
            "tag": self.tag, "address": 16, "weight_address": 17, "outside": 1,
        })  # fmt: skip
        self.ports = {
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
        steal = now.streaming & ~wait & (now.slots_left == 0)
        go = Signal()
        m.d.comb += [
            go.eq(now.preloading | (now.streaming & ~wait & ~steal)),
            port.stalled.eq(wait),
            port.stolen.eq(steal),
            then.uncommitted.eq(now.uncommitted + (go & now.streaming & now.waiting) - port.commit),
        ]
        with m.If(go & now.streaming):
            m.d.comb += [then.slots_left.eq(now.slots_left - 1), then.waiting.eq(0)]
        with m.Elif(steal):
            m.d.comb += then.slots_left.eq(port.steal_interval)

        self._outputs(m, now, then, port, go)
        self._look_ahead(m, now, then, port)
        with m.If(go):
            self._walk(m, now, then, port)
        with m.If(port.begin):
            self._begin(m, then, port)
        with m.If(port.halt):
            m.d.comb += [then.preloading.eq(0), then.streaming.eq(0), then.uncommitted.eq(0), then.error.eq(0)]

    def _begin(self, m: Module, then: SimpleNamespace, port: wiring.Component) -> None:
        """The state before the first slot of a layer; block counters come from the ``ahead`` members after
        preloading."""
        command = port.command
        m.d.comb += [
            then.preloading.eq(1), then.slot.eq(0), then.bank.eq(0), then.uncommitted.eq(0),
            then.slots_left.eq(port.steal_interval),
            then.columns_left.eq(command.column_blocks), then.rows_left.eq(command.rows), then.more_rows.eq(0),
            then.ahead_rows.eq(command.rows),
            then.weight.eq(command.weight_base), then.weight_column.eq(command.weight_base),
            then.last_tile.eq(0), then.error.eq(ErrorCode.NONE),
        ]  # fmt: skip
        self._layer_start(m, then, port)

    def _layer_start(self, m: Module, then: SimpleNamespace, port: wiring.Component) -> None:
        """``next`` is the first pixel of the layer: a column block starts there."""
        command = port.command
        m.d.comb += [
            then.next_left.eq(command.output_width), then.next_row.eq(-command.pad_top), then.next_column.eq(-command.pad_left),
            then.next_offset.eq(command.first_address - command.input_base),
        ]  # fmt: skip

    def _look_ahead(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """Rows of the block after this one: ready three cycles after ``rows_left``, and a block has at least four
        slots."""
        command = port.command
        with m.If(now.streaming):
            m.d.comb += then.ahead_rows.eq(Mux(now.more_rows, now.rows_left - command.block_rows, command.rows))
        m.d.comb += [
            then.ahead_difference.eq(now.ahead_rows - command.block_rows),
            then.ahead_more.eq(now.ahead_difference > 0),
            then.ahead_last_row.eq(Mux(now.ahead_difference > 0, command.block_rows, now.ahead_rows) - 1),
        ]

    def _outputs(self, m, now, then, port, go) -> None:
        """The issued slot, registered; errors are seen one cycle later and stop the job."""
        command = port.command
        streams, loads = self._slot_use(now)
        padding = (now.pixel_row >= command.input_height) | (now.pixel_column >= command.input_width)
        more = now.more_rows | (now.columns_left != 1)
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
        with m.If(go & streams & now.last_tile & (now.slot == now.block_last_row)):
            m.d.comb += then.tag.end.eq(Mux(now.more_rows, End.BLOCK, Mux(more, End.COLUMN, End.LAYER)))
        with m.If(now.outside):
            m.d.comb += then.error.eq(ErrorCode.INPUT_ADDRESS)
        with m.Elif(now.tag.load & (now.weight_address >= self.config.weight_words)):
            m.d.comb += then.error.eq(ErrorCode.WEIGHT_ADDRESS)

    def _slot_use(self, now: SimpleNamespace):
        """Whether the slot streams an activation row, and whether it loads a weight row of the next tile."""
        streams = now.streaming & (now.slot <= now.block_last_row)
        needed = ~now.last_tile | now.more_rows | (now.columns_left != 1)
        loads = now.preloading | (now.streaming & needed & (now.slot < self.config.rows))
        return streams, loads

    def _walk(self, m, now, then, port) -> None:
        """One slot further."""
        streams, loads = self._slot_use(now)
        advanced = self._advance_pixel(m, now, port)
        m.d.comb += then.slot.eq(now.slot + 1)
        with m.If(loads):
            m.d.comb += then.weight.eq(now.weight + 1)
        with m.If(streams):
            m.d.comb += [getattr(then, f"pixel_{name}").eq(value) for name, value in advanced.items()]
            with m.If(now.first_tile & (now.slot == now.block_last_row)):
                m.d.comb += [getattr(then, f"next_{name}").eq(value) for name, value in advanced.items()]

        layer_ends = now.last_tile & ~now.more_rows & (now.columns_left == 1)
        rows_done, loads_done = now.slot >= now.block_last_row, layer_ends | (now.slot >= self.config.rows - 1)
        with m.If(now.preloading & (now.slot == self.config.rows - 1)):
            m.d.comb += [then.preloading.eq(0), then.streaming.eq(1)]
            self._next_block(m, now, then, port, advanced)
        with m.Elif(now.streaming & rows_done & loads_done):
            with m.If(layer_ends):
                m.d.comb += then.streaming.eq(0)
            with m.Elif(now.last_tile):
                m.d.comb += then.bank.eq(~now.bank)
                self._next_block(m, now, then, port, advanced)
            with m.Else():
                self._next_tile(m, now, then, port)

    def _advance_pixel(self, m: Module, now: SimpleNamespace, port: wiring.Component) -> dict[str, Signal]:
        """Position of the output pixel after the current one, for the same tap."""
        command = port.command
        line_ends = now.pixel_left == 1
        advanced = {name: Signal(16, name=f"advanced_{name}") for name in ("left", "row", "column", "offset")}
        with m.If(line_ends):
            m.d.comb += [
                advanced["left"].eq(command.output_width),
                advanced["row"].eq(now.pixel_row + command.stride_height),
                advanced["column"].eq(now.tile_edge),
                advanced["offset"].eq(now.pixel_offset + command.line_step),
            ]
        with m.Else():
            m.d.comb += [
                advanced["left"].eq(now.pixel_left - 1),
                advanced["row"].eq(now.pixel_row),
                advanced["column"].eq(now.pixel_column + command.stride_width),
                advanced["offset"].eq(now.pixel_offset + command.pixel_step),
            ]
        return advanced

    def _next_tile(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """The next channel group, tap or tap line of the same block."""
        command = port.command
        group_ends = now.groups_left == 1
        line_ends = group_ends & (now.taps_left == 1)
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
        # each of the three counters of the next tile, seen from this one's: is it the last?
        last = (
            Mux(group_ends, command.input_groups == 1, now.groups_left == 2)
            & Mux(line_ends, command.kernel_width == 1, now.taps_left == Mux(group_ends, 2, 1))
            & (now.tap_lines_left == Mux(line_ends, 2, 1))
        )
        self._tile(m, then, left=now.block_left, row=row, column=column, edge=edge, offset=offset)
        m.d.comb += then.first_tile.eq(0)
        self._last_tile(m, now, then, last=last, more_rows=now.more_rows)

    def _last_tile(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, *, last, more_rows) -> None:
        """During the last tile of a block, the weights of the next block's first tile are loaded."""
        m.d.comb += then.last_tile.eq(last)
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
        captured = now.streaming & now.first_tile & (now.slot == now.block_last_row)
        start = {name: Mux(captured, value, getattr(now, f"next_{name}")) for name, value in advanced.items()}
        column_ends = now.streaming & ~now.more_rows
        first = {"left": command.output_width, "row": -command.pad_top, "column": -command.pad_left,
                 "offset": command.first_address - command.input_base}  # fmt: skip
        begin = {name: Signal(16, name=f"begin_{name}") for name in start}
        m.d.comb += [begin[name].eq(Mux(column_ends, first[name], start[name])) for name in start]
        m.d.comb += [
            then.waiting.eq(1), then.first_tile.eq(1),
            then.groups_left.eq(command.input_groups), then.taps_left.eq(command.kernel_width),
            then.tap_lines_left.eq(command.kernel_height),
            then.block_left.eq(begin["left"]), then.block_column.eq(begin["column"]),
            then.rows_left.eq(now.ahead_rows), then.block_last_row.eq(now.ahead_last_row),
            then.more_rows.eq(now.ahead_more), then.columns_left.eq(now.columns_left - column_ends),
        ]  # fmt: skip
        self._tile(m, then, left=begin["left"], row=begin["row"], column=begin["column"], edge=-command.pad_left,
                   offset=begin["offset"])  # fmt: skip
        last = (command.input_groups == 1) & (command.kernel_width == 1) & (command.kernel_height == 1)
        self._last_tile(m, now, then, last=last, more_rows=now.ahead_more)

    def _tile(self, m: Module, then: SimpleNamespace, *, left, row, column, edge, offset) -> None:
        """The first slot of a tile."""
        m.d.comb += [
            then.slot.eq(0),
            then.tile_row.eq(row), then.tile_column.eq(column), then.tile_edge.eq(edge), then.tile_offset.eq(offset),
            then.pixel_left.eq(left), then.pixel_row.eq(row), then.pixel_column.eq(column),
            then.pixel_offset.eq(offset),
        ]  # fmt: skip
