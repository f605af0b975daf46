"""The registers that the host writes."""

from types import SimpleNamespace

from amaranth.hdl import Cat, Module, Value
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from vanallen.rtl.registers import CLEARED, register

from .machine import Machine

__all__ = ["HostMachine"]


INJECT_BITS = register("inject").field("point").width


def _field(word: Value, name: str, field: str) -> Value:
    """The field called ``field`` in a ``word`` written to register ``name``."""
    place = register(name).field(field)
    return word[place.offset :][: place.width]


class HostMachine(Machine):
    """Turns register writes into what they mean: start, reset, interrupt enable and acknowledge, settings, clears.

    A write (``write`` with ``address``, ``data``) takes effect in the next cycle; ``start`` and ``reset`` are pulses,
    and what a start says is there in the cycle of its pulse alone. A
    reset returns the registers to their first state, but for what is written in the cycle of its pulse. With protection
    ``inject`` says what is to be hit until ``injected`` says that it was.
    """

    flow = frozenset({"start", "first", "count", "number", "patience", "reset", *(f"clear_{name}" for name in CLEARED)})

    def __init__(self, *, protected: bool = False) -> None:
        self.protected = protected
        self.settings = {"steal_interval": ("steal_interval", "slots"), "window": ("governor", "window"),
                         "slots": ("governor", "slots")}  # fmt: skip
        if protected:
            self.settings["replay_limit"] = ("replay_limit", "times")
        places = {name: register(entry).field(field) for name, (entry, field) in self.settings.items()}
        self.state = StructLayout({
            "start": 1, "first": 16, "count": 16, "number": 16, "patience": 16, "reset": 1,
            "enable": 1, "pending": 1, **{name: place.width for name, place in places.items()},
            **({"inject": INJECT_BITS} if protected else {}),
            **{f"clear_{name}": 1 for name in CLEARED},
        })  # fmt: skip
        self.reset = {name: place.reset or 0 for name, place in places.items()}
        self.ports = {
            "write": In(1), "address": In(12), "data": In(64), "finished": In(1),
            "start": Out(1), "first": Out(16), "count": Out(16), "number": Out(16), "patience": Out(16),
            "reset": Out(1), "enable": Out(1), "pending": Out(1), "interrupt": Out(1),
            **{name: Out(place.width) for name, place in places.items()},
            "clear": Out(len(CLEARED)),
            **({"inject": Out(INJECT_BITS), "injected": In(1)} if protected else {}),
        }  # fmt: skip

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        def written(name: str):
            return port.write & (port.address[3:] == register(name).address >> 3)

        data = port.data
        with m.If(now.reset):
            m.d.comb += [then.enable.eq(0), then.pending.eq(0)]
            m.d.comb += [getattr(then, name).eq(self.reset[name]) for name in self.settings]
        m.d.comb += [
            then.start.eq(written("start")),
            then.reset.eq(written("reset") & _field(data, "reset", "reset")),
            *(getattr(then, f"clear_{name}").eq(written(name)) for name in CLEARED),
            *(getattr(port, name).eq(getattr(now, name))
              for name in ("start", "first", "count", "number", "patience", "reset", "enable", "pending",
                           *self.settings)),
            then.first.eq(_field(data, "start", "first")), then.count.eq(_field(data, "start", "count")),
            then.number.eq(_field(data, "start", "job")), then.patience.eq(_field(data, "start", "patience")),
            port.interrupt.eq(now.enable & now.pending),
            port.clear.eq(Cat(getattr(now, f"clear_{name}") for name in CLEARED)),
        ]  # fmt: skip
        with m.If(written("interrupt")):
            acknowledge = _field(data, "interrupt", "pending")
            m.d.comb += [
                then.enable.eq(_field(data, "interrupt", "enable")),
                then.pending.eq(now.pending & ~now.reset & ~acknowledge),
            ]
        with m.If(port.finished):
            m.d.comb += then.pending.eq(1)
        for name, (entry, field) in self.settings.items():
            with m.If(written(entry)):
                m.d.comb += getattr(then, name).eq(_field(data, entry, field))
        if self.protected:
            m.d.comb += port.inject.eq(now.inject)
            with m.If(now.reset | port.injected):
                m.d.comb += then.inject.eq(0)
            with m.If(written("inject")):
                m.d.comb += then.inject.eq(_field(data, "inject", "point"))
