"""The accumulators of one column of the array: two banks."""

from amaranth.hdl import Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing

__all__ = ["Accumulator", "RowSelect"]


class RowSelect(wiring.Signature):
    """An accumulator: ``valid``, ``bank`` and ``row``."""

    def __init__(self, rows: int):
        super().__init__({"valid": Out(1), "bank": Out(1), "row": Out((rows - 1).bit_length())})


class Accumulator(wiring.Component):
    """Two banks of ``rows`` 32-bit accumulators; one accumulates while the other drains.

    ::

        cycle 0        1         2                 3
        read --> RAM --> q --> [reg] --> (+) --> [sum] --> RAM, write
                                   first: 0 -^
                                   `--> drained            (drain: the same two cycles)

    ``read``, ``add`` and ``write`` are one tag 0, 2 and 3 cycles after it reaches the column; ``partial_sum`` comes
    with ``add``. A row may come again 4 cycles after itself. ``drained`` follows ``drain`` by ``latency`` = 2 cycles; a
    bank is never drained while it accumulates. The sum wraps modulo 2^32.

    Parameters
    ----------
    rows : int
        Rows a bank.
    sum_bits : int
        Width of the signed partial sum.
    """

    latency = timing.ACCUMULATOR
    stored = signed(32)
    """Shape of an accumulator."""
    total = signed(32)
    """Shape of a sum before it is stored."""

    def __init__(self, *, rows: int, sum_bits: int):
        self.rows = rows
        self.sum_bits = sum_bits
        select = RowSelect(rows)
        super().__init__({
            "read": In(select),
            "add_first": In(1),
            "add_bank": In(1),
            "partial_sum": In(Shape(sum_bits, signed=self.stored.signed)),
            "write": In(select),
            "drain": In(select),
            "drained_bank": In(1),
            "drained": Out(self.stored),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        total = Signal(self.total, reset_less=True)
        registered = []
        for bank in range(2):
            m.submodules[f"bank_{bank}"] = ram = Memory(shape=self.stored, depth=self.rows, init=[])
            read, write = ram.read_port(), ram.write_port()
            accumulates = self.read.valid & (self.read.bank == bank)
            q = Signal(self.stored, name=f"q_{bank}", reset_less=True)
            m.d.comb += [
                read.en.eq(accumulates | (self.drain.valid & (self.drain.bank == bank))),
                read.addr.eq(Mux(accumulates, self.read.row, self.drain.row)),
                write.en.eq(self.write.valid & (self.write.bank == bank)),
                write.addr.eq(self.write.row),
                write.data.eq(self._store(total)),
            ]
            m.d.sync += q.eq(read.data)
            registered.append(q)
        before = Mux(self.add_bank, registered[1], registered[0])
        m.d.sync += total.eq(self._add(Mux(self.add_first, 0, before)))
        m.d.comb += self.drained.eq(Mux(self.drained_bank, registered[1], registered[0]))
        return m

    def _add(self, before: Value) -> Value:
        """The sum of ``before`` and the partial sum."""
        total: Value = before + self.partial_sum
        return total

    def _store(self, total: Value) -> Value:
        """A sum as it is stored."""
        return total
