"""The AXI4-Lite port from one clock to another."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.fifo import AsyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from .axi_lite import AxiLitePort

__all__ = ["AxiCrossing"]

_CHANNELS = {
    "aw": (Out, ("awaddr", "awprot")),
    "w": (Out, ("wdata", "wstrb")),
    "b": (In, ("bresp",)),
    "ar": (Out, ("araddr", "arprot")),
    "r": (In, ("rdata", "rresp")),
}
"""By channel: the way it goes, as the manager sees it, and what it carries."""

_DEPTH = 5
"""Of each queue: four entries and its output register."""


class AxiCrossing(wiring.Component):
    """A manager in one clock domain and a subordinate in another, whatever their clocks: a queue for each channel.

    What leaves a queue comes from registers of the domain it leaves into, and on the subordinate's side there is a
    register more, through which a word goes every other cycle. Each channel keeps its order; nothing relates the
    channels, as AXI has it. A manager whose clock is four times slower than the subordinate's has the answer to an
    address four of its cycles later, beside the subordinate's own latency.

    Members: ``manager``, the port where the manager stands, and ``subordinate``.

    Parameters
    ----------
    manager_domain, subordinate_domain : str
    """

    manager: In(AxiLitePort())
    subordinate: Out(AxiLitePort())

    def __init__(self, *, manager_domain: str, subordinate_domain: str) -> None:
        super().__init__()
        self._domains = manager_domain, subordinate_domain

    def elaborate(self, platform) -> Module:
        m = Module()
        for channel, (way, fields) in _CHANNELS.items():
            ports, domains = (self.manager, self.subordinate), self._domains
            if way is In:
                ports, domains = ports[::-1], domains[::-1]
            (source, sink), (w_domain, r_domain) = ports, domains
            valid, ready = getattr(source, f"{channel}valid"), getattr(source, f"{channel}ready")
            shown, taken = getattr(sink, f"{channel}valid"), getattr(sink, f"{channel}ready")
            offered, word = (Cat(getattr(port, field) for field in fields) for port in (source, sink))
            m.submodules[channel] = queue = AsyncFIFOBuffered(
                width=len(word), depth=_DEPTH, w_domain=w_domain, r_domain=r_domain
            )
            if way is In:
                held, full = self._register(m, channel, offered, valid, ready=queue.w_rdy)
                m.d.comb += [
                    queue.w_data.eq(held), queue.w_en.eq(full), ready.eq(~full),
                    word.eq(queue.r_data), shown.eq(queue.r_rdy), queue.r_en.eq(taken),
                ]  # fmt: skip
            else:
                held, full = self._register(m, channel, queue.r_data, queue.r_rdy, ready=taken)
                m.d.comb += [
                    queue.w_data.eq(offered), queue.w_en.eq(valid), ready.eq(queue.w_rdy),
                    word.eq(held), shown.eq(full), queue.r_en.eq(~full),
                ]  # fmt: skip
        return m

    def _register(self, m: Module, channel: str, word: Value, valid: Value, *, ready: Value) -> tuple[Signal, Signal]:
        """A ``word`` that waits on the subordinate's side until it is taken, and whether there is one: a word in two
        cycles."""
        held, full = Signal(len(word), name=f"{channel}_held", reset_less=True), Signal(name=f"{channel}_full")
        _, domain = self._domains
        m.d[domain] += full.eq(Mux(full, ~ready, valid))
        with m.If(~full):
            m.d[domain] += held.eq(word)
        return held, full
