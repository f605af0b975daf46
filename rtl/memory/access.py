"""Who reads and writes a RAM in a cycle: the registers at its address and enable pins."""

from types import SimpleNamespace

from amaranth.hdl import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from vanallen.rtl.control.machine import Machine

__all__ = ["AccessMachine", "ReadRequest", "WriteRequest"]


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


class AccessMachine(Machine):
    """Chooses among the requests to a RAM; its pins follow one cycle later.

    Reads: ``read`` before ``host_read``. Writes: ``fill``, then ``host_write``, then ``write``. A read of the row that
    is written in the same cycle is dropped, with ``collision`` high in that cycle, so that the RAM's ports never meet.
    """

    def __init__(self, *, rows: int, banks: int):
        address = (rows - 1).bit_length()
        self.state = StructLayout({"reads": 1, "read_address": address, "writes": banks, "write_address": address})
        self.ports = {
            "read": In(1), "read_row": In(address), "host_read": In(1), "host_read_row": In(address),
            "fill": In(1), "fill_row": In(address), "host_write": In(banks), "host_write_row": In(address),
            "write": In(banks), "write_row": In(address), "collision": Out(1),
            "reads": Out(1), "read_address": Out(address), "writes": Out(banks), "write_address": Out(address),
        }  # fmt: skip

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        with m.If(port.fill):
            m.d.comb += [then.writes.eq(~0), then.write_address.eq(port.fill_row)]
        with m.Elif(port.host_write.any()):
            m.d.comb += [then.writes.eq(port.host_write), then.write_address.eq(port.host_write_row)]
        with m.Else():
            m.d.comb += [then.writes.eq(port.write), then.write_address.eq(port.write_row)]
        requested = port.read | port.host_read
        m.d.comb += [
            then.read_address.eq(Mux(port.read, port.read_row, port.host_read_row)),
            port.collision.eq(requested & then.writes.any() & (then.read_address == then.write_address)),
            then.reads.eq(requested & ~port.collision),
            port.reads.eq(now.reads), port.read_address.eq(now.read_address),
            port.writes.eq(now.writes), port.write_address.eq(now.write_address),
        ]  # fmt: skip
