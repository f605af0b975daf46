"""What is read at register addresses, against the table."""

import random

import pytest
from amaranth.hdl import Module, Signal

from vanallen.rtl.bus.counters import LAYERS_LOGGED
from vanallen.rtl.bus.register_file import RegisterFile, readable, writable
from vanallen.rtl.config import PRESETS
from vanallen.rtl.registers import IDENTITY, REGISTERS, VERSION, Access, register


def unpack(entry, word):
    known = 0
    for field in entry.fields:
        known |= ((1 << field.width) - 1) << field.offset
    assert word & ~known == 0, f"{entry.name}: bits outside the fields"
    return {field.name: word >> field.offset & (1 << field.width) - 1 for field in entry.fields}


def expected(config, inputs):
    constants = {
        "identity": {"identity": IDENTITY},
        "version": dict(zip(("major", "minor", "patch"), VERSION, strict=True)),
        "configuration": {name: getattr(config, name) for name in ("rows", "columns", "lanes", "side_columns",
                                                                   "parameter_rows", "command_rows")},
        "capacity": {"activation": config.activation_words, "weight": config.weight_words,
                     "accumulator": config.accumulator_rows},
    }  # fmt: skip
    others = {entry.name: {field.name: inputs.get(f"{entry.name}_{field.name}") for field in entry.fields}
              for entry in REGISTERS}  # fmt: skip
    return others | constants


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_words_are_those_of_the_table(simulate, config):
    rng = random.Random(config.name)

    async def testbench(ctx):
        for _ in range(10):
            inputs = {
                f"{entry.name}_{field.name}": rng.getrandbits(field.width)
                for entry in registers.readable for field in entry.fields if field.changes
            }  # fmt: skip
            for name, value in inputs.items():
                ctx.set(getattr(registers, name), value)
            want = expected(config, inputs)
            for entry in REGISTERS:
                if entry.access is Access.WRITE or entry.name == "layer_cycles":
                    continue
                ctx.set(registers.address, entry.address)
                assert unpack(entry, ctx.get(registers.value)) == want[entry.name]
            for layer in (0, 1, LAYERS_LOGGED - 1):
                ctx.set(registers.address, register("layer_cycles").address + 8 * layer)
                assert ctx.get(registers.value) == inputs["layer_cycles_count"]

    registers = RegisterFile(config=config)
    simulate(registers, testbench, clocked=False)


def test_directions_are_those_of_the_table(simulate):
    m = Module()
    address, may_read, may_write = Signal(19), Signal(), Signal()
    m.d.comb += [may_read.eq(readable(address)), may_write.eq(writable(address))]
    entries = {entry.address: entry.access for entry in REGISTERS}
    entries |= {register("layer_cycles").address + 8 * layer: Access.READ for layer in range(LAYERS_LOGGED)}

    async def testbench(ctx):
        for word in [*range(0, 1 << 12, 8), 1 << 12, 1 << 18, (1 << 12) + 0x30]:
            ctx.set(address, word)
            access = entries.get(word)
            assert ctx.get(may_read) == (access not in (None, Access.WRITE)), hex(word)
            assert ctx.get(may_write) == (access not in (None, Access.READ)), hex(word)

    simulate(m, testbench, clocked=False)
