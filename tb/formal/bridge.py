"""The host bridge under any host and any memories, with transactions counted: what its specifications share."""

from __future__ import annotations

from types import SimpleNamespace

from amaranth.hdl import Fragment, Module, Signal, Value

from vanallen.rtl.bus.axi_lite import ReadChannelMachine, WriteChannelMachine
from vanallen.rtl.bus.host_bridge import HostBridge
from vanallen.rtl.config import Config
from vanallen.rtl.memory.scratchpad import Scratchpad

from .specification import Specification, always, component, drive_freely, registers

__all__ = ["NUMBERS", "BridgeSpecification"]

NUMBERS = 16
"""Transactions are numbered modulo this; fewer are under way at a time, which is proven too."""


def number(name: str) -> Signal:
    """A transaction's number."""
    return Signal(range(NUMBERS), name=name)


def distance(later: Value, earlier: Value) -> Value:
    """``later - earlier`` as numbers."""
    return (later - earlier)[: len(later)]


class BridgeSpecification(Specification):
    """The real bridge: its port, ``idle`` and the memories' words are free in every cycle.

    Members after :meth:`specify`: ``bridge``; ``write``, ``read``, ``queue``, registers of its channels;
    ``queue_port``; ``held``, whether a write that is due waits for a read; counters of handshakes ``addresses``,
    ``words``, ``executed``, ``answered``, ``asked``, ``issued``, ``collected``, ``taken``.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config

    def specify(self, m: Module) -> None:
        self.bridge = HostBridge(config=self.config)
        fragment = Fragment.get(self.bridge, None)
        m.submodules.bridge = self._fragment = fragment
        drive_freely(m, self.bridge)
        self.write, self.read = registers(fragment, "write_channel"), registers(fragment, "read_channel")
        self.queue, self.queue_port = registers(fragment, "queue"), component(fragment, "queue")
        self._count(m)
        self._invariants(m)

    def _count(self, m: Module) -> None:
        port, write, read = self.bridge.port, self.write, self.read
        oldest = self.flights()[-1]
        due = (write.addresses != 0) & (write.words != 0) & (write.responses != WriteChannelMachine.depth)
        self.held = due & component(self._fragment, "write_channel").hold
        request = due & ~self.held
        self.execute, self.collect = request, oldest.valid
        self.issue = read.request
        events = {
            "addresses": port.awvalid & port.awready, "words": port.wvalid & port.wready,
            "executed": request, "answered": port.bvalid & port.bready,
            "asked": port.arvalid & port.arready, "issued": self.issue,
            "collected": oldest.valid, "taken": port.rvalid & port.rready,
        }  # fmt: skip
        for name, event in events.items():
            counter = number(f"count_{name}")
            m.d.sync += counter.eq(counter + event)
            setattr(self, name, counter)

    def flights(self) -> list[SimpleNamespace]:
        """Reads on their way through the memory, the youngest first, as views of the channel's registers."""
        latency = Scratchpad.host_latency
        layout = ReadChannelMachine(latency=latency).state
        return [layout[f"flight_{stage}"].shape(getattr(self.read, f"flight_{stage}")) for stage in range(latency)]

    def _invariants(self, m: Module) -> None:
        """What the channels' counters mean; the induction needs it."""
        write, read = self.write, self.read
        depth = ReadChannelMachine.depth
        flying = sum((flight.valid for flight in self.flights()), start=Value.cast(0))
        for rule, condition in (
            ("addresses waiting", distance(self.addresses, self.executed) == write.addresses),
            ("words waiting", distance(self.words, self.executed) == write.words),
            ("responses waiting", distance(self.executed, self.answered) == write.responses),
            ("depth of the write queues", (write.addresses <= 2) & (write.words <= 2)),
            ("depth of the response queue", write.responses <= WriteChannelMachine.depth),
            ("reads promised", distance(self.asked, self.taken) == read.promised),
            ("reads to be issued", distance(self.asked, self.issued) == read.request),
            ("reads in flight", distance(self.issued, self.collected) == flying),
            ("words stored", distance(self.collected, self.taken) == read.stored),
            ("no error behind the responses", (write.errors >> write.responses) == 0),
            ("where reads are", read.promised == read.stored + flying + read.request),
            ("depth of the read queue", read.promised <= depth),
            ("slots of the read queue", (read.free - read.first)[:3] == read.stored[:3]),
        ):
            always(m, f"invariant: {rule}", condition)
