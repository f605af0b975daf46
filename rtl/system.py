"""What goes on a board: the accelerator and its host link."""

from typing import Any

from amaranth.hdl import DomainRenamer, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from .accelerator import Accelerator
from .bus.crossing import AxiCrossing
from .config import Config
from .link.link import Link
from .link.rmap import BAUD

__all__ = ["System"]


class System(wiring.Component):
    """The accelerator with a serial line as its only port.

    ::

        rx, tx <--> Link <--> AxiCrossing <--> Accelerator
        `-- clock domain "link" --'    `-- "sync" --'

    The link has a clock of its own: it needs no more than the line does, and the chip's is free of its paths.

    Parameters
    ----------
    config : Config
        Sizes of the accelerator.
    link_hz, baud : int
        Frequency of the link's clock and bits a second on the line.
    options
        Handed to :class:`~.accelerator.Accelerator` as they are.

    Members: ``rx``, ``tx``, the line, high when idle; ``interrupt``, high while a job has ended and the host has not
    acknowledged it (of the chip's clock); ``discarded``, packets the link made nothing of, up to 255 (of the link's);
    ``thermal_alarm``, of any clock, halves what the issue governor lets pass.

    Raises
    ------
    ValueError
        If the link's clock can't make the bit rate.
    """

    def __init__(self, *, config: Config, link_hz: int, baud: int = BAUD, **options: Any):
        self.config = config
        self.accelerator = Accelerator(config=config, **options)
        self.link = Link(clock_hz=link_hz, baud=baud)
        super().__init__({"rx": In(1), "tx": Out(1), "interrupt": Out(1), "discarded": Out(8), "thermal_alarm": In(1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.accelerator = accelerator = self.accelerator
        link = self.link
        m.submodules.link = DomainRenamer("link")(link)
        m.submodules.crossing = crossing = AxiCrossing(manager_domain="link", subordinate_domain="sync")
        connect(m, link.bus, crossing.manager)
        connect(m, crossing.subordinate, accelerator.bus)
        m.d.comb += [
            link.rx.eq(self.rx), self.tx.eq(link.tx),
            self.interrupt.eq(accelerator.interrupt), self.discarded.eq(link.discarded),
            accelerator.thermal_alarm.eq(self.thermal_alarm),
        ]  # fmt: skip
        return m
