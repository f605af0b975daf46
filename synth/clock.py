"""The clocks of a board: of the chip, and of its link."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Const, Elaboratable, Instance, Module, Signal
from amaranth.lib import io
from amaranth.lib.cdc import FFSynchronizer

from .pll import Pll

__all__ = ["ClockGenerator"]


class ClockGenerator(Elaboratable):
    """Drives the domains of a board from its oscillator: ``link`` as it is, ``sync`` through a PLL, each by a gate that
    is closed until the PLL has locked.

    Nothing is clocked before that, so registers start as the bitstream sets them, and the domains need no reset: a net
    to thousands of registers, with a gate before each of their own, was the longest path of the chip. The two have no
    phase in common; what passes between them is made for that (``rtl/bus/crossing.py``).

    Parameters
    ----------
    pll : Pll
    oscillator : str
        Resource of the platform.
    """

    def __init__(self, *, pll: Pll, oscillator: str) -> None:
        self.pll = pll
        self.oscillator = oscillator

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.oscillator = oscillator = io.Buffer(io.Direction.Input, platform.request(self.oscillator, dir="-"))
        m.domains += [ClockDomain(name, reset_less=True, local=True) for name in ("oscillator", "pll")]
        locked = Signal()
        m.d.comb += ClockSignal("oscillator").eq(oscillator.i)
        m.submodules.pll = self._instance(oscillator.i, locked)
        for domain, source in (("sync", "pll"), ("link", "oscillator")):
            running = Signal(name=f"{domain}_running")
            m.submodules[f"{domain}_locked"] = FFSynchronizer(locked, running, o_domain=source)
            # the clock network's own gate; it opens and closes while the clock is low (Lattice FPGA-TN-02200, DCCA)
            m.submodules[f"{domain}_gate"] = Instance(
                "DCCA", i_CLKI=ClockSignal(source), i_CE=running, o_CLKO=ClockSignal(domain)
            )
        return m

    def _instance(self, oscillator: Any, locked: Signal) -> Instance:
        pll = self.pll
        return Instance(
            "EHXPLLL",
            # As `ecppll` of Project Trellis writes it: the loop filter, and the pins that are not used.
            a_ICP_CURRENT="12", a_LPF_RESISTOR="8", a_MFG_ENABLE_FILTEROPAMP="1", a_MFG_GMCREF_SEL="2",
            p_PLLRST_ENA="DISABLED", p_INTFB_WAKE="DISABLED", p_STDBY_ENABLE="DISABLED", p_DPHASE_SOURCE="DISABLED",
            p_OUTDIVIDER_MUXA="DIVA", p_CLKOP_ENABLE="ENABLED", p_FEEDBK_PATH="CLKOP",
            p_CLKI_DIV=pll.reference, p_CLKFB_DIV=pll.feedback, p_CLKOP_DIV=pll.divider,
            p_CLKOP_CPHASE=max(pll.divider // 2 - 1, 0), p_CLKOP_FPHASE=0,
            i_CLKI=oscillator, i_CLKFB=ClockSignal("pll"), o_CLKOP=ClockSignal("pll"), o_LOCK=locked,
            i_RST=Const(0), i_STDBY=Const(0), i_PLLWAKESYNC=Const(0), i_ENCLKOP=Const(0),
            i_PHASESEL0=Const(0), i_PHASESEL1=Const(0), i_PHASEDIR=Const(1), i_PHASESTEP=Const(1),
            i_PHASELOADREG=Const(1),
        )  # fmt: skip
