"""Registers and memory rows as bus words."""

from __future__ import annotations

import numpy as np
import pytest

from vanallen.rtl.registers import register
from vanallen.sw.driver.packing import pack_register, pack_rows, unpack_register, unpack_rows


def test_registers() -> None:
    start = register("start")
    values = {"first": 0x1234, "count": 2, "job": 0xFFFF, "patience": 0xAB}
    word = pack_register(start, **values)
    assert word == 0x00AB_FFFF_0002_1234
    assert unpack_register(start, word) == values
    assert pack_register(start) == 0


def test_bits_outside_the_fields_are_ignored() -> None:
    governor = register("governor")
    assert unpack_register(governor, 0xFFFF_FFFF_FFFF_0305) == {"window": 5, "slots": 3}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"first": 1 << 16}, "start.first must be from 0 to 65535, not 65536"),
        ({"first": -1}, "start.first must be from 0 to 65535, not -1"),
        ({"last": 1}, "field of start must be one of first, count, job, patience, not 'last'"),
    ],
)
def test_values_that_do_not_fit(values: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pack_register(register("start"), **values)


def test_rows_of_four_bytes_fill_the_low_half() -> None:
    words = pack_rows(np.array([[1, 2, 3, -1], [0, 0, 0, -128]], np.int8), 8)
    assert words.tolist() == [0x00000000_FF030201, 0x00000000_80000000]


def test_rows_of_sixteen_bytes_take_two_words() -> None:
    words = pack_rows(np.arange(16, dtype=np.int8).reshape(1, 16), 16)
    assert words.tolist() == [0x0706050403020100, 0x0F0E0D0C0B0A0908]


def test_rows_of_twenty_four_bytes_leave_a_fourth_word() -> None:
    words = pack_rows(np.arange(48, dtype=np.int8).reshape(2, 24), 32)
    assert words[[3, 7]].tolist() == [0, 0]
    assert words[4] == 0x1F1E1D1C1B1A1918


def test_rows_of_records() -> None:
    records = np.array([[(-2, 1.0)]], [("bias", "<i4"), ("scale", "<f4")])
    assert pack_rows(records, 8).tolist() == [0x3F800000_FFFFFFFE]


@pytest.mark.parametrize(
    ("columns", "stride", "dtype"),
    [(4, 8, np.int8), (8, 8, np.int8), (16, 16, np.int8), (24, 32, np.int8), (1, 8, np.int16), (1, 8, np.uint64)],
)
def test_rows_come_back(columns: int, stride: int, dtype: type) -> None:
    rng = np.random.default_rng(columns)
    limits = np.iinfo(dtype)
    rows = rng.integers(limits.min, limits.max, (37, columns), dtype=dtype, endpoint=True)
    for values in (rows, np.asfortranarray(rows), rows[::2], rows[:0]):
        words = pack_rows(values, stride)
        assert words.shape == (len(values) * stride // 8,)
        back = unpack_rows(words, stride, columns, dtype)
        assert back.dtype == rows.dtype
        assert np.array_equal(back, values)
