"""The checksum column's weights, and the test that its sums are those of all columns."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.control.tag import TagPipe

__all__ = ["ChecksumTest", "WeightSum", "tree_sum"]


def tree_sum(values: list[Value]) -> Value:
    """The sum of ``values``, as a tree of adders."""
    while len(values) > 1:
        pairs = [values[place : place + 2] for place in range(0, len(values), 2)]
        values = [pair[0] + pair[1] if len(pair) == 2 else pair[0] for pair in pairs]
    return values[0]


class WeightSum(wiring.Component):
    """The weight of the checksum column: the sum of a row's ``columns`` int8, as many cycles later.

    That is when the skew brings them to the column behind the last one. The sum is made of the weights before the skew,
    so that what hits a weight on its way to its column is no part of it.

    Latency: ``columns`` cycles. One row a cycle.
    """

    def __init__(self, *, columns: int, bits: int):
        self.columns, self.bits = columns, bits
        super().__init__({"weights": In(data.ArrayLayout(signed(8), columns)), "weight": Out(signed(bits))})

    def elaborate(self, platform) -> Module:
        m = Module()
        value: Value = tree_sum([self.weights[column] for column in range(self.columns)])
        for delay in range(1, self.columns + 1):
            delayed = Signal(signed(self.bits), name=f"sum_{delay}", reset_less=True)
            m.d.sync += delayed.eq(value)
            value = delayed
        m.d.comb += self.weight.eq(value)
        return m


class ChecksumTest(wiring.Component):
    """Whether the values of a row that enter the requantizer add up to the checksum column's value, modulo 2^32.

    ``values`` are ``lanes`` columns of the row a cycle, all of a row one after the other. ``begins`` comes with the
    first of them, the row's ``checksum`` one cycle later, ``ends`` with the last. Three cycles after that ``wrong`` is
    high if the sums differ.

    Both sums are linear in every bit of an accumulator, so any single one that is wrong shows (K.-H. Huang and J. A.
    Abraham, "Algorithm-Based Fault Tolerance for Matrix Operations", IEEE Transactions on Computers C-33(6), 1984).
    Columns that aren't drained must have added up to zero.
    """

    def __init__(self, *, lanes: int):
        self.lanes = lanes
        super().__init__({
            "values": In(data.ArrayLayout(signed(32), lanes)), "begins": In(1), "ends": In(1),
            "checksum": In(signed(32)), "wrong": Out(1),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        marks = data.StructLayout({"begins": 1, "ends": 1})
        m.submodules.marks = pipe = TagPipe(tag=marks, depth=2)
        m.d.comb += [pipe.i.begins.eq(self.begins), pipe.i.ends.eq(self.ends)]
        together = Signal(32, reset_less=True)
        rest = Signal(32, reset_less=True)
        wrong = Signal(reset_less=True)
        m.d.sync += [
            together.eq(tree_sum([self.values[lane] for lane in range(self.lanes)])),
            rest.eq(Mux(pipe.taps[1].begins, self.checksum, rest) - together),
            wrong.eq(pipe.taps[2].ends & rest.any()),
        ]
        m.d.comb += self.wrong.eq(wrong)
        return m
