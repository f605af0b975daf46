"""The checksum of a transfer equals its definition."""

from __future__ import annotations

import numpy as np
import pytest

from vanallen.rtl.transfers import checksum
from vanallen.sw.driver.checksum import transfer_checksum


@pytest.mark.parametrize("count", [0, 1, 2, 31, 32, 33, 500])
@pytest.mark.parametrize("start", [0, 0x8000_0001])
def test_it_is_that_of_the_chip(count: int, start: int) -> None:
    words = np.random.default_rng(count).integers(0, 1 << 64, count, dtype=np.uint64)
    address = 0x30_0000 + 8 * 77
    pairs = [(address + 8 * index, word) for index, word in enumerate(words.tolist())]
    assert transfer_checksum(words, address, start) == checksum(pairs, start)
    assert transfer_checksum(words, start=start) == checksum([(0, word) for _, word in pairs], start)


def test_parts_of_a_block_are_summed_in_turn() -> None:
    words = np.arange(1000, dtype=np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15)
    first = transfer_checksum(words[:300], 0x20_0000)
    assert transfer_checksum(words[300:], 0x20_0000 + 2400, first) == transfer_checksum(words, 0x20_0000)
