"""Which block is written whole: what the commit of a protected build rests on."""

from types import SimpleNamespace

from amaranth.hdl import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from vanallen.rtl.config import Config

from .machine import Machine
from .tag import End, drain_tag

__all__ = ["CommitMachine"]


class CommitMachine(Machine):
    """Counts the rows whose last slot leaves the requantizer in the order they should; a block is ``due`` two cycles
    after its last word was asked to be written, when every check of it has been heard, and ``complete`` with that if as
    many rows have come as the command says. ``block_rows`` (less one) is the drain machine's answer to ``due_next``,
    which is ``due`` a cycle before.
    """

    flow = frozenset({"row_1", "row_2", "end_1", "end_2", "complete"})

    def __init__(self, *, config: Config):
        self.config = config
        row = (config.accumulator_rows - 1).bit_length()
        self.state = StructLayout({
            "row_1": 1, "row_2": 1, "end_1": End, "end_2": End, "complete": 1, "rows": row + 1,
        })  # fmt: skip
        self.ports = {
            "prepare": In(1), "halt": In(1), "retired": In(drain_tag(config)),
            "due": Out(End), "due_next": Out(End), "block_rows": In(row), "complete": Out(1),
        }  # fmt: skip

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        retired = port.retired
        counted = now.rows + now.row_2
        row_ends, end = now.row_1, now.end_1
        m.d.comb += [
            then.row_1.eq(retired.valid & retired.row_ends), then.row_2.eq(row_ends),
            then.end_1.eq(Mux(retired.valid, retired.end, End.NONE)), then.end_2.eq(end),
            port.due.eq(now.end_2), port.due_next.eq(end),
            then.complete.eq((end != End.NONE) & row_ends & (counted == port.block_rows)),
            port.complete.eq(now.complete),
            then.rows.eq(Mux(port.prepare | port.halt | (now.end_2 != End.NONE), 0, counted)),
        ]  # fmt: skip
