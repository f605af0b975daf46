"""The sequencer's issue side: a layer as a stream of tags, one a cycle."""

from types import SimpleNamespace

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import Config

from .command import CommandFields
from .machine import Machine
from .tag import End, issue_tag

__all__ = ["IssueMachine"]

PIXEL = {"left": 16, "ends": 1, "row": 16, "column": 16, "offset": 16}
"""Position of an output pixel: pixels left of its line, itself included, and whether it is the last; then of the first
tap of its kernel, row and column from the image's corner, and word from the start of the input region."""


class IssueMachine(Machine):
    """Walks blocks, tiles and rows of the held command; an issue slot a cycle, bubbles where it has to wait.

    ::

        prepare, begin -> preload: R slots, the first tile's weights
              -> for each column block, row block, tile: max(m, R) slots. Slot k < m streams activation row k of the
                 tile, slot k < R loads weight row k of the next tile. The last tile of the layer: m slots.

    ``begin`` comes with ``prepare``, which loads what it needs, or not at all.

    Before the first slot of a block it waits until fewer than two blocks are uncommitted (``stalled``). After
    ``steal_interval`` slots it leaves one out (``stolen``): both memories are then free for scrubbing.

    Positions are kept as differences, so there is no multiplier: of the current pixel (``pixel_*``) and of the block's
    first (``block_*``), both for the kernel's first tap; ``tap_offset`` is how many words further the tile's tap and
    channel group are. Offsets are relative to the input region and wrap modulo 2^16; coordinates count from the image's
    corner, so those of padding are negative, that is, large.

    Conditions that steer are registered beforehand: whether the cycle is a slot (``go``); of the slot (``row_here``,
    ``row_last``, ``tile_ends``, with which a block may begin: ``block_follows``); of the tile, which lasts for several
    slots unless it is the layer's last (``group_ends``, ``line_ends``, then ``next_last``; ``last_column``,
    ``last_but_one``); of the block after this one (``ahead_*``); of the command (``single_*``).

    Outputs follow ``timing.ISSUE`` = 2 cycles after the state that made them: the slot that was picked with the
    position of its tap, then its tag and addresses.

    ``last_block`` is high once in each column block, when its last row block begins: that has one row more than
    ``last_rows``.

    ``throttle`` is the governor's: the next cycle is no streaming slot; ``throttled`` are cycles it took away.

    With protection a layer may begin again behind its first ``skip`` blocks, which are committed (see
    docs/decisions/replay.md). Their slots are *dry*: they stream nothing. Of a block behind which there is another one
    in its column block only the first tile is walked, for the positions; the last one's tiles all, for the weights.
    ``skips_row`` is high for each dry row, ``skips`` with the last one of a block is what it ends.
    """

    flow = frozenset({
        "group_ends", "line_ends", "next_last", "last_column", "last_but_one",
        "single_tile", "single_group", "single_tap", "single_pixel",
        "ahead_rows", "ahead_difference", "ahead_last_row", "ahead_one_row", "ahead_more", "ahead_dry", "ahead_single",
        "ahead_ends_layer",
        "column_follows", "picked", "row", "column", "offset", "weight_row",
        "tag", "read", "address", "weight_address", "outside", "skips_row", "skips", "throttled",
    })  # fmt: skip
    unset = frozenset({
        "slot", "slots_left", "groups_left", "taps_left", "tap_lines_left", "columns_left", "rows_left",
        "block_last_row", *(f"{which}_{part}" for which in ("pixel", "block") for part in PIXEL),
        "tap_offset", "weight", "weight_column", "skip",
        "row", "column", "offset", "weight_row", "address", "weight_address",
    })  # fmt: skip

    def __init__(self, *, config: Config):
        self.config = config
        self._row_bits = (config.rows - 1).bit_length()  # rows are a power of two
        self.tag = issue_tag(config)
        slots = range(max(config.rows, config.accumulator_rows))
        row = (config.accumulator_rows - 1).bit_length()
        protected = config.protected
        self.state = StructLayout({
            "go": 1, "preloading": 1, "streaming": 1, "waiting": 1, "slot": slots,
            "bank": 1, "uncommitted": 2, "slots_left": 16, "steal_due": 1, "throttled": 1,
            # the slot: does it stream a row, is that the tile's last, is the slot, and the last before a block begins?
            "row_here": 1, "row_last": 1, "tile_ends": 1, "block_follows": 1,
            # loops: channel groups, taps and tap lines, rows and column blocks that are left, the current one included
            "groups_left": 16, "taps_left": 3, "tap_lines_left": 3, "first_tile": 1, "last_tile": 1, "columns_left": 16,
            "rows_left": 16, "block_last_row": row, "one_row": 1, "more_rows": 1, "layer_ends": 1,
            "group_ends": 1, "line_ends": 1, "next_last": 1, "last_column": 1, "last_but_one": 1,
            "single_tile": 1, "single_group": 1, "single_tap": 1, "single_pixel": 1,
            # the next block, worked out in three cycles
            "ahead_rows": 16, "ahead_difference": signed(17), "ahead_last_row": row, "ahead_one_row": 1,
            "ahead_more": 1, "ahead_single": 1, "ahead_ends_layer": 1,
            # positions
            **{f"{which}_{part}": width for which in ("pixel", "block") for part, width in PIXEL.items()},
            "tap_offset": 16,
            # weights: next to load, first of the column block; one bit more than an address
            "weight": 17, "weight_column": 17, "column_follows": 1,
            # the slot that is picked, and then issued
            "picked": StructLayout({
                "streams": 1, "first": 1, "last": 1, "end": End, "bank": 1, "slot": slots, "swap": 1, "load": 1,
            }),
            "row": 16, "column": 16, "offset": 16, "weight_row": 17,
            "tag": self.tag, "read": 1, "address": 16, "weight_address": 17, "outside": 1,
            # dry blocks that are left, whether this one is, what is said of it
            **({"skip": 16, "dry": 1, "ahead_dry": 1, "skips_row": 1, "skips": End} if protected else {}),
        })  # fmt: skip
        self.reset = {"ahead_one_row": 1}
        self.ports = {
            "prepare": In(1),
            "begin": In(1),
            "halt": In(1),
            "command": In(CommandFields()),
            "commit": In(1),
            "steal_interval": In(16),
            "throttle": In(1),
            "tag": Out(self.tag),
            "read": Out(1),
            "address": Out((config.activation_words - 1).bit_length()),
            "weight_address": Out((config.weight_words - 1).bit_length()),
            "error": Out(8),
            "issued": Out(1),
            "stalled": Out(1),
            "stolen": Out(1),
            "throttled": Out(1),
            "last_block": Out(1),
            "last_rows": Out(row),
        }  # fmt: skip
        if protected:
            self.ports |= {"skip": In(16), "skips_row": Out(1), "skips": Out(End)}

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        wait = now.streaming & now.waiting & (now.uncommitted == 2)
        steal = now.streaming & ~wait & now.steal_due
        begins = now.go & now.streaming & now.waiting
        claimed, full = Signal(2, name="claimed"), Signal(name="full")
        m.d.comb += [
            claimed.eq(now.uncommitted + (begins & ~self._dry(now))),
            full.eq((claimed == 2) & ~port.commit),  # which comes last in its cycle
            port.stalled.eq(wait),
            port.stolen.eq(steal),
            port.throttled.eq(now.throttled),
            then.uncommitted.eq(claimed - port.commit),
        ]
        with m.If(now.go & now.streaming):
            m.d.comb += [
                then.slots_left.eq(now.slots_left - 1), then.steal_due.eq(now.slots_left == 1), then.waiting.eq(0),
            ]  # fmt: skip
        with m.Elif(steal):
            m.d.comb += [then.slots_left.eq(port.steal_interval), then.steal_due.eq(0)]

        self._pick(m, now, then, port)
        self._outputs(m, now, then, port)
        self._conditions(m, now, then, port)
        self._look_ahead(m, now, then, port)
        m.d.comb += then.column_follows.eq(0)
        with m.If(now.column_follows):
            m.d.comb += then.weight_column.eq(now.weight)
        with m.If(now.go):
            self._walk(m, now, then, port)
        with m.If(port.prepare):
            self._prepare(m, then, port)
        with m.If(port.begin):
            m.d.comb += then.preloading.eq(1)
        with m.If(port.halt):
            m.d.comb += [then.preloading.eq(0), then.streaming.eq(0), then.uncommitted.eq(0)]
        slot = Signal(name="slot_follows")
        m.d.comb += [
            slot.eq(then.streaming & ~(then.waiting & full & ~port.prepare) & ~then.steal_due),
            then.go.eq(then.preloading | (slot & ~port.throttle)),
            then.throttled.eq(slot & port.throttle),
        ]

    def _dry(self, now: SimpleNamespace) -> Value:
        """Whether the block is walked only because it was committed before a replay."""
        return now.dry if self.config.protected else Const(0)

    def _prepare(self, m: Module, then: SimpleNamespace, port: wiring.Component) -> None:
        """The state before the first slot of a layer; what is of the first block comes after preloading."""
        command = port.command
        m.d.comb += [
            then.slot.eq(0), then.bank.eq(0), then.uncommitted.eq(0),
            then.slots_left.eq(port.steal_interval), then.steal_due.eq(0),
            then.tile_ends.eq(0), then.block_follows.eq(0),
            then.columns_left.eq(command.column_blocks), then.rows_left.eq(command.rows), then.more_rows.eq(0),
            then.weight.eq(command.weight_base), then.weight_column.eq(command.weight_base),
            then.last_tile.eq(0), then.layer_ends.eq(0),
        ]  # fmt: skip
        if self.config.protected:
            m.d.comb += then.skip.eq(port.skip)

    def _conditions(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """Of the command and of the tile: true from their second cycle on, ``next_last`` from the third. The first is
        used in the third: a tile that another one follows has at least four slots."""
        command = port.command
        m.d.comb += [
            then.single_group.eq(command.input_groups == 1),
            then.single_tap.eq(command.kernel_width == 1),
            then.single_tile.eq(now.single_group & now.single_tap & (command.kernel_height == 1)),
            then.single_pixel.eq(command.output_width == 1),
            then.group_ends.eq(now.groups_left == 1),
            then.line_ends.eq((now.groups_left == 1) & (now.taps_left == 1)),
            # each of the three counters of the next tile, seen from this one's: is it the last?
            then.next_last.eq(
                Mux(now.group_ends, now.single_group, now.groups_left == 2)
                & Mux(now.line_ends, now.single_tap, now.taps_left == Mux(now.group_ends, 2, 1))
                & (now.tap_lines_left == Mux(now.line_ends, 2, 1))
            ),
            then.last_column.eq(now.columns_left == 1),
            then.last_but_one.eq(now.columns_left == 2),
        ]

    def _look_ahead(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """The block after this one, its rows, whether one tile of it is walked and whether that is the layer's last:
        ready three cycles after ``rows_left``, and a block has at least four slots."""
        command = port.command
        rows, more = Signal(16, name="rows_ahead"), Signal(name="more_ahead")
        m.d.comb += [
            then.ahead_rows.eq(Mux(now.more_rows, now.rows_left - command.block_rows, command.rows)),
            then.ahead_difference.eq(now.ahead_rows - command.block_rows),
            more.eq(now.ahead_difference > 0),
            then.ahead_more.eq(more),
            rows.eq(Mux(more, command.block_rows, now.ahead_rows)),
            then.ahead_last_row.eq(rows - 1),
            then.ahead_one_row.eq(rows[: len(then.ahead_last_row)] == 1),
        ]
        single = now.single_tile
        if self.config.protected:
            m.d.comb += then.ahead_dry.eq(now.skip.any())
            single = single | (now.ahead_dry & more)
        last_column = Mux(now.streaming & ~now.more_rows, now.last_but_one, now.last_column)
        m.d.comb += [then.ahead_single.eq(single), then.ahead_ends_layer.eq(single & ~more & last_column)]

    def _slot_use(self, now: SimpleNamespace):
        """Whether the slot streams an activation row, and whether it loads a weight row of the next tile."""
        streams = now.streaming & now.row_here
        loads = now.preloading | (now.streaming & ~now.layer_ends & ~now.slot[self._row_bits :].any())
        return streams, loads

    def _pick(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """The slot, and the position of its tap."""
        command, picked = port.command, then.picked
        streams, loads = self._slot_use(now)
        dry = self._dry(now)
        ends = Mux(now.more_rows, End.BLOCK, Mux(now.layer_ends, End.LAYER, End.COLUMN))
        m.d.comb += [
            picked.streams.eq(now.go & streams & ~dry),
            picked.first.eq(now.first_tile), picked.last.eq(now.last_tile),
            picked.end.eq(Mux(now.last_tile & now.row_last, ends, End.NONE)),
            picked.bank.eq(now.bank), picked.slot.eq(now.slot),
            picked.swap.eq(now.go & now.streaming & (now.slot == 0)), picked.load.eq(now.go & loads),
            then.row.eq(now.pixel_row + (command.kernel_height - now.tap_lines_left)[:3]),
            then.column.eq(now.pixel_column + (command.kernel_width - now.taps_left)[:3]),
            then.offset.eq(now.pixel_offset + now.tap_offset), then.weight_row.eq(now.weight),
            port.last_block.eq(now.go & now.streaming & now.waiting & ~now.more_rows),
            port.last_rows.eq(now.block_last_row),
        ]  # fmt: skip
        if self.config.protected:
            m.d.comb += [
                then.skips_row.eq(now.go & streams & dry & now.first_tile),
                then.skips.eq(Mux(then.skips_row & now.row_last, ends, End.NONE)),
                port.skips_row.eq(now.skips_row), port.skips.eq(now.skips),
            ]  # fmt: skip

    def _outputs(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """Tag and addresses of the slot; an error is told with them and stops the job."""
        command, picked = port.command, now.picked
        streams = picked.streams
        tag = Signal(self.tag, name="slot_tag")
        padding = (now.row >= command.input_height) | (now.column >= command.input_width)
        inside = now.offset < command.input_words
        m.d.comb += [
            tag.valid.eq(streams),
            tag.padding.eq(streams & padding),
            tag.first.eq(streams & picked.first),
            tag.last.eq(streams & picked.last),
            tag.end.eq(Mux(streams, picked.end, End.NONE)),
            tag.bank.eq(streams & picked.bank),
            tag.row.eq(Mux(streams, picked.slot, 0)),
            tag.swap.eq(picked.swap),
            tag.load.eq(picked.load),
            tag.load_row.eq(Mux(picked.load, picked.slot, 0)),
            then.tag.eq(tag),
            then.address.eq(command.input_base + now.offset),
            then.read.eq(streams & ~padding & inside),
            then.outside.eq(streams & ~padding & ~inside),
            then.weight_address.eq(now.weight_row),
            port.tag.eq(now.tag),
            port.address.eq(now.address),
            port.read.eq(now.read),
            port.weight_address.eq(now.weight_address),
            port.issued.eq(now.tag.valid),
        ]
        if self.config.protected:
            m.d.comb += then.tag.parity.eq(tag.as_value().xor())
        with m.If(now.outside):
            m.d.comb += port.error.eq(ErrorCode.INPUT_ADDRESS)
        with m.Elif(now.tag.load & (now.weight_address >= self.config.weight_words)):
            m.d.comb += port.error.eq(ErrorCode.WEIGHT_ADDRESS)

    def _walk(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """One slot further."""
        streams, _ = self._slot_use(now)
        advanced = self._advance_pixel(m, now, port)
        last_follows = now.slot + 1 == now.block_last_row
        rows_end = last_follows | now.row_last | ~now.row_here
        loaded = now.slot[self._row_bits :].any() | now.slot[1 : self._row_bits].all()  # rows - 2, or more
        ends = (now.preloading | rows_end) & (now.layer_ends | loaded)
        m.d.comb += [
            then.slot.eq(now.slot + 1),
            then.row_here.eq(now.row_here & ~now.row_last),
            then.row_last.eq(now.row_here & last_follows),
            then.tile_ends.eq(ends),
            then.block_follows.eq(ends & (now.preloading | now.last_tile)),
        ]
        m.d.comb += then.weight.eq(self._next_weight(now))
        with m.If(streams):
            m.d.comb += [getattr(then, f"pixel_{part}").eq(value) for part, value in advanced.items()]

        with m.If(now.tile_ends):
            m.d.comb += [
                then.preloading.eq(0), then.streaming.eq(~now.layer_ends), then.slot.eq(0), then.row_here.eq(1),
            ]  # fmt: skip
        with m.If(now.block_follows):
            m.d.comb += then.bank.eq(now.bank ^ now.streaming)
            self._next_block(m, now, then, port, advanced)
        with m.Elif(now.tile_ends):
            self._next_tile(m, now, then, port)

    def _advance_pixel(self, m: Module, now: SimpleNamespace, port: wiring.Component) -> dict[str, Signal]:
        """Position of the output pixel after the current one."""
        command = port.command
        advanced = {part: Signal(width, name=f"advanced_{part}") for part, width in PIXEL.items()}
        with m.If(now.pixel_ends):
            m.d.comb += [
                advanced["left"].eq(command.output_width),
                advanced["ends"].eq(now.single_pixel),
                advanced["row"].eq(now.pixel_row + command.stride_height),
                advanced["column"].eq(-command.pad_left),
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
        m.d.comb += [
            then.tap_offset.eq(now.tap_offset + Mux(now.line_ends, command.tap_line_step, 1)),
            then.groups_left.eq(Mux(now.group_ends, command.input_groups, now.groups_left - 1)),
            then.taps_left.eq(Mux(now.line_ends, command.kernel_width, now.taps_left - now.group_ends)),
            then.tap_lines_left.eq(now.tap_lines_left - now.line_ends),
            *(getattr(then, f"pixel_{part}").eq(getattr(now, f"block_{part}")) for part in PIXEL),
            then.first_tile.eq(0), then.row_last.eq(now.one_row),
        ]  # fmt: skip
        layer_ends = now.next_last & ~now.more_rows & now.last_column
        self._last_tile(m, now, then, last=now.next_last, more_rows=now.more_rows, layer_ends=layer_ends,
                        one_row=now.one_row)  # fmt: skip

    def _last_tile(self, m, now, then, *, last, more_rows, layer_ends, one_row) -> None:
        """During the last tile of a block, the weights of the next block's first tile are loaded."""
        slot_ends = layer_ends & one_row
        m.d.comb += [
            then.last_tile.eq(last), then.layer_ends.eq(layer_ends),
            then.tile_ends.eq(slot_ends), then.block_follows.eq(slot_ends),
        ]  # fmt: skip
        with m.If(last & more_rows):
            m.d.comb += then.weight.eq(now.weight_column)
        m.d.comb += then.column_follows.eq(last & ~more_rows)

    def _next_weight(self, now: SimpleNamespace) -> Value:
        """The weight row after those loaded up to and with this slot."""
        _, loads = self._slot_use(now)
        return Mux(loads, now.weight + 1, now.weight)

    def _next_block(self, m, now, then, port, advanced) -> None:
        """The first tile of the next row block, or of the next column block, or (after preloading) of the layer."""
        command = port.command
        column_ends = now.streaming & ~now.more_rows
        first = {"left": command.output_width, "ends": now.single_pixel, "row": -command.pad_top,
                 "column": -command.pad_left, "offset": command.first_address - command.input_base}  # fmt: skip
        for part, width in PIXEL.items():
            begin = Signal(width, name=f"begin_{part}")
            follows = Mux(now.row_here, advanced[part], getattr(now, f"pixel_{part}"))
            m.d.comb += [
                begin.eq(Mux(now.more_rows, follows, first[part])),
                getattr(then, f"block_{part}").eq(begin), getattr(then, f"pixel_{part}").eq(begin),
            ]  # fmt: skip
        m.d.comb += [
            then.tap_offset.eq(0), then.waiting.eq(1), then.first_tile.eq(1),
            then.groups_left.eq(command.input_groups), then.taps_left.eq(command.kernel_width),
            then.tap_lines_left.eq(command.kernel_height),
            then.rows_left.eq(now.ahead_rows), then.block_last_row.eq(now.ahead_last_row),
            then.row_last.eq(now.ahead_one_row), then.one_row.eq(now.ahead_one_row),
            then.more_rows.eq(now.ahead_more), then.columns_left.eq(now.columns_left - column_ends),
        ]  # fmt: skip
        if self.config.protected:
            m.d.comb += [then.dry.eq(now.ahead_dry), then.skip.eq(now.skip - now.ahead_dry)]
        self._last_tile(m, now, then, last=now.ahead_single, more_rows=now.ahead_more,
                        layer_ends=now.ahead_ends_layer, one_row=now.ahead_one_row)  # fmt: skip
