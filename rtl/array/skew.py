"""Triangular delays at the edges of the systolic array."""

from amaranth.hdl import Module, Shape, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Skew"]


class Skew(wiring.Component):
    """Delays element ``k`` of a vector by ``k`` cycles. One vector a cycle.

    Parameters
    ----------
    element : Shape
        Shape of an element.
    count : int
        Elements.
    """

    def __init__(self, *, element: Shape, count: int):
        self.element = element
        self.count = count
        vector = data.ArrayLayout(element, count)
        super().__init__({"i": In(vector), "o": Out(vector)})

    def elaborate(self, platform) -> Module:
        m = Module()
        for index in range(self.count):
            element = self.i[index]
            for delay in range(index):
                delayed = Signal(self.element, name=f"element_{index}_{delay + 1}", reset_less=True)
                m.d.sync += delayed.eq(element)
                element = delayed
            m.d.comb += self.o[index].eq(element)
        return m
