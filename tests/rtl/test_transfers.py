"""The checksum of transfers: it changes with any single bit."""

import random
import subprocess
import sys

import pytest

from vanallen.rtl.transfers import CHECKSUM_BITS, checksum


def draw(rng, count):
    return [(8 * rng.getrandbits(19), rng.getrandbits(64)) for _ in range(count)]


def test_it_changes_with_any_bit_of_any_word_and_address():
    values = draw(random.Random(1), 40)
    right = checksum(values)
    for index, (address, word) in enumerate(values):
        others = [(address, word ^ 1 << bit) for bit in range(64)] + [(address ^ 8 << bit, word) for bit in range(19)]
        for other in others:
            assert checksum([*values[:index], other, *values[index + 1 :]]) != right


def test_it_changes_with_the_order():
    first, second = (8, 1), (16, 5)
    assert checksum([first, second]) != checksum([second, first])


def test_it_may_be_taken_in_parts():
    values = draw(random.Random(2), 100)
    for cut in (0, 1, 33, 100):
        assert checksum(values[cut:], checksum(values[:cut])) == checksum(values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], 0), ([(8, 0)], 1), ([(0, 1)], 1), ([(0, 1 << CHECKSUM_BITS)], 1), ([(0, 1 << 31), (0, 0)], 1)],
)
def test_by_hand(values, expected):
    assert checksum(values) == expected


def test_it_loads_no_amaranth():
    code = "import sys, vanallen.rtl.transfers; sys.exit(any(name.startswith('amaranth') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
