"""Upsets in a design that is proven: registers that hold something else than they should."""

from __future__ import annotations

from types import SimpleNamespace

from amaranth.asserts import AnySeq
from amaranth.hdl import Cat, Fragment, Module, Mux, ResetSignal, Signal, Value, ValueLike

from vanallen.rtl.control.voter import agreed

from .specification import always, component, registers, subfragment

__all__ = ["OneBit", "delays_struck", "entries_struck", "one_copy_struck", "voted"]

COPIES = 3


def voted(fragment: Fragment, name: str, copies: int) -> SimpleNamespace:
    """By name: the state of the machine at submodule ``name``, or what its copies agree on."""
    if copies == 1:
        return registers(fragment, name)
    held = [vars(registers(fragment, name, f"copy_{copy}")) for copy in range(copies)]
    return SimpleNamespace(**{member: agreed(copy[member] for copy in held) for member in held[0]})


def one_copy_struck(m: Module, fragment: Fragment, *machines: str) -> None:
    """One copy of the triplicated ``machines``, the same of each or none, holds anything in any cycle.

    That is more than one flip. What the others hold must then be the same.
    """
    victim = Signal(range(COPIES + 1), name="victim", reset_less=True)
    with m.If(ResetSignal()):
        m.d.sync += victim.eq(AnySeq(len(victim)))
    for machine in machines:
        held = []
        for copy in range(COPIES):
            state = vars(registers(fragment, machine, f"copy_{copy}"))
            held.append(Cat(state.values()))
            for register in state.values():
                part = subfragment(fragment, machine, f"copy_{copy}")
                following = next(signal for statement in part.statements["comb"] for signal in statement._lhs_signals()
                                 if signal.name == f"{register.name}_next")  # fmt: skip
                part.add_statements(
                    "sync", register.eq(Mux(victim == copy, AnySeq(len(register)), Value.cast(following)))
                )
        for copy in range(COPIES):
            other = (copy + 1) % COPIES
            always(m, f"invariant: {machine}, copies {copy} and {other}",
                   (victim == copy) | (victim == other) | (held[copy] == held[other]))  # fmt: skip


class OneBit:
    """Once, in any cycle, one bit of one of the registers given to :meth:`strike` flips. ``spent``: it has."""

    def __init__(self, m: Module) -> None:
        self.spent, self.strikes = Signal(name="spent"), Signal(name="strikes")
        self.which = Signal(6, name="which")
        self.count = 0
        m.d.comb += [self.which.eq(AnySeq(len(self.which))), self.strikes.eq(AnySeq(1) & ~self.spent)]
        m.d.sync += self.spent.eq(self.spent | self.strikes)

    def strike(self, m: Module, part: Fragment, register: Signal, unharmed: ValueLike) -> None:
        """``register`` of ``part`` becomes what it would, ``unharmed``, or that with a flip."""
        width = len(Value.cast(register))
        flip, bit = Signal(width, name=f"flip_{self.count}"), AnySeq(width.bit_length())
        m.d.comb += flip.eq(Mux(self.strikes & (self.which == self.count) & (bit < width), 1 << bit, 0))
        part.add_statements("sync", register.eq(Value.cast(unharmed) ^ flip))
        self.count += 1
        assert self.count <= 1 << len(self.which)


def entries_struck(m: Module, fragment: Fragment, one: OneBit, name: str) -> None:
    """Any bit of an entry of the :class:`PairQueue` at submodule ``name``."""
    queue, state, part = component(fragment, name), registers(fragment, name), subfragment(fragment, name)
    value = Cat(queue.value, queue.value.xor())
    first = Mux(queue.place[0], value, Mux(queue.shift, state.entry_1, state.entry_0))
    one.strike(m, part, state.entry_0, first)
    one.strike(m, part, state.entry_1, Mux(queue.place[1], value, state.entry_1))


def delays_struck(m: Module, fragment: Fragment, one: OneBit, name: str) -> None:
    """Any bit of the submodule ``name``, whose registers take something in every cycle."""
    part = subfragment(fragment, name)
    for statement in list(part.statements["sync"]):
        one.strike(m, part, statement.lhs, statement.rhs)
