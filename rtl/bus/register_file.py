"""What the host reads at register addresses."""

from amaranth.hdl import Cat, Const, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.config import Config
from vanallen.rtl.registers import IDENTITY, REGISTERS, VERSION, Access

from .counters import LAYERS_LOGGED

__all__ = ["RegisterFile", "readable", "writable"]

LAYER_CYCLES_WINDOW = 0x400


def readable(address: Value) -> Value:
    """Whether the register at byte ``address`` (19 bits) may be read."""
    single = [entry.address for entry in REGISTERS if entry.access is not Access.WRITE and entry.name != "layer_cycles"]
    logged = (address >= LAYER_CYCLES_WINDOW) & (address < LAYER_CYCLES_WINDOW + 8 * LAYERS_LOGGED)
    return _one_of(address, single) | logged


def writable(address: Value) -> Value:
    """Whether the register at byte ``address`` (19 bits) may be written."""
    return _one_of(address, [entry.address for entry in REGISTERS if entry.access is not Access.READ])


def _one_of(address: Value, choices: list[int]) -> Value:
    return Cat(address[3:] == choice >> 3 for choice in choices).any()


class RegisterFile(wiring.Component):
    """Selects by ``address`` among the registers; combinational. ``logged`` is the cycle log's word of that address."""

    def __init__(self, *, config: Config):
        self.config = config
        super().__init__({
            "address": In(12), "value": Out(64), "logged": In(32),
            "state": In(8), "error": In(8), "command": In(16), "job": In(16), "blocks": In(16),
            "enable": In(1), "pending": In(1), "steal_interval": In(16),
            "job_cycles": In(40), "issued_slots": In(40), "stalled_slots": In(40), "stolen_slots": In(40),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        config, (major, minor, patch) = self.config, VERSION
        values = {
            "identity": {"identity": Const(IDENTITY, 64)},
            "version": {"major": Const(major, 8), "minor": Const(minor, 8), "patch": Const(patch, 8)},
            "configuration": {name: Const(getattr(config, name), 8)
                              for name in ("rows", "columns", "lanes", "side_columns")},
            "capacity": {"activation": Const(config.activation_words, 16), "weight": Const(config.weight_words, 16),
                         "accumulator": Const(config.accumulator_rows, 13)},
            "status": {name: getattr(self, name) for name in ("state", "error", "command", "job", "blocks")},
            "interrupt": {"enable": self.enable, "pending": self.pending},
            "steal_interval": {"slots": self.steal_interval},
            "layer_cycles": {"count": self.logged},
        }  # fmt: skip
        for name in ("job_cycles", "issued_slots", "stalled_slots", "stolen_slots"):
            values[name] = {"count": getattr(self, name)}
        for entry in REGISTERS:
            if entry.access is Access.WRITE:
                continue
            selected = self.address[3:] == entry.address >> 3
            if entry.name == "layer_cycles":
                selected = self.address[10]
            with m.If(selected):
                for field in entry.fields:
                    m.d.comb += self.value[field.offset :][: field.width].eq(values[entry.name][field.name])
        return m
