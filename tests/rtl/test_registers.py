"""The address map: nothing overlaps, everything fits."""

from itertools import combinations

import pytest

from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import PRESETS
from vanallen.rtl.registers import (
    ADDRESS_BITS,
    IDENTITY,
    MEMORY_WINDOWS,
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
EVENTS = {"count": (0, 12)}
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

ADDED_0_2 = {"configuration": (0x10, {"parameter_rows": (32, 16), "command_rows": (48, 16)})}

ADDED_0_3 = {
    "start": (0x20, {"patience": (48, 16)}),
    "governor": (0x68, {"window": (0, 8), "slots": (8, 8)}),
    "throttled_slots": (0x70, COUNTER),
    "replay_limit": (0x78, {"times": (0, 4)}),
    "corrected": (0x80, EVENTS),
    "uncorrectable": (0x88, EVENTS),
    "recovered": (0x90, EVENTS),
    "outvoted": (0x98, EVENTS),
    "refused_writes": (0xA0, EVENTS),
    "last_failure": (0xA8, {"row": (0, 16), "window": (16, 3), "uncorrectable": (19, 1)}),
    "written": (0xB0, {"checksum": (0, 32)}),
    "read_back": (0xB8, {"checksum": (0, 32)}),
    "faults": (0xC0, {
        "command_memory": (0, 4), "weight_memory": (4, 4), "activation_memory": (8, 4), "parameter_memory": (12, 4),
        "tag": (16, 4), "weight_identity": (20, 4), "weight_parity": (24, 4), "activation_parity": (28, 4),
        "checksum": (32, 4), "requantizer": (36, 4),
    }),
    "inject": (0xC8, {"point": (0, 5)}),
}  # fmt: skip

ERRORS_0_1 = [
    "NONE", "BAD_JOB", "BAD_CHECKSUM", "BAD_OPCODE", "BAD_RESERVED", "BAD_SHAPE", "BAD_KERNEL", "BAD_STRIDE",
    "BAD_BLOCK", "INPUT_REGION", "OUTPUT_REGION", "OVERLAP", "INPUT_ADDRESS", "WEIGHT_ADDRESS", "PARAMETER_ADDRESS",
    "OUTPUT_ADDRESS", "COLLISION",
]  # fmt: skip
ERRORS_0_3 = [
    "COMMAND_MEMORY", "WEIGHT_MEMORY", "ACTIVATION_MEMORY", "PARAMETER_MEMORY", "TAG", "WEIGHT_IDENTITY",
    "WEIGHT_PARITY", "ACTIVATION_PARITY", "CHECKSUM", "REQUANTIZER", "ROWS_MISSING", "WATCHDOG",
]  # fmt: skip


def test_addresses_and_names_are_unique():
    assert len({entry.address for entry in REGISTERS}) == len(REGISTERS) == len({entry.name for entry in REGISTERS})
    assert all(entry.address % 8 == 0 for entry in REGISTERS)
    words = [entry.address + 8 * word for entry in REGISTERS for word in range(entry.words)]
    assert len(set(words)) == len(words) and max(words) < 1 << 12
    assert all(entry.words.bit_count() == 1 and entry.address % (8 * entry.words) == 0 for entry in REGISTERS)


def test_registers_are_where_every_version_had_them():
    versions = (VERSION_0_1, ADDED_0_2, ADDED_0_3)
    places = {name: {} for version in versions for name in version}
    for version in versions:
        for name, (address, fields) in version.items():
            assert register(name).address == address
            places[name] |= fields
    found = {entry.name: {field.name: (field.offset, field.width) for field in entry.fields} for entry in REGISTERS}
    assert found == places
    assert VERSION == (0, 3, 0)


def test_windows_and_codes_are_those_of_every_version():
    assert {window.name: window.base for window in Window} == {
        "REGISTERS": 0, "COMMAND": 0x080000, "PARAMETER": 0x100000, "WEIGHT": 0x200000, "ACTIVATION": 0x300000
    }  # fmt: skip
    assert [*MEMORY_WINDOWS] == [*Window][1:]
    assert IDENTITY == 0x56414E414C4C454E == int.from_bytes(b"VANALLEN", "big")
    assert {state.name: state for state in State} == {
        "FILLING": 0x0F, "READY": 0x33, "BUSY": 0x55, "DONE": 0x66, "FAILED": 0x99
    }  # fmt: skip
    assert [code.name for code in ErrorCode] == ERRORS_0_1 + ERRORS_0_3
    assert [*ErrorCode] == [*range(29)]


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
@pytest.mark.parametrize("window", MEMORY_WINDOWS, ids=lambda window: window.name)
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
