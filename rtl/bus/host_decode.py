"""What is behind an address of the host's."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.config import Config
from vanallen.rtl.registers import (
    ADDRESS_BITS,
    MEMORY_WINDOWS,
    Window,
    register,
    window_banks,
    window_rows,
    window_stride,
)

from .register_file import readable, writable

__all__ = ["MEMORIES", "PLACE_BITS", "WINDOW_BITS", "WORD_ADDRESS_BITS", "HostDecode", "bank_bits"]

MEMORIES = MEMORY_WINDOWS
"""The windows that are RAM."""

WORD_ADDRESS_BITS = ADDRESS_BITS - 3
"""Of the address of a 64-bit word; no byte of one is addressed alone."""

WINDOW_BITS = 3
"""The upper bits of an address, which name a window."""

PLACE_BITS = 9
"""The lower bits of a word's address, which name a register, or a bank in a row."""

WAITING = ("start", "steal_interval", "governor", "replay_limit")
"""Registers that are only written while the chip is idle."""


def bank_bits(config: Config, window: Window) -> int:
    """Lower bits of a word's address that name a bank; those of the row follow."""
    return window_stride(config, window).bit_length() - 4


class HostDecode(wiring.Component):
    """Decodes the address of a word (the byte address without its lowest three bits). Combinational.

    Members: ``in_registers``: it lies where registers do; ``readable``, ``writable``: it is that of a register that can
    be; ``waits``: of one that is only written while idle; ``memory``: a word of some RAM is there; for each RAM
    ``<name>_row`` and ``<name>_banks``, a bit a bank: the one it is, or none.
    """

    def __init__(self, *, config: Config):
        self.config = config
        members = {"address": In(WORD_ADDRESS_BITS), "memory": Out(1),
                   **dict.fromkeys(("in_registers", "readable", "writable", "waits"), Out(1))}  # fmt: skip
        for window in MEMORIES:
            name, (banks, _) = window.name.lower(), window_banks(config, window)
            row = (window_rows(config, window) - 1).bit_length()
            members |= {f"{name}_row": Out(row), f"{name}_banks": Out(banks)}
        super().__init__(members)

    def elaborate(self, platform) -> Module:
        m = Module()
        found = [self._memory(m, window) for window in MEMORIES]
        upper = len(self.address) - WINDOW_BITS - PLACE_BITS
        register_address = Cat(Const(0, 3), self.address[:-WINDOW_BITS])
        m.d.comb += [
            self.memory.eq(reduce(or_, found)),
            self.in_registers.eq(self.address[PLACE_BITS:] == Window.REGISTERS << upper),
            self.readable.eq(self.in_registers & readable(register_address)),
            self.writable.eq(self.in_registers & writable(register_address)),
            self.waits.eq(Cat(register_address[3:] == register(name).address >> 3 for name in WAITING).any()),
        ]
        return m

    def _memory(self, m: Module, window: Window) -> Value:
        """Whether there is a word of ``window``."""
        low, (banks, _) = bank_bits(self.config, window), window_banks(self.config, window)
        bank, row = self.address[:low], self.address[low:-WINDOW_BITS]
        here: Value = (self.address[-WINDOW_BITS:] == window) & (row < window_rows(self.config, window))
        name = window.name.lower()
        m.d.comb += [
            getattr(self, f"{name}_row").eq(row),
            getattr(self, f"{name}_banks").eq(Mux(here, 1 << bank if low else 1, 0)),
        ]
        return here & (bank < banks) if low else here
