"""The array with everything between the RAMs' outputs and the requantizer's inputs."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing
from vanallen.rtl.config import Config
from vanallen.rtl.control.tag import TagPipe, drain_tag, issue_tag, select_tag, show_tag, steering_tag
from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.rtl.technology import Technology

from .accumulator import Accumulator
from .checksum_column import ChecksumAccumulator, ChecksumColumn
from .checksum_test import ChecksumTest
from .parity_pipe import ParityPipe
from .skew import Skew
from .systolic_array import SystolicArray
from .weight_sum import WeightSum

__all__ = ["FAULTS", "ArrayUnit"]


FAULTS = data.StructLayout({"weight": 1, "activation": 1, "row": 1, "identity": 1, "tag": 1})
"""What the checks of the array find: a weight row or an activation vector that disagrees with its parity, a row whose
columns disagree with the checksum column, a load or swap enable that got lost or came from nowhere on its way through
the array, a tag that has changed."""


class ArrayUnit(wiring.Component):
    """Systolic array, skews, accumulators and the tag pipes that steer them.

    ::

        cycle 0: tag; 4: words from RAM; 5: row 0 of the array; add(c) = R + 7 + c: column c is added

        activations --[padding]--[reg]--> skew --> systolic array --> accumulators --> drained
        weights --------------- [reg]--> skew ------^      ^              ^   ^
        tag --> tag pipe ----------- load, swap -----------'--------------'   |
        drain_tag --> tag pipe -----------------------------------------------'

    ``arrived`` is the tag of the row that the last column writes now, ``latency`` cycles after ``tag``. ``drained``,
    with ``drained_tag``, follows ``drain_tag`` by ``drain_latency`` = 4 cycles, as a read of parameter RAM does.

    With protection ``activation_parity`` and ``weight_parity``, a bit a byte, come with the bytes, and a checksum column
    stands behind the last one. What a check finds is high in ``wrong`` (:data:`FAULTS`) for a cycle: at most 3 cycles
    after the last slot of a row that is wrong was drained. ``drained_tag`` still has its parity, to be tested where it
    is used last; that of ``arrived`` is used up. Columns that a layer doesn't use must have weights of zero, since
    their sums are part of the row's and aren't drained.
    """

    drain_latency = Scratchpad.latency

    def __init__(self, *, config: Config, technology: Technology = Technology.GENERIC):
        self.config = config
        self.technology = technology
        self.issue_layout, self.drain_layout = issue_tag(config), drain_tag(config)
        self.array = SystolicArray(
            rows=config.rows, columns=config.columns, open_end=config.protected, technology=technology
        )
        self.latency = timing.arrival(config) - timing.ISSUE
        members = {
            "tag": In(self.issue_layout),
            "activations": In(data.ArrayLayout(signed(8), config.rows)),
            "weights": In(data.ArrayLayout(signed(8), config.columns)),
            "zero_point": In(signed(8)),
            "drain_tag": In(self.drain_layout),
            "arrived": Out(self.issue_layout),
            "drained": Out(data.ArrayLayout(signed(32), config.lanes)),
            "drained_tag": Out(self.drain_layout),
        }
        if config.protected:
            members |= {"activation_parity": In(config.rows), "weight_parity": In(config.columns), "wrong": Out(FAULTS)}
        super().__init__(members)

    def _add(self, column: int) -> int:
        """Cycles from a slot's tag to the sum of ``column``."""
        return Scratchpad.latency + 1 + self.array.latency(column)

    def elaborate(self, platform) -> Module:
        m, config = Module(), self.config
        m.submodules.array = self.array
        m.submodules.tags = tags = TagPipe(tag=steering_tag(config), depth=self.latency)
        m.submodules.drain_tags = drain = TagPipe(tag=self.drain_layout, depth=self.drain_latency)
        m.d.comb += [
            tags.i.as_value().eq(self.tag.as_value()),
            self.arrived.as_value().eq(tags.taps[self.latency].as_value()),
            drain.i.eq(self.drain_tag),
            self.drained_tag.eq(drain.taps[self.drain_latency]),
        ]
        self._edges(m, tags)
        pipes = [self._drain_pipes(m, drain, group) for group in range(config.columns // config.lanes)]
        drained = self._accumulators(m, tags, pipes)
        lanes = config.lanes
        chosen = Signal(32 * lanes, reset_less=True)
        groups = [Cat(drained[first : first + lanes]) for first in range(0, config.columns, lanes)]
        m.d.sync += chosen.eq(reduce(or_, groups))
        m.d.comb += self.drained.as_value().eq(chosen)
        if config.protected:
            self._checksum(m, tags, drain)
            self._parities(m, tags)
            self._enables(m, tags)
            self._tags(m, tags, drain, pipes)
        return m

    def _edges(self, m: Module, tags: TagPipe) -> None:
        """The left and upper edge of the array."""
        rows, columns = self.config.rows, self.config.columns
        m.submodules.row_skew = row_skew = Skew(element=signed(8), count=rows)
        m.submodules.column_skew = column_skew = Skew(element=signed(8), count=columns)
        vector = Signal(data.ArrayLayout(signed(8), rows), reset_less=True)
        weights = Signal(data.ArrayLayout(signed(8), columns), reset_less=True)
        arriving, entering = tags.taps[Scratchpad.latency], Scratchpad.latency + 1
        for row in range(rows):
            m.d.sync += vector[row].eq(Mux(arriving.padding, self.zero_point, self.activations[row]))
            m.d.comb += [
                self.array.activations[row].eq(row_skew.o[row]),
                self.array.swap[row].eq(tags.taps[entering + row].swap),
                self.array.load[row].eq(tags.taps[entering].load & (tags.taps[entering].load_row == row)),
            ]
        m.d.sync += weights.eq(self.weights)
        m.d.comb += [row_skew.i.eq(vector), column_skew.i.eq(weights)]
        m.d.comb += [self.array.weights[str(column)].eq(column_skew.o[column]) for column in range(columns)]

    def _drain_pipes(self, m: Module, drain: TagPipe, group: int) -> tuple[TagPipe, TagPipe]:
        """The select of a group of ``lanes`` columns, in its slots, and whether and from which bank its values are
        shown. The accumulators of other groups may lie far away: each group has registers of its own."""
        # the select's register, the accumulator's latency and the register of the group that is chosen
        tag = drain.taps[self.drain_latency - (1 + Accumulator.latency + 1)]
        m.submodules[f"drain_select_{group}"] = select = TagPipe(tag=select_tag(self.config), depth=1)
        m.submodules[f"drain_show_{group}"] = show = TagPipe(tag=show_tag(), depth=Accumulator.latency)
        m.d.comb += [
            select.i.valid.eq(tag.valid & (tag.group == group)), select.i.bank.eq(tag.bank), select.i.row.eq(tag.row),
            show.i.valid.eq(select.taps[1].valid), show.i.bank.eq(select.taps[1].bank),
        ]  # fmt: skip
        return select, show

    def _accumulators(self, m: Module, tags: TagPipe, pipes: list[tuple[TagPipe, TagPipe]]) -> list[Value]:
        """One accumulator a column, each a cycle behind its neighbour; the values drained, zero but for one group."""
        drained: list[Value] = []
        for column in range(self.config.columns):
            select, show = pipes[column // self.config.lanes]
            shown = show.taps[Accumulator.latency]
            accumulator = Accumulator(rows=self.config.accumulator_rows, sum_bits=self.array.sum_bits)
            m.submodules[f"accumulator_{column}"] = accumulator
            m.d.comb += accumulator.partial_sum.eq(self.array.sums[str(column)])
            self._steer(m, accumulator, column, tags=tags, drain=select.taps[1], drained_bank=shown.bank)
            drained.append(accumulator.drained.as_unsigned() & shown.valid.replicate(32))
        return drained

    def _steer(self, m: Module, accumulator: Accumulator, column: int, *, tags: TagPipe, drain, drained_bank) -> None:
        """What an accumulator does in each cycle."""
        add = self._add(column)
        read, adding, write = tags.taps[add - Accumulator.latency], tags.taps[add], tags.taps[add + 1]
        m.d.comb += [
            accumulator.add_first.eq(adding.first),
            accumulator.add_bank.eq(adding.bank),
            accumulator.drained_bank.eq(drained_bank),
        ]
        for port, tag in ((accumulator.read, read), (accumulator.write, write), (accumulator.drain, drain)):
            m.d.comb += [port.valid.eq(tag.valid), port.bank.eq(tag.bank), port.row.eq(tag.row)]

    def _checksum(self, m: Module, tags: TagPipe, drain: TagPipe) -> None:
        """The column behind the last one, and the test of each row that is drained. A row's checksum is read so late
        that it meets the sum of its first slot."""
        rows, columns = self.config.rows, self.config.columns
        m.submodules.weight_sum = weight_sum = WeightSum(columns=columns)
        m.submodules.checksum = column = ChecksumColumn(rows=rows, technology=self.technology)
        m.submodules.checksum_accumulator = accumulator = ChecksumAccumulator(rows=self.config.accumulator_rows)
        m.submodules.test = test = ChecksumTest(lanes=self.config.lanes)
        m.submodules.checksum_show = show = TagPipe(tag=show_tag(), depth=1)
        read, drained = drain.taps[self.drain_latency - 1], self.drained_tag
        select = Signal(select_tag(self.config))
        self._steer(m, accumulator, columns, tags=tags, drain=select, drained_bank=show.taps[1].bank)
        m.d.comb += [
            weight_sum.weights.eq(m.submodules.column_skew.o),
            column.activations.eq(self.array.activations_out), column.weight.eq(weight_sum.weight),
            column.swap.eq(self.array.swap_out), column.load.eq(self.array.load_out),
            accumulator.partial_sum.eq(column.sum),
            select.valid.eq(read.valid & (read.group == 0)), select.bank.eq(read.bank), select.row.eq(read.row),
            show.i.bank.eq(drained.bank),
            test.values.eq(self.drained), test.checksum.eq(accumulator.drained),
            test.begins.eq(drained.valid & (drained.group == 0)), test.ends.eq(drained.valid & drained.row_ends),
            self.wrong.row.eq(test.wrong),
        ]  # fmt: skip

    def _parities(self, m: Module, tags: TagPipe) -> None:
        """Weight rows as they enter the columns, activation vectors as they leave the last one: a bit for each, which
        waits for the bytes where they are used last."""
        rows, columns = self.config.rows, self.config.columns
        arriving, entering = tags.taps[Scratchpad.latency], Scratchpad.latency + 1
        m.submodules.weight_row = weight_row = ParityPipe(depth=columns)
        m.submodules.vector = vector = ParityPipe(depth=columns + rows)
        weight_parity = Signal(reset_less=True)
        vector_parity = Signal(reset_less=True)
        m.d.sync += [
            weight_parity.eq(self.weight_parity.xor()),
            # an even number of zero points
            vector_parity.eq(self.activation_parity.xor() & ~arriving.padding),
        ]
        weights, activations = m.submodules.column_skew.o, self.array.activations_out
        m.d.comb += [
            weight_row.i.eq(weight_parity), vector.i.eq(vector_parity),
            weight_row.fold.eq(Cat(weights[column].xor() for column in range(columns))),
            vector.fold[columns:].eq(Cat(activations[row].xor() for row in range(rows))),
        ]  # fmt: skip
        wrong = Signal(data.StructLayout({"weight": 1, "activation": 1}), reset_less=True)
        m.d.sync += [
            wrong.weight.eq(weight_row.o & self.array.load_out.any()),
            wrong.activation.eq(vector.o & tags.taps[entering + columns + rows].valid),
        ]
        m.d.comb += [self.wrong.weight.eq(wrong.weight), self.wrong.activation.eq(wrong.activation)]

    def _enables(self, m: Module, tags: TagPipe) -> None:
        """Loads and swaps: as many leave the last column as have entered the first one."""
        rows, columns, array = self.config.rows, self.config.columns, self.array
        m.submodules.enables = enables = ParityPipe(depth=columns + rows)
        wrong = Signal(reset_less=True)
        m.d.sync += wrong.eq(enables.o)
        m.d.comb += [
            enables.i.eq(array.load.xor()),
            enables.fold.eq(array.swap ^ (array.load_out.xor() << columns) ^ (array.swap_out << columns)),
            self.wrong.identity.eq(wrong),
        ]

    def _tags(self, m: Module, tags: TagPipe, drain: TagPipe, pipes: list[tuple[TagPipe, TagPipe]]) -> None:
        """Parity of what reaches the end of the issue tag's pipe and of what is used before; and the selects of all
        groups, of which one is valid in a drain slot, and none in an idle one."""
        m.submodules.tag_parity = parity = ParityPipe(depth=self.latency)
        entering, entered = Scratchpad.latency + 1, Scratchpad.latency + self.config.rows
        last = tags.taps[self.latency]
        left = Cat(last.valid, last.first, last.last, last.end, last.bank, last.row)
        folds = {
            0: self.tag.tile,
            Scratchpad.latency: tags.taps[Scratchpad.latency].padding,
            entering: tags.taps[entering].load ^ tags.taps[entering].load_row.xor(),
            entered: tags.taps[entered].swap,
        }
        selects = [(drain.taps[1], [select.taps[1] for select, _ in pipes])]
        selects.append((drain.taps[1 + Accumulator.latency], [show.taps[Accumulator.latency] for _, show in pipes]))
        odd = [parity.o ^ left.xor()]
        for tag, copies in selects:
            rest = Cat(getattr(tag, field) for field, _ in copies[0].shape() if field != "valid")
            odd.append(Cat(*copies, tag.valid, *[rest] * (len(copies) % 2)).xor())
        wrong = Signal(reset_less=True)
        m.d.sync += wrong.eq(Cat(odd).any())
        m.d.comb += [parity.i.eq(self.tag.parity), self.wrong.tag.eq(wrong)]
        m.d.comb += [parity.fold[place].eq(bit) for place, bit in folds.items()]
