"""The governor's bound, in any window."""

from __future__ import annotations

from amaranth.asserts import AnyConst, AnySeq, Initial
from amaranth.hdl import Assert, Assume, Elaboratable, Fragment, Module, Mux, Signal

from vanallen.rtl.control.governor import GovernorMachine
from vanallen.rtl.control.machine import Control

from .specification import registers

__all__ = ["GovernorBound"]


class GovernorBound(Elaboratable):
    """From any place in a round, whenever rounds begin anew and the alarm comes and goes: of the cycles so far, if they
    are no more than ``window``, at most ``slots`` pass; half of them if the alarm was high all the time.

    ``throttle`` is a register: what it says follows from the alarm a cycle before, and counts from the second cycle on.
    Run for one cycle more than the largest ``window`` has, that is every window there is.
    """

    def __init__(self, *, bits: int) -> None:
        self.bits = bits

    def elaborate(self, platform: object) -> Module:
        m = Module()
        governor = Control(machine=GovernorMachine(bits=self.bits))
        m.submodules.governor = fragment = Fragment.get(governor, None)
        place = registers(fragment).place
        window, slots = Signal(self.bits), Signal(self.bits)
        cycles, passed = Signal(self.bits + 1), Signal(self.bits + 1)
        calm, calm_before, counts = Signal(), Signal(), Signal()
        m.d.comb += [
            window.eq(AnyConst(self.bits)), slots.eq(AnyConst(self.bits)), Assume(window != 0), Assume(slots <= window),
            governor.window.eq(window), governor.slots.eq(slots),
            governor.begin.eq(AnySeq(1)), governor.alarm.eq(AnySeq(1)),
            Assume(~Initial() | (place < window)),
            Assume(~Initial() | ((cycles == 0) & (passed == 0) & ~calm & ~counts)),
            Assert((cycles > window) | (passed <= slots), "at most so many slots pass in any window"),
            Assert((cycles > window) | calm | (passed <= slots >> 1), "half as many under the alarm"),
            Assert(place < window, "a place of the round"),
        ]  # fmt: skip
        m.d.sync += [counts.eq(1), calm_before.eq(~governor.alarm)]
        with m.If(counts):
            m.d.sync += [
                cycles.eq(cycles + 1), passed.eq(passed + Mux(governor.throttle, 0, 1)), calm.eq(calm | calm_before),
            ]  # fmt: skip
        return m
