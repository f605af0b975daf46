"""The issue governor: how much the array may do, for the sake of power and heat."""

from types import SimpleNamespace

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from .machine import Machine

__all__ = ["GovernorMachine"]


class GovernorMachine(Machine):
    """Lets at most ``slots`` issue slots pass in any ``window`` cycles, half as many (rounded down) under ``alarm``.

    Cycles are counted round and round up to ``window``; in the first ``slots`` of a round ``throttle`` is low. Any
    ``window`` consecutive cycles hold each place of the round once, so the bound holds for every window, not for whole
    rounds alone. A ``window`` of 0 sets no limit. ``restart`` begins a round, so that the cycles of a job don't depend
    on when it starts. ``throttle`` is of the next cycle.
    """

    def __init__(self) -> None:
        self.state = StructLayout({"place": 8})
        self.ports = {"begin": In(1), "window": In(8), "slots": In(8), "alarm": In(1), "throttle": Out(1)}

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        slots = Signal(8)
        m.d.comb += [
            then.place.eq(Mux(port.begin | (now.place + 1 >= port.window), 0, now.place + 1)),
            slots.eq(Mux(port.alarm, port.slots >> 1, port.slots)),
            port.throttle.eq((port.window != 0) & (then.place >= slots)),
        ]
