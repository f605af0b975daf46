"""The registers that the host writes."""

from types import SimpleNamespace

from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from vanallen.rtl.registers import register

from .machine import Machine

__all__ = ["DEFAULT_STEAL_INTERVAL", "HostMachine"]

DEFAULT_STEAL_INTERVAL = 1024


class HostMachine(Machine):
    """Turns register writes into what they mean: start, reset, interrupt enable and acknowledge, steal interval,
    clears.

    A write (``write`` with ``address``, ``data``) takes effect in the next cycle; ``start`` and ``reset`` are pulses. A
    reset returns the registers to their first state, but for what is written in the cycle of its pulse.
    """

    def __init__(self) -> None:
        self.state = StructLayout({
            "start": 1, "first": 16, "count": 16, "number": 16, "reset": 1,
            "enable": 1, "pending": 1, "steal_interval": 16,
            "clear_job_cycles": 1, "clear_issued_slots": 1, "clear_stalled_slots": 1, "clear_stolen_slots": 1,
        })  # fmt: skip
        self.reset = {"steal_interval": DEFAULT_STEAL_INTERVAL}
        self.ports = {
            "write": In(1), "address": In(12), "data": In(64), "finished": In(1),
            "start": Out(1), "first": Out(16), "count": Out(16), "number": Out(16), "reset": Out(1),
            "enable": Out(1), "pending": Out(1), "interrupt": Out(1), "steal_interval": Out(16), "clear": Out(4),
        }  # fmt: skip

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        def written(name: str):
            return port.write & (port.address[3:] == register(name).address >> 3)

        clears = ("job_cycles", "issued_slots", "stalled_slots", "stolen_slots")
        with m.If(now.reset):
            m.d.comb += [then.enable.eq(0), then.pending.eq(0), then.steal_interval.eq(DEFAULT_STEAL_INTERVAL)]
        m.d.comb += [
            then.start.eq(written("start")),
            then.reset.eq(written("reset") & port.data[0]),
            *(getattr(then, f"clear_{name}").eq(written(name)) for name in clears),
            *(getattr(port, name).eq(getattr(now, name))
              for name in ("start", "first", "count", "number", "reset", "enable", "pending", "steal_interval")),
            port.interrupt.eq(now.enable & now.pending),
            port.clear.eq(Cat(getattr(now, f"clear_{name}") for name in clears)),
        ]  # fmt: skip
        with m.If(written("start")):
            m.d.comb += Cat(then.first, then.count, then.number).eq(port.data)
        with m.If(written("interrupt")):
            m.d.comb += [then.enable.eq(port.data[0]), then.pending.eq(now.pending & ~now.reset & ~port.data[1])]
        with m.If(port.finished):
            m.d.comb += then.pending.eq(1)
        with m.If(written("steal_interval")):
            m.d.comb += then.steal_interval.eq(port.data[:16])
