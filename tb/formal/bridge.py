"""The host bridge under any host and any memories, with transactions counted: what its specifications share."""

from __future__ import annotations

from amaranth.asserts import AnySeq
from amaranth.hdl import Cat, Const, Fragment, Module, Signal, Value

from vanallen.rtl.bus.axi_lite import ReadChannelMachine, WriteChannelMachine
from vanallen.rtl.bus.host_bridge import HostBridge
from vanallen.rtl.bus.pair_queue import PairQueue
from vanallen.rtl.config import Config
from vanallen.rtl.control.voter import agreed

from .specification import Specification, always, drive_freely, registers
from .strikes import OneBit, delays_struck, entries_struck, one_copy_struck, voted

__all__ = ["NUMBERS", "BridgeSpecification", "distance", "number", "ones"]

NUMBERS = 16
"""Transactions are numbered modulo this; fewer are under way at a time, which is proven too."""


def number(name: str) -> Signal:
    """A transaction's number."""
    return Signal(range(NUMBERS), name=name)


def ones(bits: Value) -> Value:
    """How many of ``bits`` are one."""
    return sum(bits, start=Value.cast(0))


def distance(later: Value, earlier: Value) -> Value:
    """``later - earlier`` as numbers."""
    return (later - earlier)[: len(later)]


class BridgeSpecification(Specification):
    """The real bridge: its port, ``idle``, ``fill`` and the memories' words are free in every cycle.

    With protection one copy of its machines holds anything in any cycle, and once one bit flips of what
    ``struck`` names: an address or word of a write that waits, an address of a read on its way. Nothing is injected.

    Members after :meth:`specify`: ``bridge``; by name the registers ``write`` and ``read`` of its channels,
    ``addresses_held`` and ``words_held`` of the queues of writes, ``reads`` of the reads under way, ``queue`` of the
    responses; ``stored``, the responses in it; ``unanswered``, the writes that executed and have no answer yet;
    ``held``, whether a write that is due waits for a read; counters of
    handshakes ``addresses``, ``words``, ``executed``, ``answered``, ``asked``, ``issued``, ``collected``, ``taken``;
    ``spent``, whether the flip has been.
    """

    struck: tuple[str, ...] = ("addresses", "words", "reads")
    """Submodules of the bridge."""

    def __init__(self, *, config: Config) -> None:
        self.config = config

    def specify(self, m: Module) -> None:
        self.bridge = HostBridge(config=self.config)
        m.submodules.bridge = fragment = Fragment.get(self.bridge, None)
        copies = self.config.copies
        drive_freely(m, self.bridge, but=("idle", "inject"))
        m.d.comb += self.bridge.idle.eq(AnySeq(1).replicate(copies))
        self.spent: Value = Const(0)
        if self.config.protected:
            one_copy_struck(m, fragment, "write_channel", "read_channel")
            one = OneBit(m)
            for name in self.struck:
                strike = entries_struck if isinstance(getattr(self.bridge, name), PairQueue) else delays_struck
                strike(m, fragment, one, name)
            self.spent = one.spent
        self.write, self.read = (voted(fragment, name, copies) for name in ("write_channel", "read_channel"))
        self.addresses_held, self.words_held = registers(fragment, "addresses"), registers(fragment, "words")
        self.reads, self.queue = registers(fragment, "reads"), registers(fragment, "queue")
        self.stored = distance(self.read.collected, self.read.taken)
        self._count(m)
        self._invariants(m)

    def asks(self, port: str, member: str) -> Value:
        """``member`` of the bridge's requests called ``port``, as the memory understands it."""
        return agreed(getattr(copy, member) for copy in getattr(self.bridge, port))

    def _count(self, m: Module) -> None:
        port, write, read = self.bridge.port, self.write, self.read
        self.unanswered = write.responses + write.executed
        due = (write.addresses != 0) & (write.words != 0) & (self.unanswered < WriteChannelMachine.depth)
        self.held = due & agreed(copy.hold for copy in self.bridge.write_channel.copies)
        request = due & ~self.held
        self.execute, self.collect = request, read.flight[-1]
        self.issue = read.request
        events = {
            "addresses": port.awvalid & port.awready, "words": port.wvalid & port.wready,
            "executed": request, "answered": port.bvalid & port.bready,
            "asked": port.arvalid & port.arready, "issued": self.issue,
            "collected": self.collect, "taken": port.rvalid & port.rready,
        }  # fmt: skip
        for name, event in events.items():
            counter = number(f"count_{name}")
            m.d.sync += counter.eq(counter + event)
            setattr(self, name, counter)

    def _invariants(self, m: Module) -> None:
        """What the channels' counters mean; the induction needs it."""
        write, read = self.write, self.read
        depth = ReadChannelMachine.depth
        slot = Signal(depth, name="slot_before", reset_less=True)
        m.d.sync += slot.eq(Cat(self.collect & (self.bridge.queue.slot == index) for index in range(depth)))
        always(m, "invariant: where what was collected goes", self.queue.comes == slot)
        flying, promised = ones(read.flight), distance(read.asked, read.taken)
        for rule, condition in (
            ("room for addresses", ~write.address_room | (write.addresses != 2)),
            ("room for words", ~write.word_room | (write.words != 2)),
            ("room for reads", ~read.room | (promised != depth)),
            ("addresses waiting", distance(self.addresses, self.executed) == write.addresses),
            ("words waiting", distance(self.words, self.executed) == write.words),
            ("responses waiting", distance(self.executed, self.answered) == self.unanswered),
            ("depth of the write queues", (write.addresses <= 2) & (write.words <= 2)),
            ("depth of the response queue", self.unanswered <= WriteChannelMachine.depth),
            ("reads promised", distance(self.asked, self.taken) == promised),
            ("reads to be issued", distance(self.asked, self.issued) == read.request),
            ("reads in flight", distance(self.issued, self.collected) == flying),
            ("words stored", distance(self.collected, self.taken) == self.stored),
            ("no error behind the responses", (write.errors >> write.responses) == 0),
            ("where reads are", promised == self.stored + flying + read.request),
            ("depth of the read queue", promised <= depth),
        ):
            always(m, f"invariant: {rule}", condition)
