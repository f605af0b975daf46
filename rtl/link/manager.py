"""Carries a command out on the bus."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.bus.axi_lite import OKAY, AxiLitePort
from vanallen.rtl.registers import ADDRESS_BITS

__all__ = ["AxiManager"]


class AxiManager(wiring.Component):
    """An AXI4-Lite manager that moves up to 32 words between the buffer and the bus, one after another.

    ``start`` takes ``address``, ``words``, ``write`` and ``increment``. ``done`` is high for one cycle at the end, with
    ``failed`` if a word was answered with an error; the words after that one aren't accessed. The buffer gives the word
    of ``index`` as ``buffered`` a cycle later; ``store`` puts ``word`` there.

    Every output of the bus comes from a register. Throughput: a word in 5 cycles and the subordinate's latency.
    """

    bus: Out(AxiLitePort())
    start: In(1)
    address: In(ADDRESS_BITS)
    words: In(6)
    write: In(1)
    increment: In(1)
    done: Out(1)
    failed: Out(1)
    index: Out(5)
    buffered: In(64)
    store: Out(1)
    word: Out(64)

    def elaborate(self, platform) -> Module:
        m = Module()
        self._address, self._left, self._step = Signal(ADDRESS_BITS), Signal(6), Signal()
        m.d.comb += [
            self.bus.awaddr.eq(self._address), self.bus.araddr.eq(self._address), self.bus.wstrb.eq(0xFF),
            self.bus.bready.eq(1), self.bus.rready.eq(1), self.word.eq(self.bus.rdata),
        ]  # fmt: skip
        for valid, ready in (("awvalid", "awready"), ("wvalid", "wready"), ("arvalid", "arready")):
            with m.If(getattr(self.bus, ready)):
                m.d.sync += getattr(self.bus, valid).eq(0)
        with m.FSM():
            with m.State("IDLE"):
                self._idle(m)
            with m.State("FETCH"):
                m.next = "OFFER"
            with m.State("OFFER"):
                m.d.sync += [self.bus.wdata.eq(self.buffered), self.bus.awvalid.eq(1), self.bus.wvalid.eq(1)]
                m.next = "WRITING"
            with m.State("WRITING"), m.If(self.bus.bvalid):
                self._word_done(m, self.bus.bresp != OKAY, "FETCH")
            with m.State("ASK"):
                m.d.sync += self.bus.arvalid.eq(1)
                m.next = "READING"
            with m.State("READING"), m.If(self.bus.rvalid):
                m.d.comb += self.store.eq(1)
                self._word_done(m, self.bus.rresp != OKAY, "ASK")
            with m.State("DONE"):
                m.d.comb += self.done.eq(1)
                m.next = "IDLE"
        return m

    def _idle(self, m: Module) -> None:
        m.d.sync += [
            self._address.eq(self.address), self._left.eq(self.words), self._step.eq(self.increment), self.index.eq(0),
        ]  # fmt: skip
        with m.If(self.start):
            m.d.sync += self.failed.eq(0)
            with m.If(self.words == 0):
                m.next = "DONE"
            with m.Elif(self.write):
                m.next = "FETCH"
            with m.Else():
                m.next = "ASK"

    def _word_done(self, m: Module, error, following: str) -> None:
        m.d.sync += [
            self.index.eq(self.index + 1), self._left.eq(self._left - 1), self.failed.eq(error),
            self._address[3:].eq(self._address[3:] + self._step),
        ]  # fmt: skip
        m.next = following
        with m.If(error | (self._left == 1)):
            m.next = "DONE"
