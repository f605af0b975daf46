"""How long the fill pass lasts: after a reset, every row of every memory becomes a valid word."""

from types import SimpleNamespace

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import Out

from .machine import Machine

__all__ = ["FillMachine"]


class FillMachine(Machine):
    """``filling`` for ``rows`` cycles after reset, at least the rows of the deepest memory; each counts its own, a
    cycle later: ``zero``, a register, is high while one does, and the other machines are in their state after reset."""

    flow = frozenset({"zero"})

    def __init__(self, *, rows: int):
        self.rows = rows
        bits = (rows - 1).bit_length()
        self.state = StructLayout({"filling": 1, "row": bits, "zero": 1})
        self.reset = {"filling": 1, "zero": 1}
        self.ports = {"filling": Out(1), "zero": Out(1)}

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        m.d.comb += [port.filling.eq(now.filling), port.zero.eq(now.zero), then.zero.eq(now.filling)]
        with m.If(now.filling):
            m.d.comb += then.row.eq(now.row + 1)
            with m.If(now.row == self.rows - 1):
                m.d.comb += then.filling.eq(0)
