"""What goes on a board: the accelerator and its host link."""

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from .accelerator import Accelerator
from .config import Config
from .link.link import Link
from .link.rmap import BAUD

__all__ = ["System"]


class System(wiring.Component):
    """The accelerator with a serial line as its only port.

    Parameters
    ----------
    config : Config
        Sizes of the accelerator.
    clock_hz, baud : int
        Frequency of the clock and bits a second on the line.
    options
        Handed to :class:`~.accelerator.Accelerator` as they are.

    Members: ``rx``, ``tx``, the line, high when idle; ``interrupt``, high while a job has ended and the host has not
    acknowledged it; ``discarded``, packets the link made nothing of, up to 255.

    Raises
    ------
    ValueError
        If the clock can't make the bit rate.
    """

    def __init__(self, *, config: Config, clock_hz: int, baud: int = BAUD, **options: Any):
        self.config = config
        self.accelerator = Accelerator(config=config, **options)
        self.link = Link(clock_hz=clock_hz, baud=baud)
        super().__init__({"rx": In(1), "tx": Out(1), "interrupt": Out(1), "discarded": Out(8)})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.accelerator = accelerator = self.accelerator
        m.submodules.link = link = self.link
        connect(m, link.bus, accelerator.bus)
        m.d.comb += [
            link.rx.eq(self.rx), self.tx.eq(link.tx),
            self.interrupt.eq(accelerator.interrupt), self.discarded.eq(link.discarded),
        ]  # fmt: skip
        return m
