"""What a single flip does to one of three copies of control: nothing that the others, or anybody else, could see."""

from __future__ import annotations

import warnings

from amaranth.asserts import AnySeq, Initial
from amaranth.hdl import Assert, Assume, Cat, Fragment, Module, Mux, UnusedElaboratable, Value
from amaranth.lib import wiring

from vanallen.rtl.accelerator import Accelerator
from vanallen.rtl.config import Config
from vanallen.rtl.control.machine import Control, Machine

from .specification import Specification, always, registers

__all__ = ["CopyMasked", "machines"]


def machines(config: Config) -> dict[str, Machine]:
    """Every state machine of the chip of ``config``, by name."""
    warnings.simplefilter("ignore", UnusedElaboratable)  # this chip is made for its machines alone
    chip = Accelerator(config=config)
    found = {name: control.machine for name, control in chip.machines.items()}
    found |= {f"{name}_access": memory.access.machine for name, memory in chip.memories.items()}
    return found | {name: getattr(chip.bridge, name).machine for name in ("write_channel", "read_channel")}


class CopyMasked(Specification):
    """A copy beside a machine that is alone, which has seen the same: whatever one of the copy's two peers
    says, another one in each cycle, state and outputs stay equal.

    So two copies that are right stay right, and what they say, which is a majority, is right, however long the third is
    wrong. The third hears two peers that are right, so all that it holds but :attr:`Machine.flow` is right one cycle
    after the flip, and that some cycles later, as far as it is made of itself: tests/rtl/control/test_machine.py.
    """

    def __init__(self, *, machine: Machine) -> None:
        self.machine = machine

    def specify(self, m: Module) -> None:
        copy, alone = Control(machine=self.machine, voting=True), Control(machine=self.machine)
        fragments = [Fragment.get(control, None) for control in (copy, alone)]
        m.submodules.copy, m.submodules.alone = fragments
        for (_, member, value), (_, _, other) in zip(
            wiring.Signature(alone.signature.members).flatten(alone),
            wiring.Signature(alone.signature.members).flatten(copy),
            strict=True,
        ):
            mine, others = Value.cast(value), Value.cast(other)
            if member.flow is wiring.In:
                free = AnySeq(len(mine))
                m.d.comb += [mine.eq(free), others.eq(free)]
            else:
                always(m, "an output is that of the machine alone", mine == others)
        held, reference = (vars(registers(fragment)) for fragment in fragments)
        right = Cat(reference[name] for name in copy.voted)
        wrong, which = AnySeq(len(right)), AnySeq(1)
        m.d.comb += [copy.peer_0.eq(Mux(which, wrong, right)), copy.peer_1.eq(Mux(which, right, wrong))]
        for name, register in held.items():
            m.d.comb += Assume(~Initial() | (register == reference[name]))
            m.d.comb += Assert(register == reference[name], f"invariant: {name}")  # during a reset too
