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
from .parity_checks import ParityChecks
from .skew import Skew
from .systolic_array import SystolicArray
from .weight_sum import WeightSum

__all__ = ["FAULTS", "INJECTIONS", "ArrayUnit"]


FAULTS = data.StructLayout({"weight": 1, "activation": 1, "row": 1, "identity": 1, "tag": 1})
"""What the checks of the array find: a weight row or an activation vector that disagrees with its parity, a row whose
columns disagree with the checksum column, a load or swap enable that got lost or came from nowhere on its way through
the array, a tag that has changed."""

INJECTIONS = data.StructLayout({"activation": 1, "weight": 1, "load": 1, "psum": 1})
"""What can be hit on purpose: a bit of the next activation that enters, of the next weight; the next load of row 0 is
lost; a bit of the next sum that is drained."""


def _struck(value, hit: Value | None):
    """``value``, its lowest bit inverted in case of a ``hit``."""
    return value if hit is None else Value.cast(value) ^ hit


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

    With protection ``activation_parity`` and ``weight_parity``, a bit a byte, come with the bytes, and a checksum
    column stands behind the last one. What a check finds is high in ``wrong`` (:data:`FAULTS`) for a cycle: at most 4
    cycles after the last slot of a row that is wrong was drained. ``drained_tag`` still has its parity, to be tested
    where it is used last; that of ``arrived`` is used up. Columns that a layer doesn't use must have weights of zero,
    since their sums are part of the row's and aren't drained.

    ``inject`` hits something (:data:`INJECTIONS`); ``injected`` says in which cycle.
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
            members |= {"activation_parity": In(config.rows), "weight_parity": In(config.columns), "wrong": Out(FAULTS),
                        "inject": In(INJECTIONS), "injected": Out(1)}  # fmt: skip
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
        hits = self._hits(m, tags, drain) if config.protected else {}
        self._edges(m, tags, hits)
        pipes = [self._drain_pipes(m, drain, group) for group in range(config.columns // config.lanes)]
        drained = self._accumulators(m, tags, pipes)
        lanes = config.lanes
        chosen = Signal(32 * lanes, reset_less=True)
        groups = [Cat(drained[first : first + lanes]) for first in range(0, config.columns, lanes)]
        m.d.sync += chosen.eq(_struck(reduce(or_, groups), hits.get("psum")))
        m.d.comb += self.drained.as_value().eq(chosen)
        if config.protected:
            self._checksum(m, tags, drain)
            self._parities(m, tags, self._selects(m, drain, pipes))
        return m

    def _hits(self, m: Module, tags: TagPipe, drain: TagPipe) -> dict[str, Value]:
        """Whether each of :data:`INJECTIONS` happens in this cycle."""
        arriving, entering = tags.taps[Scratchpad.latency], tags.taps[Scratchpad.latency + 1]
        there = {
            "activation": arriving.valid, "weight": arriving.load, "load": entering.load & (entering.load_row == 0),
            "psum": drain.taps[self.drain_latency - 1].valid,
        }  # fmt: skip
        hits = {name: there[name] & self.inject[name] for name, _ in INJECTIONS}
        m.d.comb += self.injected.eq(Cat(hits.values()).any())
        return hits

    def _edges(self, m: Module, tags: TagPipe, hits: dict[str, Value]) -> None:
        """The left and upper edge of the array."""
        rows, columns = self.config.rows, self.config.columns
        m.submodules.row_skew = row_skew = Skew(element=signed(8), count=rows)
        m.submodules.column_skew = column_skew = Skew(element=signed(8), count=columns)
        vector = Signal(data.ArrayLayout(signed(8), rows), reset_less=True)
        weights = Signal(data.ArrayLayout(signed(8), columns), reset_less=True)
        arriving, entering = tags.taps[Scratchpad.latency], Scratchpad.latency + 1
        for row in range(rows):
            activation = Mux(arriving.padding, self.zero_point, self.activations[row])
            load = tags.taps[entering].load & (tags.taps[entering].load_row == row)
            hit = hits if row == 0 else {}
            m.d.sync += vector[row].eq(_struck(activation, hit.get("activation")))
            m.d.comb += [
                self.array.activations[row].eq(row_skew.o[row]),
                self.array.swap[row].eq(tags.taps[entering + row].swap),
                self.array.load[row].eq(_struck(load, hit.get("load"))),
            ]
        m.d.sync += weights.eq(_struck(self.weights, hits.get("weight")))
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
        m.submodules.checksum_column = column = ChecksumColumn(rows=rows, technology=self.technology)
        m.submodules.checksum_accumulator = accumulator = ChecksumAccumulator(rows=self.config.accumulator_rows)
        m.submodules.test = test = ChecksumTest(lanes=self.config.lanes)
        m.submodules.checksum_show = show = TagPipe(tag=show_tag(), depth=Accumulator.latency)
        drained = self.drained_tag
        select = Signal(select_tag(self.config))
        self._steer(m, accumulator, columns, tags=tags, drain=select, drained_bank=show.taps[show.depth].bank)
        m.d.comb += [
            weight_sum.weights.eq(m.submodules.column_skew.o),
            column.activations.eq(self.array.activations_out), column.weight.eq(weight_sum.weight),
            column.swap.eq(self.array.swap_out), column.load.eq(self.array.load_out),
            accumulator.partial_sum.eq(column.sum),
            select.valid.eq(drained.valid & (drained.group == 0)),
            select.bank.eq(drained.bank), select.row.eq(drained.row), show.i.bank.eq(drained.bank),
            test.values.eq(self.drained), test.checksum.eq(accumulator.drained),
            test.begins.eq(drained.valid & (drained.group == 0)), test.ends.eq(drained.valid & drained.row_ends),
            self.wrong.row.eq(test.wrong),
        ]  # fmt: skip

    def _parities(self, m: Module, tags: TagPipe, selects_wrong: Value) -> None:
        """What moves through the array, and the tags that steer it."""
        m.submodules.parities = checks = ParityChecks(config=self.config)
        m.d.comb += [
            checks.parity.eq(self.tag.parity), checks.taps.eq(tags.taps),
            checks.weight_parity.eq(self.weight_parity), checks.activation_parity.eq(self.activation_parity),
            checks.weights.eq(m.submodules.column_skew.o), checks.activations.eq(self.array.activations_out),
            checks.sent.eq(self.array.swap), checks.load.eq(self.array.load_out), checks.swap.eq(self.array.swap_out),
            self.wrong.weight.eq(checks.wrong.weight), self.wrong.activation.eq(checks.wrong.activation),
            self.wrong.identity.eq(checks.wrong.identity), self.wrong.tag.eq(checks.wrong.tag | selects_wrong),
        ]  # fmt: skip

    def _selects(self, m: Module, drain: TagPipe, pipes: list[tuple[TagPipe, TagPipe]]) -> Value:
        """Whether the selects of all groups differ: in a drain slot one of them is valid, in an idle one none."""
        odd = []
        for delay, copies in (
            (1, [select.taps[1] for select, _ in pipes]),
            (1 + Accumulator.latency, [show.taps[Accumulator.latency] for _, show in pipes]),
        ):
            tag = drain.taps[delay]
            alike = Cat(tag[field] for field, _ in copies[0].shape() if field != "valid")
            odd.append(Cat(*copies, tag.valid, *[alike] * (len(copies) % 2)).xor())
        wrong = Signal(name="selects_wrong", reset_less=True)
        m.d.sync += wrong.eq(Cat(odd).any())
        return wrong
