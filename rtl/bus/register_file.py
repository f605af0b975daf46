"""What the host reads at register addresses."""

from amaranth.hdl import Cat, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.config import Config
from vanallen.rtl.registers import REGISTERS, Access, Register

__all__ = ["RegisterFile", "readable", "writable"]


def readable(address: Value) -> Value:
    """Whether the register at byte ``address`` (19 bits) may be read."""
    return Cat(_selects(address, entry) for entry in REGISTERS if entry.access is not Access.WRITE).any()


def writable(address: Value) -> Value:
    """Whether the register at byte ``address`` (19 bits) may be written."""
    return Cat(_selects(address, entry) for entry in REGISTERS if entry.access is not Access.READ).any()


def _selects(address: Value, entry: Register) -> Value:
    low = (8 * entry.words).bit_length() - 1
    return address[low:] == entry.address >> low


class RegisterFile(wiring.Component):
    """Selects by ``address`` among the registers that can be read; combinational.

    Members: ``address``, ``value``, and ``<register>_<field>`` for every field that isn't constant; for a register of
    several words that is the word of this address.
    """

    def __init__(self, *, config: Config):
        self.config = config
        self.readable = [entry for entry in REGISTERS if entry.access is not Access.WRITE]
        members = {"address": In(12), "value": Out(64)}
        for entry in self.readable:
            members |= {f"{entry.name}_{field.name}": In(field.width) for field in entry.fields if field.changes}
        super().__init__(members)

    def elaborate(self, platform) -> Module:
        m = Module()
        for entry in self.readable:
            constants = entry.constants(self.config)
            with m.If(_selects(self.address, entry)):
                for field in entry.fields:
                    value = getattr(self, f"{entry.name}_{field.name}") if field.changes else constants[field.name]
                    m.d.comb += self.value[field.offset :][: field.width].eq(value)
        return m
