"""The contract of the counters, which no simulation counts to their end."""

from __future__ import annotations

from amaranth.hdl import Module, Mux

from vanallen.rtl.bus.counters import SaturatingCounter

from .specification import Specification, always, drive_freely, history

__all__ = ["CounterContract"]


class CounterContract(Specification):
    """The value after any value: one more if it counted a cycle before, up to the largest; zero after ``clear`` and
    after reset."""

    def __init__(self, *, bits: int) -> None:
        self.bits = bits

    def specify(self, m: Module) -> None:
        counter = SaturatingCounter(bits=self.bits)
        m.submodules.counter = counter
        drive_freely(m, counter)
        largest = (1 << self.bits) - 1
        value, count, clear = (
            history(m, getattr(counter, name), f"{name}_before") for name in ("value", "count", "clear")
        )
        # what history gives is zero after a reset, and so is the counter
        counted = Mux(value == largest, largest, value + history(m, count, "count_before_that"))
        always(m, "it counts", counter.value == Mux(clear, 0, counted))
