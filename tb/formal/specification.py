"""What every formal specification is made of: a reset at the start, free inputs, rules."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from amaranth.asserts import AnySeq, Initial
from amaranth.hdl import Assert, Assume, Elaboratable, Fragment, Module, ResetSignal, Signal, Value, ValueLike
from amaranth.lib import wiring

__all__ = ["Specification", "always", "component", "drive_freely", "history", "registers", "subfragment"]


class Specification(Elaboratable):
    """A top module that has a design inside and :func:`always` says what must hold.

    The state at the first cycle is arbitrary and the reset is high in it; later it may be high at any time. So nothing
    rests on a register's initial value, which the chip doesn't have.
    """

    def specify(self, m: Module) -> None:
        """Adds the design and the rules."""
        raise NotImplementedError

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += Assume(~Initial() | ResetSignal())
        self.specify(m)
        return m


def always(m: Module, rule: str, condition: ValueLike) -> None:
    """``condition`` holds in every cycle without reset; ``rule`` says so in words."""
    m.d.comb += Assert(ResetSignal() | Value.cast(condition).bool(), rule)


def drive_freely(m: Module, component: wiring.Component, *, but: tuple[str, ...] = ()) -> None:
    """Every input of ``component`` has any value in any cycle, except the members named in ``but``."""
    for path, member, value in component.signature.flatten(component):
        if member.flow is wiring.In and path[0] not in but:
            signal = Value.cast(value)
            m.d.comb += signal.eq(AnySeq(len(signal)))


def subfragment(fragment: Fragment, *path: str) -> Fragment:
    """The fragment of the submodule at ``path``."""
    for step in path:
        fragment = next(child for child, name, _ in fragment.subfragments if name == step)
    return fragment


def registers(fragment: Fragment, *path: str) -> SimpleNamespace:
    """By name: the registers of the submodule at ``path``; those of a state machine are its state."""
    statements = subfragment(fragment, *path).statements.get("sync", ())
    return SimpleNamespace(**{signal.name: signal for one in statements for signal in one._lhs_signals()})


def component(fragment: Fragment, *path: str) -> Any:
    """The component that was elaborated into the submodule at ``path``."""
    origins = subfragment(fragment, *path).origins
    assert origins is not None
    return origins[0]


def history(m: Module, value: ValueLike, name: str) -> Signal:
    """``value`` as it was a cycle ago, zero after reset."""
    before = Signal(len(Value.cast(value)), name=name)
    m.d.sync += before.eq(value)
    return before
