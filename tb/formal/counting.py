"""The contract of the counters, which no simulation counts to their end."""

from __future__ import annotations

from amaranth.hdl import Fragment, Module, Mux

from vanallen.rtl.bus.counters import CycleLog, SaturatingCounter

from .memories import memories
from .specification import Specification, always, drive_freely, history, registers

__all__ = ["CounterContract", "CycleLogContract"]


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


class CycleLogContract(Specification):
    """What is written to the log two cycles after a command's last one: how many it had, up to the largest; zeros while
    it is filled, a row after the other."""

    def specify(self, m: Module) -> None:
        log = CycleLog()
        m.submodules.log = fragment = Fragment.get(log, None)
        drive_freely(m, log)
        held = registers(fragment)
        counts, done, fills, index = (
            history(m, history(m, getattr(log, name), f"{name}_before"), f"{name}_before_that")
            for name in ("count", "done", "fill", "index")
        )
        largest = (1 << len(held.cycles)) - 1
        cycles, row = history(m, held.cycles, "cycles_before"), history(m, held.fill_row, "fill_row_before")
        counted = Mux(cycles == largest, largest, cycles + 1)
        always(m, "it counts", held.cycles == Mux(done | ~counts, 0, counted))
        always(m, "rows are filled in turn", held.fill_row == (row + fills)[: len(row)])
        ((_, memory),) = memories(fragment)
        (write,) = memory._write_ports
        always(m, "a command is logged as it ends", write._en == (fills | done))
        always(m, "in its row", ~write._en | (write._addr == Mux(fills, row, index)))
        always(m, "its cycles", ~write._en | (write._data == Mux(fills, 0, (cycles + 1)[: len(cycles)])))
