"""The AXI4-Lite subordinate: handshakes, and nothing of what the addresses mean."""

from types import SimpleNamespace

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from vanallen.rtl.control.machine import Machine
from vanallen.rtl.registers import ADDRESS_BITS

__all__ = ["OKAY", "SLVERR", "AxiLitePort", "ReadChannelMachine", "ResponseQueue", "WriteChannelMachine"]

OKAY, SLVERR = 0, 2
"""AXI4 response codes (Arm IHI 0022, A3.4.4)."""


class AxiLitePort(wiring.Signature):
    """AXI4-Lite with 64 bits, signals named as Arm IHI 0022 does; the manager's side."""

    def __init__(self) -> None:
        super().__init__({
            "awaddr": Out(ADDRESS_BITS), "awprot": Out(3), "awvalid": Out(1), "awready": In(1),
            "wdata": Out(64), "wstrb": Out(8), "wvalid": Out(1), "wready": In(1),
            "bresp": In(2), "bvalid": In(1), "bready": Out(1),
            "araddr": Out(ADDRESS_BITS), "arprot": Out(3), "arvalid": Out(1), "arready": In(1),
            "rdata": In(64), "rresp": In(2), "rvalid": In(1), "rready": Out(1),
        })  # fmt: skip


class WriteChannelMachine(Machine):
    """Queues up to two addresses and two words, executes a write when it has both, queues up to three responses.

    One write a cycle, one cycle after the later of address and word. ``due`` with ``address``, ``word`` and ``whole``
    (every byte strobed) is the write whose turn it is; it executes, with ``request``, but for ``hold``. ``okay``
    answers it in the same cycle. The handshakes depend on the state alone.
    """

    depth = 3

    def __init__(self) -> None:
        entry = StructLayout({"word": 64, "whole": 1})
        self.state = StructLayout({
            "addresses": 2, "address_0": ADDRESS_BITS, "address_1": ADDRESS_BITS,
            "words": 2, "word_0": entry, "word_1": entry, "responses": 2, "errors": self.depth,
        })  # fmt: skip
        self.ports = {
            "awaddr": In(ADDRESS_BITS), "awvalid": In(1), "awready": Out(1),
            "wdata": In(64), "wstrb": In(8), "wvalid": In(1), "wready": Out(1),
            "bresp": Out(2), "bvalid": Out(1), "bready": In(1), "due": Out(1), "hold": In(1),
            "request": Out(1), "address": Out(ADDRESS_BITS), "word": Out(64), "whole": Out(1), "okay": In(1),
        }  # fmt: skip

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        request = port.due & ~port.hold
        taken = port.bvalid & port.bready
        errors = Signal(self.depth)
        left = Signal(2)
        arriving = Signal(StructLayout({"word": 64, "whole": 1}))
        m.d.comb += [
            port.awready.eq(now.addresses != 2),
            port.wready.eq(now.words != 2),
            port.due.eq((now.addresses != 0) & (now.words != 0) & (now.responses != self.depth)),
            port.request.eq(request),
            port.address.eq(now.address_0),
            port.word.eq(now.word_0.word),
            port.whole.eq(now.word_0.whole),
            port.bvalid.eq(now.responses != 0),
            port.bresp.eq(Mux(now.errors[0], SLVERR, OKAY)),
            errors.eq(Mux(taken, now.errors >> 1, now.errors)),
            left.eq(now.responses - taken),
            then.responses.eq(left + request),
            then.errors.eq(errors | ((request & ~port.okay) << left)),
            arriving.word.eq(port.wdata),
            arriving.whole.eq(port.wstrb.all()),
        ]
        pushes_address, pushes_word = port.awvalid & port.awready, port.wvalid & port.wready
        self._queue(m, now, then, "addresses", "address", pushes_address, port.awaddr, request)
        self._queue(m, now, then, "words", "word", pushes_word, arriving, request)

    def _queue(self, m, now, then, count: str, entry: str, push, value, pop) -> None:
        """Two entries; ``entry_0`` leaves with ``pop``, ``value`` comes behind the rest with ``push``."""
        rest = Signal(2, name=f"{count}_left")
        first, second = f"{entry}_0", f"{entry}_1"
        m.d.comb += [rest.eq(getattr(now, count) - pop), getattr(then, count).eq(rest + push)]
        with m.If(pop):
            m.d.comb += getattr(then, first).eq(getattr(now, second))
        with m.If(push & (rest == 0)):
            m.d.comb += getattr(then, first).eq(value)
        with m.If(push & (rest == 1)):
            m.d.comb += getattr(then, second).eq(value)


class ReadChannelMachine(Machine):
    """Takes an address a cycle, requests the word, and collects it ``latency`` cycles later for the response queue.

    ``request`` with ``address`` asks for a word. ``collect`` with ``collect_error`` is the request of ``latency``
    cycles ago, whose word is pushed into ``slot`` of the queue; ``next_address`` and ``next_error`` are those of the
    request that is collected in the next cycle. A read is only accepted when the queue has room for it, and none is in
    the cycle after ``pause``.

    Throughput: one a cycle if ``latency`` is at most ``depth - 3``.
    """

    depth = 8

    def __init__(self, *, latency: int):
        self.latency = latency
        collected = StructLayout({"valid": 1, "error": 1})
        in_flight = StructLayout({"valid": 1, "error": 1, "address": ADDRESS_BITS})
        self.state = StructLayout({
            "paused": 1, "request": 1, "address": ADDRESS_BITS,
            "promised": range(self.depth + 1), "stored": range(self.depth + 1),
            "first": range(self.depth), "free": range(self.depth),
            **{f"flight_{stage}": in_flight for stage in range(latency - 1)}, f"flight_{latency - 1}": collected,
        })  # fmt: skip
        self.ports = {
            "araddr": In(ADDRESS_BITS), "arvalid": In(1), "arready": Out(1), "rvalid": Out(1), "rready": In(1),
            "request": Out(1), "address": Out(ADDRESS_BITS), "okay": In(1), "pause": In(1),
            "next_address": Out(ADDRESS_BITS), "next_error": Out(1),
            "collect": Out(1), "collect_error": Out(1),
            "slot": Out(range(self.depth)), "head": Out(range(self.depth)),
        }  # fmt: skip

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        accept, taken = port.arvalid & port.arready, port.rvalid & port.rready
        flights = [getattr(now, f"flight_{stage}") for stage in range(self.latency)]
        oldest = flights[-1]
        m.d.comb += [
            then.paused.eq(port.pause),
            port.arready.eq((now.promised != self.depth) & ~now.paused),
            port.request.eq(now.request),
            port.address.eq(now.address),
            then.request.eq(accept),
            then.flight_0.valid.eq(now.request),
            then.flight_0.error.eq(~port.okay),
            then.flight_0.address.eq(now.address),
            port.next_address.eq(flights[-2].address),
            port.next_error.eq(flights[-2].error),
            port.collect.eq(oldest.valid),
            port.collect_error.eq(oldest.error),
            port.slot.eq(now.free),
            port.head.eq(now.first),
            port.rvalid.eq(now.stored != 0),
            then.free.eq(now.free + oldest.valid),
            then.first.eq(now.first + taken),
            then.stored.eq(now.stored + oldest.valid - taken),
            then.promised.eq(now.promised + accept - taken),
        ]
        for stage in range(1, self.latency):
            following = getattr(then, f"flight_{stage}")
            m.d.comb += [following[field].eq(flights[stage - 1][field]) for field, _ in following.shape()]
        with m.If(accept):
            m.d.comb += then.address.eq(port.araddr)


class ResponseQueue(wiring.Component):
    """Words and error flags that wait for the manager; ``slot`` is written with ``push``, ``head`` is shown."""

    def __init__(self, *, depth: int):
        self.depth = depth
        super().__init__({
            "push": In(1), "slot": In(range(depth)), "head": In(range(depth)),
            "word_in": In(64), "error_in": In(1), "word": Out(64), "error": Out(1),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        entry = StructLayout({"word": 64, "error": 1})
        entries = [Signal(entry, name=f"entry_{index}", reset_less=True) for index in range(self.depth)]
        for index, signal in enumerate(entries):
            with m.If(self.push & (self.slot == index)):
                m.d.sync += [signal.word.eq(self.word_in), signal.error.eq(self.error_in)]
            with m.If(self.head == index):
                m.d.comb += [self.word.eq(signal.word), self.error.eq(signal.error)]
        return m
