"""The issue governor: how much the array may do, for the sake of power and heat."""

from types import SimpleNamespace

from amaranth.hdl import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from vanallen.rtl.registers import register

from .machine import Machine

__all__ = ["GovernorMachine"]

WINDOW_BITS = register("governor").field("window").width


class GovernorMachine(Machine):
    """Lets at most ``slots`` issue slots pass in any ``window`` cycles, half as many (rounded down) under ``alarm``.

    Cycles are counted round and round up to ``window``; ``throttle`` is low in the last ``slots`` of a round. Any
    ``window`` consecutive cycles hold each place of the round once, so the bound holds for every window, not for whole
    rounds alone; and since a round begins with the cycles in which nothing passes, ``begin``, which begins one anew,
    can't bring two rounds' slots together either. A ``window`` of 0 sets no limit. ``throttle`` is a register, and of
    the next cycle.

    Parameters
    ----------
    bits : int
        Width of ``window`` and ``slots``, which don't change but with ``begin``.
    """

    flow = frozenset({"throttle"})

    def __init__(self, *, bits: int = WINDOW_BITS) -> None:
        self.state = StructLayout({"place": bits, "throttle": 1})
        self.ports = {"begin": In(1), "window": In(bits), "slots": In(bits), "alarm": In(1), "throttle": Out(1)}

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        slots = Mux(port.alarm, port.slots >> 1, port.slots)
        m.d.comb += [
            then.place.eq(Mux(port.begin | (now.place + 1 >= port.window), 0, now.place + 1)),
            then.throttle.eq((port.window != 0) & (now.place + slots < port.window)),
            port.throttle.eq(now.throttle),
        ]
