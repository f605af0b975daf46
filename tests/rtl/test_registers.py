"""The address map: nothing overlaps, everything fits."""

from itertools import combinations

import pytest

from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import PRESETS
from vanallen.rtl.registers import (
    ADDRESS_BITS,
    REGISTERS,
    WINDOW_BYTES,
    State,
    Window,
    register,
    window_banks,
    window_rows,
    window_stride,
)

MEMORIES = [window for window in Window if window is not Window.REGISTERS]


def test_addresses_and_names_are_unique():
    assert len({entry.address for entry in REGISTERS}) == len(REGISTERS) == len({entry.name for entry in REGISTERS})
    assert all(entry.address % 8 == 0 for entry in REGISTERS)
    single = [entry.address for entry in REGISTERS if entry.name != "layer_cycles"]
    assert max(single) < register("layer_cycles").address
    assert register("layer_cycles").address + 64 * 8 <= 1 << 12


@pytest.mark.parametrize("entry", REGISTERS, ids=lambda entry: entry.name)
def test_fields_fit_and_do_not_overlap(entry):
    bits = [bit for field in entry.fields for bit in range(field.offset, field.offset + field.width)]
    assert len(set(bits)) == len(bits) and 0 <= min(bits) and max(bits) < 64
    assert len({field.name for field in entry.fields}) == len(entry.fields)
    assert entry.doc and all(field.doc for field in entry.fields)


def test_a_register_by_name():
    assert register("status").address == 0x30
    with pytest.raises(KeyError):
        register("none")


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
    fields = {field.name: field.width for field in register("capacity").fields}
    for config in PRESETS.values():
        assert config.activation_words < 1 << fields["activation"]
        assert config.weight_words < 1 << fields["weight"]
        assert config.accumulator_rows < 1 << fields["accumulator"]
