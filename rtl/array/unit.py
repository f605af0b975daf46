"""The array with everything between the RAMs' outputs and the requantizer's inputs."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing
from vanallen.rtl.config import Config
from vanallen.rtl.control.tag import TagPipe, drain_tag, issue_tag, select_tag, show_tag, sound
from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.rtl.technology import Technology

from .accumulator import Accumulator
from .checksum import ChecksumTest, WeightSum
from .skew import Skew
from .systolic_array import SIDE_WEIGHT_BITS, SystolicArray
from .watch import RowWatch

__all__ = ["FAULTS", "ArrayUnit"]


FAULTS = data.StructLayout({"weight": 1, "activation": 1, "row": 1, "identity": 1, "tag": 1})
"""What the checks of the array find: a weight or an activation that disagrees with its parity, a row whose columns
disagree with the checksum column, activations that met another tile's or row's weights, a tag with odd parity."""


INJECTIONS = data.StructLayout({"activation": 1, "weight": 1, "load": 1, "psum": 1})
"""What can be hit on purpose: a bit of the next activation that enters, of the next weight; the next load of row 0 is
lost; a bit of the next sum that is drained."""


class ArrayUnit(wiring.Component):
    """Systolic array, skews, accumulators and the tag pipes that steer them.

    ::

        cycle 0: tag; 4: words from RAM; 5: row 0 of the array; add(c) = R + 7 + c: column c is added

        activations --[padding]--[reg]--> skew --> systolic array --> accumulators --> drained
        weights --------------- [reg]--> skew ------^      ^              ^   ^
        tag --> tag pipe ----------- load, swap -----------'--------------'   |
        drain_tag --> tag pipe -----------------------------------------------'

    With protection the row's checksum column is drained beside the others, and tested; ``activation_parity`` and
    ``weight_parity`` come with the bytes and are tested behind the last element and before the first one. What a check
    finds is high in ``wrong`` (:data:`FAULTS`) for a cycle, ten cycles at most after a value that is wrong is drained.
    Tags are tested at the end of their pipes. Columns that a layer doesn't use must have weights of zero, for their sums
    are part of the row's and aren't drained.

    ``inject`` hits something (:data:`INJECTIONS`); ``injected`` says in which cycle.

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
            members |= {"activation_parity": In(config.rows), "weight_parity": In(config.columns), "wrong": Out(FAULTS),
                        "inject": In(INJECTIONS), "injected": Out(1)}  # fmt: skip
        super().__init__(members)

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
        hits = self._hits(m, tags, drain)
        vector, weights = self._edges(m, tags, hits)
        pipes = self._drain_pipes(m, drain)
        drained = self._accumulators(m, tags, pipes)
        lanes = self.config.lanes
        chosen = Signal(32 * lanes, reset_less=True)
        groups = [Cat(drained[first : first + lanes]) for first in range(0, self.config.columns, lanes)]
        m.d.sync += chosen.eq(reduce(or_, groups) ^ hits["psum"])
        m.d.comb += self.drained.as_value().eq(chosen)
        if self.config.protected:
            self._watch(m, tags, vector, weights)
            self._test(m, tags, pipes, drained[-1])
        return m

    def _hits(self, m: Module, tags: TagPipe, drain: TagPipe) -> dict[str, Value]:
        """Whether each of :data:`INJECTIONS` happens in this cycle."""
        if not self.config.protected:
            return {name: Const(0) for name, _ in INJECTIONS}
        entering = tags.taps[Scratchpad.latency + 1]
        there = {
            "activation": tags.taps[Scratchpad.latency].valid, "weight": tags.taps[Scratchpad.latency].load,
            "load": entering.load & (entering.load_row == 0), "psum": drain.taps[self.drain_latency - 1].valid,
        }  # fmt: skip
        hits = {name: there[name] & self.inject[name] for name, _ in INJECTIONS}
        m.d.comb += self.injected.eq(Cat(hits.values()).any())
        return hits

    def _edges(self, m: Module, tags: TagPipe, hits: dict[str, Value]) -> tuple[Signal, Signal]:
        """The left and upper edge of the array; the activations and weights that enter."""
        rows, columns = self.config.rows, self.config.columns
        m.submodules.row_skew = row_skew = Skew(element=signed(8), count=rows)
        m.submodules.column_skew = column_skew = Skew(element=signed(8), count=columns)
        vector = Signal(data.ArrayLayout(signed(8), rows), reset_less=True)
        weights = Signal(data.ArrayLayout(signed(8), columns), reset_less=True)
        arriving, entering = tags.taps[Scratchpad.latency], Scratchpad.latency + 1
        for row in range(rows):
            value = Mux(arriving.padding, self.zero_point, self.activations[row])
            m.d.sync += vector[row].eq(value ^ (hits["activation"] if row == 0 else 0))
            m.d.comb += [
                self.array.activations[row].eq(row_skew.o[row]),
                self.array.swap[row].eq(tags.taps[entering + row].swap),
                self.array.load[row].eq(
                    tags.taps[entering].load
                    & (tags.taps[entering].load_row == row)
                    & ~(hits["load"] if row == 0 else Const(0))
                ),
            ]
        m.d.sync += weights.eq(self.weights.as_value() ^ hits["weight"])
        m.d.comb += [row_skew.i.eq(vector), column_skew.i.eq(weights)]
        m.d.comb += [self.array.weights[str(column)].eq(column_skew.o[column]) for column in range(columns)]
        return vector, weights

    def _drain_pipes(self, m: Module, drain: TagPipe) -> list[tuple[TagPipe, TagPipe]]:
        """The select of each group of ``lanes`` columns, in its slots, and whether and from which bank its values are
        shown. The accumulators of other groups may lie far away: each group has registers of its own. The last is that
        of the checksum column: its value is wanted two cycles later, in a row's first slot.
        """
        # the select's register, the accumulator's latency and the register of the group that is chosen
        place = self.drain_latency - (1 + Accumulator.latency + 1)
        chosen = [(str(group), drain.taps[place], group) for group in range(self.config.columns // self.config.lanes)]
        if self.config.protected:
            chosen.append(("checksum", drain.taps[place + 2], 0))
        pipes = []
        for name, tag, group in chosen:
            m.submodules[f"drain_select_{name}"] = select = TagPipe(tag=select_tag(self.config), depth=1)
            m.submodules[f"drain_show_{name}"] = show = TagPipe(tag=show_tag(self.config), depth=Accumulator.latency)
            selects = select.taps[1]
            m.d.comb += [
                select.i.valid.eq(tag.valid & (tag.group == group)), select.i.bank.eq(tag.bank),
                select.i.row.eq(tag.row), show.i.valid.eq(selects.valid), show.i.bank.eq(selects.bank),
            ]  # fmt: skip
            if self.config.protected:
                m.d.comb += [
                    select.i.parity.eq(Cat(select.i.valid, tag.bank, tag.row).xor()),
                    show.i.parity.eq(selects.valid ^ selects.bank),
                ]
            pipes.append((select, show))
        return pipes

    def _accumulators(self, m: Module, tags: TagPipe, pipes: list[tuple[TagPipe, TagPipe]]) -> list[Value]:
        """One accumulator a column, each a cycle behind its neighbour; the values drained, zero but for one group, and
        the checksum's."""
        drained: list[Value] = []
        for column in range(self.total_columns):
            add = self._add(column)
            read, adding, write = tags.taps[add - Accumulator.latency], tags.taps[add], tags.taps[add + 1]
            select, show = pipes[column // self.config.lanes]
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

    def _watch(self, m: Module, tags: TagPipe, vector: Signal, weights: Signal) -> None:
        """Parity of what enters, and every row of the array where it ends."""
        rows, columns = self.config.rows, self.config.columns
        arriving, entering = tags.taps[Scratchpad.latency], Scratchpad.latency + 1
        m.submodules.weight_sum = weight_sum = WeightSum(columns=columns, bits=SIDE_WEIGHT_BITS)
        weight_parity = Signal(columns, reset_less=True)
        weight_wrong = Signal(reset_less=True)
        odd = Cat(Cat(weights[column], weight_parity[column]).xor() for column in range(columns))
        m.d.sync += [weight_parity.eq(self.weight_parity), weight_wrong.eq(tags.taps[entering].load & odd.any())]
        m.d.comb += [
            weight_sum.weights.eq(weights), self.array.weights[str(columns)].eq(weight_sum.weight),
            self.wrong.weight.eq(weight_wrong),
        ]  # fmt: skip
        watches = []
        for row in range(rows):
            parity = Mux(arriving.padding, self.zero_point.as_unsigned().xor(), self.activation_parity[row])
            for delay in range(1 + row + self.total_columns):
                delayed = Signal(name=f"parity_{row}_{delay}", reset_less=True)
                m.d.sync += delayed.eq(parity)
                parity = delayed
            m.submodules[f"watch_{row}"] = watch = RowWatch(config=self.config, row=row)
            leaving = entering + self.total_columns
            m.d.comb += [
                watch.activation.eq(self.array.activations_out[row]), watch.parity.eq(parity),
                watch.load.eq(self.array.load_out[row]), watch.swap.eq(self.array.swap_out[row]),
                watch.load_tag.eq(tags.taps[leaving]), watch.tag.eq(tags.taps[leaving + row]),
                watch.tag_1.eq(tags.taps[leaving + row + 1]),
            ]  # fmt: skip
            watches.append(watch)
        m.d.comb += [
            self.wrong.activation.eq(Cat(watch.activation_wrong for watch in watches).any()),
            self.wrong.identity.eq(Cat(watch.identity_wrong for watch in watches).any()),
        ]

    def _test(self, m: Module, tags: TagPipe, pipes: list[tuple[TagPipe, TagPipe]], checksum: Value) -> None:
        """The sums of drained rows, and the ends of the tag pipes but for the one that goes on."""
        m.submodules.test = test = ChecksumTest(lanes=self.config.lanes)
        tag = self.drained_tag
        ends = [tags.taps[self.latency]]
        ends += [pipe.taps[pipe.depth] for pair in pipes for pipe in pair]
        tag_wrong = Signal(reset_less=True)
        m.d.sync += tag_wrong.eq(~Cat(sound(end) for end in ends).all())
        m.d.comb += [
            test.values.eq(self.drained), test.begins.eq(tag.valid & (tag.group == 0)),
            test.ends.eq(tag.valid & tag.row_ends), test.checksum.eq(checksum),
            self.wrong.row.eq(test.wrong), self.wrong.tag.eq(tag_wrong),
        ]  # fmt: skip
