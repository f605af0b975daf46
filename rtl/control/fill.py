"""The fill pass: after a reset, every row of every memory becomes a valid word."""

from types import SimpleNamespace

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import Out

from .machine import Machine

__all__ = ["FillMachine"]


class FillMachine(Machine):
    """Counts through ``rows`` addresses after reset, ``filling`` meanwhile; ``rows`` cycles, at least those of the
    deepest memory."""

    def __init__(self, *, rows: int):
        self.rows = rows
        bits = (rows - 1).bit_length()
        self.state = StructLayout({"filling": 1, "address": bits})
        self.reset = {"filling": 1}
        self.ports = {"filling": Out(1), "address": Out(bits)}

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        m.d.comb += [port.filling.eq(now.filling), port.address.eq(now.address)]
        with m.If(now.filling):
            m.d.comb += then.address.eq(now.address + 1)
            with m.If(now.address == self.rows - 1):
                m.d.comb += then.filling.eq(0)
