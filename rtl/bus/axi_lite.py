"""The AXI4-Lite subordinate: handshakes, and nothing of what the addresses mean."""

from types import SimpleNamespace

from amaranth.hdl import Cat, Module, Mux, Signal, Value
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
    """Counts up to two addresses and two words, executes a write when it has both, queues up to three responses.

    One write a cycle, one cycle after the later of address and word. While ``due`` the first address and the first word
    are the write whose turn it is; it executes, with ``request``, but for ``hold``, and both leave their queues.
    ``to_memory`` or ``to_register`` says in the same cycle that it may be done, and ``sound`` that neither was struck.
    What came of it is known, from registers, in the next: ``stored``, it went to a memory; ``stray``, it is on its way
    there and must not be done; ``struck``, it wasn't sound; ``good``, it was, if there was one. The cycle after that it
    is answered. ``address_place`` and ``word_place`` name the entry that takes what comes (see
    :class:`~vanallen.rtl.bus.pair_queue.PairQueue`). The handshakes depend on the state alone.
    """

    depth = 3
    flow = frozenset({"to_memory", "to_register", "sound"})

    def __init__(self) -> None:
        self.state = StructLayout({
            "addresses": 2, "words": 2, "address_room": 1, "word_room": 1, "responses": 2, "errors": self.depth,
            "due": 1, "executed": 1, "to_memory": 1, "to_register": 1, "sound": 1,
        })  # fmt: skip
        self.ports = {
            "awvalid": In(1), "awready": Out(1), "wvalid": In(1), "wready": Out(1),
            "bresp": Out(2), "bvalid": Out(1), "bready": In(1), "due": Out(1), "hold": In(1),
            "request": Out(1), "to_memory": In(1), "to_register": In(1), "sound": In(1),
            "stored": Out(1), "stray": Out(1), "struck": Out(1), "good": Out(1),
            "address_place": Out(2), "word_place": Out(2),
        }  # fmt: skip

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        request = port.due & ~port.hold
        taken = port.bvalid & port.bready
        errors = Signal(self.depth)
        left = Signal(2)
        okay = (now.to_memory | now.to_register) & now.sound
        m.d.comb += [
            then.address_room.eq(then.addresses != 2), then.word_room.eq(then.words != 2),
            port.awready.eq(now.address_room), port.wready.eq(now.word_room),
            then.due.eq((then.addresses != 0) & (then.words != 0) & (then.responses + then.executed < self.depth)),
            port.due.eq(now.due),
            port.request.eq(request),
            then.executed.eq(request),
            then.to_memory.eq(port.to_memory), then.to_register.eq(port.to_register), then.sound.eq(port.sound),
            port.stored.eq(now.executed & now.to_memory & now.sound),
            port.stray.eq(now.executed & now.to_memory & ~now.sound),
            port.struck.eq(now.executed & ~now.sound), port.good.eq(now.sound),
            port.bvalid.eq(now.responses != 0),
            port.bresp.eq(Mux(now.errors[0], SLVERR, OKAY)),
            errors.eq(Mux(taken, now.errors >> 1, now.errors)),
            left.eq(now.responses - taken),
            then.responses.eq(left + now.executed),
            then.errors.eq(errors | ((now.executed & ~okay) << left)),
        ]  # fmt: skip
        self._queue(m, now.addresses, then.addresses, port.awvalid & port.awready, request, port.address_place)
        self._queue(m, now.words, then.words, port.wvalid & port.wready, request, port.word_place)

    def _queue(self, m: Module, count: Value, following: Value, push: Value, pop: Value, place: Value) -> None:
        """What comes with ``push`` goes behind what ``pop`` leaves."""
        rest = Signal(2)
        m.d.comb += [
            rest.eq(count - pop), following.eq(rest + push),
            place.eq(Cat(push & (rest == 0), push & (rest == 1))),
        ]  # fmt: skip


class ReadChannelMachine(Machine):
    """Takes an address a cycle, requests the word, and collects it ``latency`` cycles later for the response queue.

    ``request`` asks for the word at the address that was taken a cycle ago. ``collect`` is the request of ``latency``
    cycles ago, whose word is pushed into ``slot`` of the queue; ``head`` is the slot that is shown. A read is only
    accepted when the queue has room for it, and none is in the cycle after ``pause``. ``holds`` is a request whose
    address ``meets`` that of the write whose turn it is then. Reads are counted, modulo twice the depth: ``asked``,
    ``collected``, ``taken``.

    Throughput: one a cycle if ``latency`` is at most ``depth - 3``.
    """

    depth = 8
    flow = frozenset({"paused", "request", "holds", "flight"})

    def __init__(self, *, latency: int):
        self.latency = latency
        count, slot = range(2 * self.depth), range(self.depth)
        self.state = StructLayout({
            "room": 1, "paused": 1, "request": 1, "holds": 1, "flight": latency,
            "asked": count, "collected": count, "taken": count,
        })  # fmt: skip
        self.ports = {
            "arvalid": In(1), "arready": Out(1), "rvalid": Out(1), "rready": In(1),
            "request": Out(1), "meets": In(1), "holds": Out(1), "pause": In(1),
            "collect": Out(1), "slot": Out(slot), "head": Out(slot),
        }  # fmt: skip

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        accept, taken = port.arvalid & port.arready, port.rvalid & port.rready
        m.d.comb += [
            then.paused.eq(port.pause),
            then.room.eq(then.asked != (then.taken ^ self.depth)),
            port.arready.eq(now.room & ~now.paused),
            port.request.eq(now.request),
            then.request.eq(accept),
            then.holds.eq(accept & port.meets),
            port.holds.eq(now.holds),
            then.flight.eq(Cat(now.request, now.flight[:-1])),
            port.collect.eq(now.flight[-1]),
            port.slot.eq(now.collected),
            port.head.eq(now.taken),
            port.rvalid.eq(now.collected != now.taken),
            then.asked.eq(now.asked + accept),
            then.collected.eq(now.collected + port.collect),
            then.taken.eq(now.taken + taken),
        ]


class ResponseQueue(wiring.Component):
    """Words and error flags that wait for the manager; ``head`` is shown.

    With ``push`` a ``slot`` is said; what goes there comes in the next cycle, in which it may be shown already.
    """

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
        comes = Signal(self.depth, reset_less=True)
        arriving = Cat(self.word_in, self.error_in)
        for index, signal in enumerate(entries):
            m.d.sync += comes[index].eq(self.push & (self.slot == index))
            with m.If(comes[index]):
                m.d.sync += signal.eq(arriving)
            with m.If(self.head == index):
                m.d.comb += Cat(self.word, self.error).eq(Mux(comes[index], arriving, signal))
        return m
