"""Upsets in a design that is proven: registers that hold something else than they should."""

from __future__ import annotations

from types import SimpleNamespace

from amaranth.asserts import AnySeq
from amaranth.hdl import Cat, Fragment, Module, Mux, ResetSignal, Signal, Value

from vanallen.rtl.bus.pair_queue import PairQueue
from vanallen.rtl.control.voter import agreed

from .specification import always, registers, subfragment

__all__ = ["one_copy_struck", "one_entry_struck", "voted"]

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


def one_entry_struck(m: Module, fragment: Fragment, queues: dict[str, PairQueue]) -> Signal:
    """Once, in any cycle, a bit of an entry of ``queues`` (by names of their submodules) flips. Whether it has."""
    spent, which = Signal(name="spent"), Signal(range(2 * len(queues)), name="which")
    m.d.comb += which.eq(AnySeq(len(which)))
    strikes = Signal(name="strikes")
    m.d.comb += strikes.eq(AnySeq(1) & ~spent)
    m.d.sync += spent.eq(spent | strikes)
    for position, (name, queue) in enumerate(queues.items()):
        value = Cat(queue.value, queue.value.xor())
        state = registers(fragment, name)
        first = Mux(queue.place[0], value, Mux(queue.shift, state.entry_1, state.entry_0))
        following = {0: first, 1: Mux(queue.place[1], value, state.entry_1)}
        for entry, unharmed in following.items():
            flip = Signal(len(value), name=f"flip_{name}_{entry}")
            bit = AnySeq(range(len(value)).stop.bit_length())
            m.d.comb += flip.eq(Mux(strikes & (which == 2 * position + entry) & (bit < len(value)), 1 << bit, 0))
            register = getattr(state, f"entry_{entry}")
            subfragment(fragment, name).add_statements("sync", register.eq(unharmed ^ flip))
    return spent
