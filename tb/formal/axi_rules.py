"""The rules of AXI4-Lite at the host port (Arm IHI 0022, A3 and B1)."""

from __future__ import annotations

from amaranth.asserts import AnySeq, Initial
from amaranth.hdl import Assert, Assume, Cat, Const, Fragment, Module, Mux, Signal, Value
from amaranth.lib import wiring

from vanallen.rtl.bus.axi_lite import OKAY, SLVERR
from vanallen.rtl.bus.host_bridge import HostBridge
from vanallen.rtl.bus.host_decode import WINDOW_BITS
from vanallen.rtl.config import Config
from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.rtl.registers import Window

from .bridge import BridgeSpecification
from .specification import Specification, always, drive_freely, history, registers

__all__ = ["ASK_WAIT", "READ_WAIT", "WRITE_WAIT", "AxiRules", "ReadyIndependence"]

HELD = 2
"""Cycles that a write waits for reads of its row."""

PAUSED = 2
"""Consecutive cycles in which no read is accepted, so that a write goes first."""

WRITE_WAIT = 2 + HELD
"""Cycles without a response while a write is owed one."""

READ_WAIT = Scratchpad.host_latency + 1
"""Cycles without a response while a read is owed one."""

ASK_WAIT = 1
"""Cycles in which a host that takes its responses can't ask for a read, beside those that let a write go first."""


class AxiRules(BridgeSpecification):
    """At any time, whatever the host does: a response stays until it is taken (A3.2.1), is given only for what was
    asked and not more often (A3.3.1), is OKAY or SLVERR (B1.1.1), there is none after reset (A3.1.2), and one comes
    within
    :data:`WRITE_WAIT`, :data:`READ_WAIT` cycles while one is owed."""

    def specify(self, m: Module) -> None:
        super().specify(m)
        self._stable(m)
        self._owed(m)
        self._bounded(m)

    def _stable(self, m: Module) -> None:
        port = self.bridge.port
        fresh = Signal(init=1)
        m.d.sync += fresh.eq(0)
        always(m, "A3.1.2: no response in the first cycle after reset", ~fresh | ~(port.bvalid | port.rvalid))
        channels = (
            ("B", port.bvalid, port.bready, port.bresp),
            ("R", port.rvalid, port.rready, Cat(port.rdata, port.rresp)),
        )
        for channel, valid, ready, payload in channels:
            waits = history(m, valid & ~ready, f"{channel}_waits")
            before = history(m, payload, f"{channel}_before")
            always(m, f"A3.2.1: {channel}VALID stays until {channel}READY", ~waits | valid)
            always(m, f"A3.2.1: the payload of {channel} is stable", ~waits | (payload == before))

    def _owed(self, m: Module) -> None:
        port = self.bridge.port
        owed = (self.addresses != self.answered) & (self.words != self.answered)
        always(m, "A3.3.1: a write response follows its address and its data", ~port.bvalid | owed)
        always(m, "A3.3.1: a read response follows its address", ~port.rvalid | (self.asked != self.taken))
        always(m, "B1.1.1: a response is OKAY or SLVERR",
               Cat((resp == OKAY) | (resp == SLVERR) for resp in (port.bresp, port.rresp)).all())  # fmt: skip

    def _bounded(self, m: Module) -> None:
        port, read = self.bridge.port, self.read
        answered = port.bvalid | self.write.executed
        owed = (self.addresses != self.answered) & (self.words != self.answered)
        write_waits = self._wait(m, "write", owed & ~port.bvalid, Value.cast(1), WRITE_WAIT)
        always(m, "a write owed a response gets one in time", write_waits <= WRITE_WAIT)
        always(m, "invariant: what waits was held, or is answered", (write_waits == 0) | read.paused | answered)
        always(m, "invariant: held twice", (write_waits < HELD) | ~read.request | answered)
        always(m, "invariant: not held again", (write_waits <= HELD) | answered)
        always(m, "invariant: what executed is answered", (write_waits <= HELD + 1) | port.bvalid)
        address, asked = self.bridge.addresses, self.reads.address
        window = address.first[-WINDOW_BITS:]
        same = (asked[-WINDOW_BITS:] == window) & (window != Window.REGISTERS)
        struck: Value = Const(0)
        if self.config.protected:
            odd = asked.xor() ^ self.reads.address_parity
            struck = ~address.sound | odd
            always(m, "invariant: a read's address is sound until a flip", self.spent | ~read.request | ~odd)
            for place, entry in enumerate((self.addresses_held.entry_0, self.addresses_held.entry_1)):
                always(m, f"invariant: address {place} is sound until a flip",
                       self.spent | (self.write.addresses <= place) | ~entry.xor())  # fmt: skip
        always(m, "a write waits only for a read", ~read.holds | read.request)
        always(m, "a write waits only for a read of the same RAM",
               (read.holds == (read.request & same)) | struck | (self.write.addresses == 0))  # fmt: skip
        for name in ("command", "parameter", "weight", "activation"):
            read_row, written_row = (self.asks(f"{name}_{way}", "address") for way in ("read", "write"))
            reads, writes = (self.asks(f"{name}_{way}", "enable").any() for way in ("read", "write"))
            meets = reads & writes & (read_row == written_row)
            always(m, f"{name} RAM is never asked to read and write one row", ~meets | struck)
        read_waits = self._wait(m, "read", (self.asked != self.taken) & ~port.rvalid, Value.cast(1), READ_WAIT)
        always(m, "a read owed a response gets one in time", read_waits <= READ_WAIT)
        full = self._wait(m, "full", ~port.arready & (~port.rvalid | port.rready), ~read.paused, ASK_WAIT)
        always(m, "a host that takes its responses can ask again in time", full <= ASK_WAIT)
        paused = self._wait(m, "paused", read.paused, Value.cast(1), PAUSED)
        always(m, "reads are held off for two cycles at most", paused <= PAUSED)
        always(m, "invariant: what was held off asks for nothing", (paused == 0) | ~read.request)
        nothing_stored, flight = self.stored == 0, read.flight
        for stage in range(len(flight)):
            oldest = nothing_stored & flight[stage] & ~flight[stage + 1 :].any()
            always(m, f"invariant: the wait for flight {stage}", ~oldest | (read_waits <= stage + 1))
        only = nothing_stored & ~flight.any()
        always(m, "invariant: the wait for a request", ~only | (read_waits == 0))

    def _wait(self, m: Module, name: str, waiting: Value, counts: Value, most: int) -> Signal:
        """Consecutive cycles of ``waiting``, of which only those count that ``counts``."""
        cycles = Signal(range(most + 3), name=f"{name}_waits")
        m.d.sync += cycles.eq(Mux(waiting, Mux(cycles > most, cycles, cycles + counts), 0))
        return cycles


HANDSHAKES = ("awready", "wready", "bvalid", "arready", "rvalid", "enable", "register_write", "address")
"""Last names of the bridge's outputs that shake hands with the host, or ask something of memories and registers."""


class ReadyIndependence(Specification):
    """Two bridges that have seen the same; when their hosts first differ, no handshake does.

    So ready and valid, and what the bridge asks of memories and registers, depend on state alone: there is no
    combinational path from the host's valid to a ready.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config

    def specify(self, m: Module) -> None:
        bridges = [HostBridge(config=self.config) for _ in range(2)]
        fragments = [Fragment.get(bridge, None) for bridge in bridges]
        m.submodules.first, m.submodules.second = fragments
        first = bridges[0]
        drive_freely(m, first)
        differ = Signal()
        different = Signal(reset_less=True)
        m.d.comb += [differ.eq(AnySeq(1)), Assume(~Initial() | ~different)]
        m.d.sync += different.eq(different | differ)
        outputs = []
        pairs = zip(*(bridge.signature.flatten(bridge) for bridge in bridges), strict=True)
        for (path, member, one), (_, _, other) in pairs:
            mine, others = Value.cast(one), Value.cast(other)
            if member.flow is wiring.In:
                free = AnySeq(len(mine))
                m.d.comb += [
                    mine.eq(free),
                    others.eq(Mux(differ, AnySeq(len(mine)), free) if path[0] == "port" else free),
                ]
            elif path[-1] in HANDSHAKES:
                outputs.append((".".join(map(str, path)), mine == others))
        for name, same in outputs:
            always(m, f"{name} depends on state alone", different | same)
        held: list[tuple[str, ...]] = [("addresses",), ("words",), ("reads",)]
        for channel in ("write_channel", "read_channel"):
            copies = range(self.config.copies)
            held += [(channel, f"copy_{copy}") for copy in copies] if self.config.protected else [(channel,)]
        for path in held:
            both = zip(*(vars(registers(fragment, *path)).items() for fragment in fragments), strict=True)
            for (name, one), (_, other) in both:
                m.d.comb += Assume(~Initial() | (one == other))
                m.d.comb += Assert(different | (one == other), f"invariant: {'.'.join(path)}.{name}")
