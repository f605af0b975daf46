"""The registers that the host writes."""

from types import SimpleNamespace

from amaranth.hdl import Cat, Module, Value
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from vanallen.rtl.registers import CLEARED, Injection, register

from .machine import Machine

__all__ = ["HostMachine"]


INJECT_BITS = register("inject").field("point").width


def _field(word: Value, name: str, field: str) -> Value:
    """The field called ``field`` in a ``word`` written to register ``name``."""
    place = register(name).field(field)
    return word[place.offset :][: place.width]


class HostMachine(Machine):
    """Turns register writes into what they mean: start, reset, interrupt enable and acknowledge, settings, clears.

    A write (``write`` with ``address``, ``data``) is taken into registers and takes effect in the next cycle, if it is
    ``good`` in that: ``start``, ``reset`` and clears are pulses in this cycle, and what a start says is there in the
    cycle of its pulse alone; the rest is kept from then on. A reset returns the registers to their first state.
    ``idle``: neither start nor reset was just written, sound or not, and nobody was ``busy`` a cycle ago; the fill pass
    says so two cycles after a reset.
    With protection ``inject`` says what is to be hit until ``injected`` says that it was; ``hits_copy``, a cycle later,
    that it is one copy of control.
    """

    def __init__(self, *, protected: bool = False) -> None:
        self.protected = protected
        self.settings = {"steal_interval": ("steal_interval", "slots"), "window": ("governor", "window"),
                         "slots": ("governor", "slots")}  # fmt: skip
        if protected:
            self.settings["replay_limit"] = ("replay_limit", "times")
        places = {name: register(entry).field(field) for name, (entry, field) in self.settings.items()}
        entries = ("start", "reset", "interrupt", *dict.fromkeys(entry for entry, _ in self.settings.values()),
                   *(("inject",) if protected else ()), *CLEARED)  # fmt: skip
        self.targets = {entry: f"to_{entry}" for entry in entries}
        self.flow = frozenset({"word", "quiet", "was_reset", "hits_copy", *self.targets.values()})
        self.state = StructLayout({
            "word": 64, **dict.fromkeys(self.targets.values(), 1), "quiet": 1, "was_reset": 1,
            "enable": 1, "pending": 1, **{name: place.width for name, place in places.items()},
            **({"inject": INJECT_BITS, "hits_copy": 1} if protected else {}),
        })  # fmt: skip
        self.reset = {name: place.reset or 0 for name, place in places.items()}
        self.ports = {
            "write": In(1), "address": In(12), "data": In(64), "good": In(1), "finished": In(1),
            "busy": In(1), "idle": Out(1),
            "start": Out(1), "first": Out(16), "count": Out(16), "number": Out(16), "patience": Out(16),
            "reset": Out(1), "enable": Out(1), "pending": Out(1), "interrupt": Out(1),
            **{name: Out(place.width) for name, place in places.items()},
            "clear": Out(len(CLEARED)),
            **({"inject": Out(INJECT_BITS), "injected": In(1), "hits_copy": Out(1)} if protected else {}),
        }  # fmt: skip

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        def written(entry: str):
            return getattr(now, self.targets[entry]) & port.good

        word = now.word
        m.d.comb += [
            then.word.eq(port.data),
            *(getattr(then, member).eq(port.write & (port.address[3:] == register(entry).address >> 3))
              for entry, member in self.targets.items()),
            port.start.eq(written("start")), port.reset.eq(written("reset") & _field(word, "reset", "reset")),
            port.clear.eq(Cat(written(name) for name in CLEARED)),
            *(getattr(port, name).eq(_field(word, "start", field))
              for name, field in (("first", "first"), ("count", "count"), ("number", "job"), ("patience", "patience"))),
            *(getattr(port, name).eq(getattr(now, name)) for name in ("enable", "pending", *self.settings)),
            port.interrupt.eq(now.enable & now.pending),
            then.was_reset.eq(port.reset),
            then.quiet.eq(~(port.busy | port.start | port.reset | now.was_reset)),
            port.idle.eq(now.quiet & ~now.to_start & ~now.to_reset),
        ]  # fmt: skip
        with m.If(port.reset):
            m.d.comb += [then.enable.eq(0), then.pending.eq(0)]
            m.d.comb += [getattr(then, name).eq(self.reset[name]) for name in self.settings]
        with m.If(written("interrupt")):
            acknowledge = _field(word, "interrupt", "pending")
            m.d.comb += [
                then.enable.eq(_field(word, "interrupt", "enable")), then.pending.eq(now.pending & ~acknowledge),
            ]  # fmt: skip
        with m.If(port.finished):
            m.d.comb += then.pending.eq(1)
        for name, (entry, field) in self.settings.items():
            with m.If(written(entry)):
                m.d.comb += getattr(then, name).eq(_field(word, entry, field))
        if self.protected:
            m.d.comb += [
                port.inject.eq(now.inject), port.hits_copy.eq(now.hits_copy),
                then.hits_copy.eq((now.inject == Injection.CONTROL_COPY) & ~port.injected),
            ]  # fmt: skip
            with m.If(port.reset | port.injected):
                m.d.comb += then.inject.eq(0)
            with m.If(written("inject")):
                m.d.comb += then.inject.eq(_field(word, "inject", "point"))
