"""The AXI4-Lite port from one clock to another."""

from amaranth.hdl import Cat, Module
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

    What leaves a queue comes from registers of the domain it leaves into. Each channel keeps its order; nothing relates
    the channels, as AXI has it. A manager whose clock is four times slower than the subordinate's has the answer to an
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
            payload = Cat(getattr(source, field) for field in fields)
            m.submodules[channel] = queue = AsyncFIFOBuffered(
                width=len(payload), depth=_DEPTH, w_domain=w_domain, r_domain=r_domain
            )
            m.d.comb += [
                queue.w_data.eq(payload), queue.w_en.eq(getattr(source, f"{channel}valid")),
                getattr(source, f"{channel}ready").eq(queue.w_rdy),
                Cat(getattr(sink, field) for field in fields).eq(queue.r_data),
                getattr(sink, f"{channel}valid").eq(queue.r_rdy), queue.r_en.eq(getattr(sink, f"{channel}ready")),
            ]  # fmt: skip
        return m
