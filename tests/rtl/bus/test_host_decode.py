"""What is decoded from addresses, against the tables."""

import random

import pytest

from vanallen.rtl.bus.host_decode import MEMORIES, HostDecode
from vanallen.rtl.config import PRESETS
from vanallen.rtl.registers import REGISTERS, Access, Window, register, window_banks, window_rows, window_stride


def addresses(config, rng):
    """Those of all registers, of corners of memories and beside them, and some others."""
    found = [entry.address + 8 * word for entry in REGISTERS for word in range(entry.words + 1)]
    for window in Window:
        found += [(window << 19) + place * 8 for place in (0, 1, (1 << 16) - 1)]
    for window in MEMORIES:
        rows, stride = window_rows(config, window), window_stride(config, window)
        rows_tried = {0, 1, rng.randrange(rows), rows - 1, rows}
        found += [(window << 19) + row * stride + word * 8 for row in rows_tried for word in range(stride // 8)]
    return [address % (1 << 22) for address in found + [rng.randrange(1 << 19) * 8 for _ in range(100)]]


def expected(config, address):
    """(readable, writable, waits) of a register, and by memory the row and the bank that it is."""
    may = {Access.READ: (1, 0), Access.WRITE: (0, 1)}
    owner = next((entry for entry in REGISTERS if entry.address <= address < entry.address + 8 * entry.words), None)
    direction = may.get(owner.access, (1, 1)) if owner else (0, 0)
    waits = owner in [register(name) for name in ("start", "steal_interval", "governor", "replay_limit")]
    for window in MEMORIES:
        row, rest = divmod(address % (1 << 19), window_stride(config, window))
        if (
            address >> 19 == window
            and row < window_rows(config, window)
            and rest // 8 < window_banks(config, window)[0]
        ):
            return (*direction, waits), (window, row, rest // 8)
    return (*direction, waits), None


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_addresses_are_those_of_the_tables(simulate, config):
    decode = HostDecode(config=config)

    async def testbench(ctx):
        for address in addresses(config, random.Random(config.name)):
            ctx.set(decode.address, address >> 3)
            (may_read, may_write, waits), place = expected(config, address)
            assert (ctx.get(decode.readable), ctx.get(decode.writable)) == (may_read, may_write), hex(address)
            assert ctx.get(decode.in_registers) == (address < 1 << 12) >= (may_read | may_write), hex(address)
            assert not may_write or ctx.get(decode.waits) == waits, hex(address)
            assert ctx.get(decode.memory) == (place is not None), hex(address)
            for window in MEMORIES:
                name, here = window.name.lower(), place is not None and place[0] == window
                assert ctx.get(getattr(decode, f"{name}_banks")) == (1 << place[2] if here else 0), hex(address)
                assert not here or ctx.get(getattr(decode, f"{name}_row")) == place[1], hex(address)

    simulate(decode, testbench, clocked=False)
