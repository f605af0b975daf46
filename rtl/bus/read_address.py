"""Where the reads go that are on their way."""

from itertools import pairwise

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from .host_decode import PLACE_BITS, WINDOW_BITS, WORD_ADDRESS_BITS

__all__ = ["ReadAddress"]


class ReadAddress(wiring.Component):
    """A delay line beside the read channel: it moves in every cycle, and knows nothing of what is valid.

    ``address`` is the ``i`` of a cycle ago, and ``refused`` says in its cycle whether nothing can be read there. Of
    both, ``next_window``, ``next_place`` (the low bits) and ``next_error`` are what they were ``latency - 1`` cycles
    ago, and ``error`` is the ``refused`` of ``latency`` cycles ago. With protection each stage has a parity bit: where
    it doesn't fit any more, there is an error.

    Parameters
    ----------
    latency : int
        From a request to its word; at least 2.
    """

    flight = StructLayout({"window": WINDOW_BITS, "place": PLACE_BITS, "error": 1})

    def __init__(self, *, latency: int, protected: bool = False):
        self.latency, self.protected = latency, protected
        super().__init__({
            "i": In(WORD_ADDRESS_BITS), "address": Out(WORD_ADDRESS_BITS), "refused": In(1),
            "next_window": Out(WINDOW_BITS), "next_place": Out(PLACE_BITS), "next_error": Out(1), "error": Out(1),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        address = Signal(WORD_ADDRESS_BITS, reset_less=True)
        error = Signal(reset_less=True)
        flights = [Signal(self.flight, name=f"flight_{stage}", reset_less=True) for stage in range(self.latency - 1)]
        first = Signal(self.flight)
        last = flights[-1]
        struck, changed = self._guard(m, address, first, last) if self.protected else (Const(0), Const(0))
        m.d.sync += [
            address.eq(self.i),
            flights[0].eq(first),
            *(later.eq(earlier) for earlier, later in pairwise(flights)),
            error.eq(last.error | changed),
        ]
        m.d.comb += [
            first.window.eq(address[-WINDOW_BITS:]), first.place.eq(address), first.error.eq(self.refused | struck),
            self.address.eq(address), self.error.eq(error), self.next_window.eq(last.window),
            self.next_place.eq(last.place), self.next_error.eq(last.error | changed),
        ]  # fmt: skip
        return m

    def _guard(self, m: Module, address: Signal, first: Signal, last: Signal) -> tuple[Value, Value]:
        """Whether the address, and what is kept of it at the end, have another parity than they entered with."""
        entered = Signal(name="address_parity", reset_less=True)
        kept = [Signal(name=f"parity_{stage}", reset_less=True) for stage in range(self.latency - 1)]
        m.d.sync += [entered.eq(self.i.xor()), kept[0].eq(first.as_value().xor()),
                     *(later.eq(earlier) for earlier, later in pairwise(kept))]  # fmt: skip
        return address.xor() ^ entered, last.as_value().xor() ^ kept[-1]
