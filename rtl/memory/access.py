"""Who reads and writes a RAM in a cycle: the registers at its address and enable pins."""

from types import SimpleNamespace

from amaranth.hdl import Module, Mux, Signal, Value
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
    """Write the banks that ``enable`` names of row ``address``; when the data come, the component says."""

    def __init__(self, rows: int, banks: int):
        super().__init__({"enable": Out(banks), "address": Out((rows - 1).bit_length())})


class AccessMachine(Machine):
    """Chooses among the requests to a RAM; its pins follow one cycle later. All but ``read`` pass a register first,
    ``fill`` two.

    Reads: ``read`` before the host's. Writes: ``fill``, a row after the other in each cycle, round and round; else
    ``host_write`` or ``write``, never both. A read of the row that is
    written in the same cycle is dropped, with ``collision`` high a cycle later, so that the RAM's ports never meet.
    ``served`` is high while ``fill`` or ``host_write`` is written; ``next_address`` is the row at
    the write pins in the next cycle.
    """

    flow = frozenset({
        "filling", "asked", "asked_row", "served", "due_banks", "due_row",
        "reads", "read_address", "writes", "write_address", "collided",
    })  # fmt: skip

    def __init__(self, *, rows: int, banks: int):
        address = (rows - 1).bit_length()
        self.state = StructLayout({
            "row": address, "filling": 1, "asked": 1, "asked_row": address,
            "served": 1, "due_banks": banks, "due_row": address,
            "reads": 1, "read_address": address, "writes": banks, "write_address": address, "collided": 1,
        })  # fmt: skip
        self.ports = {
            "read": In(1), "read_row": In(address), "host_read": In(1), "host_read_row": In(address),
            "fill": In(1), "host_write": In(banks), "host_write_row": In(address),
            "write": In(banks), "write_row": In(address), "collision": Out(1), "served": Out(1),
            "reads": Out(1), "read_address": Out(address), "writes": Out(banks), "write_address": Out(address),
            "next_address": Out(address),
        }  # fmt: skip

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        m.d.comb += then.row.eq(now.row + now.filling)
        self._choose(m, now, then, port)
        self._ports_never_meet(m, now, then, port, requested=port.read | now.asked)

    def _choose(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        m.d.comb += [
            then.asked.eq(port.host_read), then.asked_row.eq(port.host_read_row),
            then.filling.eq(port.fill),
            then.served.eq(now.filling | port.host_write.any()),
            then.due_banks.eq(Mux(now.filling, ~0, port.host_write | port.write)),
            then.due_row.eq(Mux(now.filling, now.row, Mux(port.write.any(), port.write_row, port.host_write_row))),
            then.writes.eq(now.due_banks), then.write_address.eq(now.due_row),
            then.read_address.eq(Mux(port.read, port.read_row, now.asked_row)),
            port.served.eq(now.served), port.next_address.eq(now.due_row),
        ]  # fmt: skip

    def _ports_never_meet(self, m: Module, now, then, port, *, requested: Value) -> Signal:
        """Drops a read of the row that is written. The reads that are dropped."""
        meets = Signal()
        m.d.comb += [
            meets.eq(then.writes.any() & (then.read_address == then.write_address)),
            then.reads.eq(requested & ~meets), then.collided.eq(requested & meets),
        ]  # fmt: skip
        self._pins(m, now, port)
        return meets

    def _pins(self, m: Module, now: SimpleNamespace, port: wiring.Component) -> None:
        """What the registers say."""
        m.d.comb += [
            port.collision.eq(now.collided), port.reads.eq(now.reads), port.read_address.eq(now.read_address),
            port.writes.eq(now.writes), port.write_address.eq(now.write_address),
        ]  # fmt: skip
