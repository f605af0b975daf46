"""The checksum column's weights."""

from amaranth.hdl import Const, Module, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .residue import BITS, CARRIED, add, biased, opposite, settle

__all__ = ["WeightSum"]


class WeightSum(wiring.Component):
    """The sum of a weight row modulo 255, made while the row passes the skew.

    ``weights[c]`` comes ``c`` cycles after ``weights[0]``, as it enters its column; ``weight``, ``columns`` cycles
    after that, as it enters the column behind the last. What changes a weight before this place changes both alike: its
    parity shows it.

    Latency: 1 cycle from the last weight. One row a cycle.
    """

    def __init__(self, *, columns: int):
        self.columns = columns
        super().__init__({"weights": In(data.ArrayLayout(signed(8), columns)), "weight": Out(BITS)})

    def elaborate(self, platform) -> Module:
        m = Module()
        total: Value = Const(opposite(128 * self.columns), CARRIED)
        for column in range(self.columns):
            following = Signal(CARRIED, name=f"sum_{column}", reset_less=True)
            m.d.sync += following.eq(add(total, biased(self.weights[column])))
            total = following
        m.d.comb += self.weight.eq(settle(total))
        return m
