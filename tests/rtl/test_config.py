"""Configurations: which sizes are refused and why, and that others than the presets make a chip."""

import re
from dataclasses import replace

import pytest

from vanallen.rtl.config import PRESETS, Config, preset
from vanallen.rtl.verilog import verilog

NANO = {"name": "x", "rows": 4, "columns": 4, "lanes": 1, "activation_bytes": 8192, "weight_bytes": 8192,
        "accumulator_rows": 64}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": 5}, "rows must be one of (4, 8, 16), not 5"),
        ({"rows": 32}, "rows must be one of (4, 8, 16), not 32"),
        ({"columns": 6}, "columns must be a multiple of rows (4) up to 64, not 6: else two column blocks would share"),
        ({"columns": 68}, "columns must be a multiple of rows (4) up to 64, not 68"),
        ({"columns": 0}, "columns must be a multiple of rows (4) up to 64, not 0"),
        ({"lanes": 3}, "lanes must be a power of two that divides rows (4), not 3"),
        ({"lanes": 8}, "lanes must be a power of two that divides rows (4), not 8"),
        ({"activation_bytes": 8191}, "activation_bytes must be 4 bytes times a power of two from 64 to 32768"),
        ({"activation_bytes": 1 << 18}, "activation_bytes must be 4 bytes times a power of two"),
        ({"weight_bytes": 4 * 96}, "weight_bytes must be 4 bytes times a power of two from 64 to 32768, not 384"),
        ({"weight_bytes": 4 * 32}, "weight_bytes must be 4 bytes times a power of two from 64 to 32768, not 128"),
        (
            {"rows": 16, "columns": 48, "weight_bytes": 48 << 14},
            "weight_bytes must be at most 393216, not 786432: its window of the address map is 524288 bytes, 64 a word",
        ),
        ({"accumulator_rows": 8}, "accumulator_rows must be a power of two from 16 to 4096, not 8"),
        ({"accumulator_rows": 100}, "accumulator_rows must be a power of two from 16 to 4096, not 100"),
        ({"parameter_rows": 32}, "parameter_rows must be a power of two from 64 to 4096, not 32"),
        ({"command_rows": 8192}, "command_rows must be a power of two from 64 to 4096, not 8192"),
        ({"protection": "half"}, "protection must be one of ('none', 'full'), not 'half'"),
        (
            {"columns": 32, "weight_bytes": 8192, "protection": "full"},
            "columns must be at most 16 with protection, not 32",
        ),
    ],
    ids=lambda value: "-".join(f"{key}={size}" for key, size in value.items()) if isinstance(value, dict) else "",
)
def test_refused_with_the_reason(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Config(**{**NANO, **change})


@pytest.mark.parametrize("value", [4.0, "4", None, True])
def test_sizes_are_integers(value):
    with pytest.raises(TypeError, match="rows must be an integer, not "):
        Config(**{**NANO, "rows": value})


def test_presets_by_name():
    assert preset("nano") == PRESETS["nano"] and PRESETS["nano"].protected
    assert preset("nano", "none") == replace(PRESETS["nano"], protection="none")
    with pytest.raises(ValueError, match="configuration must be one of nano, cubesat, payload, orbital, not 'mega'"):
        preset("mega")


@pytest.mark.parametrize(
    ("rows", "columns", "lanes", "derived"),
    [(4, 4, 1, (1, 4, 4)), (8, 16, 4, (2, 2, 4)), (16, 16, 4, (1, 4, 4))],
)
def test_derived_sizes(rows, columns, lanes, derived):
    config = Config(name="x", rows=rows, columns=columns, lanes=lanes, activation_bytes=rows << 10,
                    weight_bytes=columns << 11, accumulator_rows=64)  # fmt: skip
    assert (config.activation_words, config.weight_words, config.commands) == (1024, 2048, 64)
    assert config.macs_per_cycle == rows * columns
    assert derived == (config.words_per_column_block, config.steps_per_word,
                       config.parameter_rows_per_column_block)  # fmt: skip


def test_a_size_that_is_no_preset_becomes_verilog():
    odd = Config(name="odd", rows=8, columns=24, lanes=2, activation_bytes=16 * 1024, weight_bytes=24 * 1024,
                 accumulator_rows=64, protection="none")  # fmt: skip
    text = verilog(odd)
    assert re.search(r"^module vanallen\(", text, re.MULTILINE)
    assert {(int(row), int(column)) for row, column in re.findall(r"array\.pe_(\d+)_(\d+)", text)} == {
        (row, column) for row in range(8) for column in range(24)
    }
