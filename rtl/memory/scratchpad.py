"""The wrapper round every RAM of the chip but the accumulators."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing

__all__ = ["ReadRequest", "Scratchpad", "WriteRequest"]


class ReadRequest(wiring.Signature):
    """``enable`` a read of row ``address``; the data come ``Scratchpad.latency`` cycles later."""

    def __init__(self, rows: int):
        super().__init__({"enable": Out(1), "address": Out((rows - 1).bit_length())})


class WriteRequest(wiring.Signature):
    """Write the banks of ``data`` that ``enable`` names to row ``address``."""

    def __init__(self, rows: int, banks: int, bank_bits: int):
        super().__init__({
            "enable": Out(banks),
            "address": Out((rows - 1).bit_length()),
            "data": Out(banks * bank_bits),
        })  # fmt: skip


class Scratchpad(wiring.Component):
    """A RAM with one read and one write port, shared between the data path, the host and the fill pass.

    ::

        read, host_read --> [address compare] --> RAM --> register --> register --> data
        fill, host_write, write ----------------> RAM

    Latency: ``data`` three cycles after the request (the RAM's own cycle and two for error decoding), one request a
    cycle. A read of the address that is written in the same cycle is dropped and ``collision`` is high in that cycle:
    the RAM's ports never meet, so the technology's collision behaviour doesn't matter. The host repeats the read; the
    data path, in which regions are disjoint, counts it as an error. In a slot the sequencer steals, no read is
    requested.

    Parameters
    ----------
    rows, banks, bank_bits : int
        Rows of the RAM; a row is ``banks`` codewords of ``bank_bits`` data bits.

    Members
    -------
    read, host_read : In(ReadRequest)
        ``read`` goes first.
    write, host_write : In(WriteRequest)
        ``host_write`` goes first; the caller never uses both in one cycle.
    fill : In(1), fill_address
        Writes zero, before everything else.
    data : Out
        The row read.
    collision : Out(1)
        A read was dropped.
    """

    latency = timing.MEMORY

    def __init__(self, *, rows: int, banks: int, bank_bits: int):
        self.rows = rows
        self.banks = banks
        self.bank_bits = bank_bits
        super().__init__({
            "read": In(ReadRequest(rows)),
            "host_read": In(ReadRequest(rows)),
            "write": In(WriteRequest(rows, banks, bank_bits)),
            "host_write": In(WriteRequest(rows, banks, bank_bits)),
            "fill": In(1),
            "fill_address": In((rows - 1).bit_length()),
            "data": Out(banks * bank_bits),
            "collision": Out(1),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.ram = ram = Memory(shape=self.banks * self.bank_bits, depth=self.rows, init=[])
        write, read = ram.write_port(granularity=self.bank_bits), ram.read_port()

        with m.If(self.fill):
            m.d.comb += [write.en.eq(~0), write.addr.eq(self.fill_address), write.data.eq(0)]
        with m.Elif(self.host_write.enable.any()):
            m.d.comb += [
                write.en.eq(self.host_write.enable),
                write.addr.eq(self.host_write.address),
                write.data.eq(self.host_write.data),
            ]
        with m.Else():
            m.d.comb += [
                write.en.eq(self.write.enable),
                write.addr.eq(self.write.address),
                write.data.eq(self.write.data),
            ]

        requested = self.read.enable | self.host_read.enable
        m.d.comb += [
            read.addr.eq(Mux(self.read.enable, self.read.address, self.host_read.address)),
            self.collision.eq(requested & write.en.any() & (read.addr == write.addr)),
            read.en.eq(requested & ~self.collision),
        ]

        decoded = Signal.like(self.data, reset_less=True)
        corrected = Signal.like(self.data, reset_less=True)
        m.d.sync += [decoded.eq(read.data), corrected.eq(decoded)]
        m.d.comb += self.data.eq(corrected)
        return m
