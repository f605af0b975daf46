"""The address map: nothing overlaps, everything fits."""

from itertools import combinations

import pytest

from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import PRESETS
from vanallen.rtl.registers import (
    ADDRESS_BITS,
    IDENTITY,
    REGISTERS,
    VERSION,
    WINDOW_BYTES,
    State,
    Window,
    memory,
    register,
    window_banks,
    window_rows,
    window_stride,
)

COUNTER = {"count": (0, 40)}
VERSION_0_1 = {
    "identity": (0x00, {"identity": (0, 64)}),
    "version": (0x08, {"patch": (0, 8), "minor": (8, 8), "major": (16, 8)}),
    "configuration": (0x10, {"rows": (0, 8), "columns": (8, 8), "lanes": (16, 8), "side_columns": (24, 8)}),
    "capacity": (0x18, {"activation": (0, 16), "weight": (16, 16), "accumulator": (32, 13)}),
    "start": (0x20, {"first": (0, 16), "count": (16, 16), "job": (32, 16)}),
    "reset": (0x28, {"reset": (0, 1)}),
    "status": (0x30, {"state": (0, 8), "error": (8, 8), "command": (16, 16), "job": (32, 16), "blocks": (48, 16)}),
    "interrupt": (0x38, {"enable": (0, 1), "pending": (1, 1)}),
    "steal_interval": (0x40, {"slots": (0, 16)}),
    "job_cycles": (0x48, COUNTER),
    "issued_slots": (0x50, COUNTER),
    "stalled_slots": (0x58, COUNTER),
    "stolen_slots": (0x60, COUNTER),
    "layer_cycles": (0x400, {"count": (0, 32)}),
}
"""Addresses and places of fields of the first interface: a minor version adds to them and moves none."""

ERRORS_0_1 = [
    "NONE", "BAD_JOB", "BAD_CHECKSUM", "BAD_OPCODE", "BAD_RESERVED", "BAD_SHAPE", "BAD_KERNEL", "BAD_STRIDE",
    "BAD_BLOCK", "INPUT_REGION", "OUTPUT_REGION", "OVERLAP", "INPUT_ADDRESS", "WEIGHT_ADDRESS", "PARAMETER_ADDRESS",
    "OUTPUT_ADDRESS", "COLLISION",
]  # fmt: skip

MEMORIES = [window for window in Window if window is not Window.REGISTERS]


def test_addresses_and_names_are_unique():
    assert len({entry.address for entry in REGISTERS}) == len(REGISTERS) == len({entry.name for entry in REGISTERS})
    assert all(entry.address % 8 == 0 for entry in REGISTERS)
    words = [entry.address + 8 * word for entry in REGISTERS for word in range(entry.words)]
    assert len(set(words)) == len(words) == 13 + 64 and max(words) < 1 << 12
    assert all(entry.words.bit_count() == 1 and entry.address % (8 * entry.words) == 0 for entry in REGISTERS)


def test_what_version_0_1_had_is_still_there():
    for name, (address, fields) in VERSION_0_1.items():
        entry = register(name)
        assert entry.address == address
        assert all((entry.field(part).offset, entry.field(part).width) == place for part, place in fields.items()), name
    assert VERSION == (0, 2, 0)
    assert IDENTITY == 0x56414E414C4C454E == int.from_bytes(b"VANALLEN", "big")
    assert {state.name: state for state in State} == {
        "FILLING": 0x0F, "READY": 0x33, "BUSY": 0x55, "DONE": 0x66, "FAILED": 0x99
    }  # fmt: skip
    assert [code.name for code in ErrorCode] == ERRORS_0_1 and [*ErrorCode] == [*range(len(ERRORS_0_1))]


@pytest.mark.parametrize("entry", REGISTERS, ids=lambda entry: entry.name)
def test_fields_fit_and_do_not_overlap(entry):
    bits = [bit for field in entry.fields for bit in range(field.offset, field.offset + field.width)]
    assert len(set(bits)) == len(bits) and 0 <= min(bits) and max(bits) < 64
    assert len({field.name for field in entry.fields}) == len(entry.fields)
    assert entry.doc and all(field.doc for field in entry.fields)


def test_a_register_by_name():
    assert register("status").address == 0x30
    assert register("status").field("job").offset == 32
    with pytest.raises(KeyError):
        register("none")
    with pytest.raises(KeyError):
        register("status").field("none")
    with pytest.raises(KeyError):
        memory(Window.REGISTERS)


def test_codes_fit_their_field():
    fields = {field.name: field for field in register("status").fields}
    assert all(code < 1 << fields["error"].width for code in ErrorCode)
    assert all(state < 1 << fields["state"].width for state in State)


@pytest.mark.parametrize(("one", "other"), list(combinations(State, 2)), ids=lambda state: state.name)
def test_states_differ_in_four_bits(one, other):
    assert (one ^ other).bit_count() >= 4


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
@pytest.mark.parametrize("window", MEMORIES, ids=lambda window: window.name)
def test_a_memory_fits_its_windows(config, window):
    banks, bits = window_banks(config, window)
    stride = window_stride(config, window)
    end = window.base + stride * window_rows(config, window)
    following = min([other.base for other in Window if other > window], default=1 << ADDRESS_BITS)
    assert end <= following and end <= 1 << ADDRESS_BITS
    assert banks * max(bits, 64) // 8 <= stride and stride & (stride - 1) == 0 and stride >= 8
    assert window.base == window * WINDOW_BYTES


def test_capacities_fit_their_fields():
    for name in ("configuration", "capacity"):
        for config in PRESETS.values():
            for field, value in register(name).constants(config).items():
                assert 0 <= value < 1 << register(name).field(field).width
    largest = {"activation": 32768, "weight": 32768, "accumulator": 4096}  # what Config allows
    assert all(value < 1 << register("capacity").field(name).width for name, value in largest.items())
    assert all(4096 < 1 << register("configuration").field(name).width for name in ("parameter_rows", "command_rows"))
