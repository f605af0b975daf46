"""The wrapper round every RAM of the chip but the accumulators."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing
from vanallen.rtl.control.machine import Control

from .access import AccessMachine, ReadRequest, WriteRequest

__all__ = ["Scratchpad"]


class Scratchpad(wiring.Component):
    """A RAM with one read and one write port, shared between the data path, the host and the fill pass.

    ::

        host_read ---------> register --.
        read ---------------------------+--> [address compare] --> register --> RAM --> register --> register --> data
        write --------------------------+------------------------> register --> RAM
        fill, host_write --> register --'

    Latency: ``data`` four cycles after ``read`` (a register at the RAM's pins, the RAM's own cycle and two for error
    decoding), five after ``host_read``; one request a cycle. ``write`` is in the RAM two cycles after its own, ``fill``
    and ``host_write`` three; a later request of the same side sees it. A read of the address that is written in the
    same cycle is dropped and ``collision`` is high in the next: the RAM's ports never meet, so the technology's
    collision behaviour doesn't matter. The host never reads and writes one row in one cycle; the data path, in which
    regions are disjoint, counts a collision as an error. In a slot the sequencer steals, no read is requested.

    Parameters
    ----------
    rows, banks, bank_bits : int
        Rows of the RAM; a row is ``banks`` codewords of ``bank_bits`` data bits.

    Members
    -------
    read, host_read : In(ReadRequest)
        ``read`` goes first.
    write, host_write : In(WriteRequest)
        ``host_write`` goes first; the caller never uses both.
    fill : In(1)
        Writes zero, before everything else: a row a cycle, every row in as many cycles as there are rows.
    data : Out
        The row read.
    collision : Out(1)
        A read was dropped a cycle ago.

    Raises
    ------
    ValueError
        If ``rows`` is no power of two: filling goes round.
    """

    latency = timing.MEMORY
    host_latency = timing.MEMORY + 1

    def __init__(self, *, rows: int, banks: int, bank_bits: int):
        if rows & (rows - 1):
            raise ValueError(f"rows must be a power of two, not {rows!r}")
        self.rows = rows
        self.banks = banks
        self.bank_bits = bank_bits
        super().__init__({
            "read": In(ReadRequest(rows)),
            "host_read": In(ReadRequest(rows)),
            "write": In(WriteRequest(rows, banks, bank_bits)),
            "host_write": In(WriteRequest(rows, banks, bank_bits)),
            "fill": In(1),
            "data": Out(banks * bank_bits),
            "collision": Out(1),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.ram = ram = Memory(shape=self.banks * self.bank_bits, depth=self.rows, init=[])
        m.submodules.access = access = Control(machine=AccessMachine(rows=self.rows, banks=self.banks))
        write, read = ram.write_port(granularity=self.bank_bits), ram.read_port()
        host, own = self.host_write, self.write
        served = Signal.like(write.data, reset_less=True)
        written = Signal.like(write.data, reset_less=True)
        m.d.sync += [served.eq(Mux(self.fill, 0, host.data)), written.eq(Mux(access.served, served, own.data))]
        m.d.comb += [
            access.read.eq(self.read.enable), access.read_row.eq(self.read.address),
            access.host_read.eq(self.host_read.enable), access.host_read_row.eq(self.host_read.address),
            access.fill.eq(self.fill),
            access.host_write.eq(host.enable), access.host_write_row.eq(host.address),
            access.write.eq(own.enable), access.write_row.eq(own.address),
            self.collision.eq(access.collision),
            read.en.eq(access.reads), read.addr.eq(access.read_address),
            write.en.eq(access.writes), write.addr.eq(access.write_address), write.data.eq(written),
        ]  # fmt: skip

        decoded = Signal.like(self.data, reset_less=True)
        corrected = Signal.like(self.data, reset_less=True)
        m.d.sync += [decoded.eq(read.data), corrected.eq(decoded)]
        m.d.comb += self.data.eq(corrected)
        return m
