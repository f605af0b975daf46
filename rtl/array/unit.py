"""The array with everything between the RAMs' outputs and the requantizer's inputs."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing
from vanallen.rtl.config import Config
from vanallen.rtl.control.tag import TagPipe, drain_tag, issue_tag, select_tag, show_tag
from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.rtl.technology import Technology

from .accumulator import Accumulator
from .skew import Skew
from .systolic_array import SystolicArray

__all__ = ["ArrayUnit"]


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
    """

    drain_latency = Scratchpad.latency

    def __init__(self, *, config: Config, technology: Technology = Technology.GENERIC):
        self.config = config
        self.issue_layout, self.drain_layout = issue_tag(config), drain_tag(config)
        self.total_columns = config.columns + config.side_columns
        self.array = SystolicArray(
            rows=config.rows, columns=config.columns, side_columns=config.side_columns, technology=technology
        )
        self.latency = timing.arrival(config) - timing.ISSUE
        super().__init__({
            "tag": In(self.issue_layout),
            "activations": In(data.ArrayLayout(signed(8), config.rows)),
            "weights": In(data.ArrayLayout(signed(8), config.columns)),
            "zero_point": In(signed(8)),
            "drain_tag": In(self.drain_layout),
            "arrived": Out(self.issue_layout),
            "drained": Out(data.ArrayLayout(signed(32), config.lanes)),
            "drained_tag": Out(self.drain_layout),
        })  # fmt: skip

    def _add(self, column: int) -> int:
        """Cycles from a slot's tag to the sum of ``column``."""
        return Scratchpad.latency + 1 + self.array.latency(column)

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.array = self.array
        m.submodules.tags = tags = TagPipe(tag=self.issue_layout, depth=self.latency)
        m.submodules.drain_tags = drain = TagPipe(tag=self.drain_layout, depth=self.drain_latency)
        m.d.comb += [
            tags.i.eq(self.tag),
            self.arrived.eq(tags.taps[self.latency]),
            drain.i.eq(self.drain_tag),
            self.drained_tag.eq(drain.taps[self.drain_latency]),
        ]
        self._edges(m, tags)
        drained = self._accumulators(m, tags, drain)
        lanes = self.config.lanes
        chosen = Signal(32 * lanes, reset_less=True)
        groups = [Cat(drained[first : first + lanes]) for first in range(0, self.config.columns, lanes)]
        m.d.sync += chosen.eq(reduce(or_, groups))
        m.d.comb += self.drained.as_value().eq(chosen)
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
        m.submodules[f"drain_show_{group}"] = show = TagPipe(tag=show_tag(self.config), depth=Accumulator.latency)
        m.d.comb += [
            select.i.valid.eq(tag.valid & (tag.group == group)), select.i.bank.eq(tag.bank), select.i.row.eq(tag.row),
            show.i.valid.eq(select.taps[1].valid), show.i.bank.eq(select.taps[1].bank),
        ]  # fmt: skip
        return select, show

    def _accumulators(self, m: Module, tags: TagPipe, drain: TagPipe) -> list[Value]:
        """One accumulator a column, each a cycle behind its neighbour; the values drained, zero but for one group."""
        drained: list[Value] = []
        pipes = [self._drain_pipes(m, drain, group) for group in range(self.config.columns // self.config.lanes)]
        for column in range(self.total_columns):
            add = self._add(column)
            read, adding, write = tags.taps[add - Accumulator.latency], tags.taps[add], tags.taps[add + 1]
            select, show = pipes[min(column // self.config.lanes, len(pipes) - 1)]
            accumulator = Accumulator(rows=self.config.accumulator_rows, sum_bits=self.array.sum_bits[column])
            m.submodules[f"accumulator_{column}"] = accumulator
            m.d.comb += [
                accumulator.partial_sum.eq(self.array.sums[str(column)]),
                accumulator.add_first.eq(adding.first),
                accumulator.add_bank.eq(adding.bank),
                accumulator.drained_bank.eq(show.taps[Accumulator.latency].bank),
            ]
            for port, tag in (
                (accumulator.read, read),
                (accumulator.write, write),
                (accumulator.drain, select.taps[1]),
            ):
                m.d.comb += [port.valid.eq(tag.valid), port.bank.eq(tag.bank), port.row.eq(tag.row)]
            drained.append(accumulator.drained.as_unsigned() & show.taps[Accumulator.latency].valid.replicate(32))
        return drained
