"""The code against what it promises, bit by bit."""

import random
from itertools import combinations

import pytest

from vanallen.rtl.config import PRESETS
from vanallen.rtl.ecc.secded import Decoded, Secded, Status
from vanallen.rtl.registers import Window, window_banks, window_rows

SIZES = [(8, 4), (12, 14), (32, 11), (64, 9), (64, 15)]
RAMS = (Window.COMMAND, Window.PARAMETER, Window.WEIGHT, Window.ACTIVATION)


def memories():
    """(data bits, address bits) of every RAM of the presets that a host can reach."""
    for config in PRESETS.values():
        for window in RAMS:
            yield window_banks(config, window)[1], (window_rows(config, window) - 1).bit_length()


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}_{size[1]}")
def code(request):
    data_bits, address_bits = request.param
    return Secded(data_bits=data_bits, address_bits=address_bits)


def samples(code, count, seed=1):
    """Data and addresses: random, and the extremes."""
    rng = random.Random(seed)
    ones = (1 << code.data_bits) - 1, (1 << code.address_bits) - 1
    yield from ((0, 0), ones, (ones[0], 0), (0, ones[1]))
    for _ in range(count):
        yield rng.getrandbits(code.data_bits), rng.getrandbits(code.address_bits)


def wrong_bits(bits, count):
    """Every mask of ``count`` of so many bits."""
    return [sum(1 << bit for bit in chosen) for chosen in combinations(range(bits), count)]


@pytest.mark.parametrize(
    ("data_bits", "address_bits", "check_bits"),
    [(64, 15, 8), (64, 0, 8), (32, 11, 7), (12, 14, 6), (8, 4, 5), (1, 0, 3), (4, 0, 4), (5, 0, 5), (1, 9, 6),
     (57, 32, 7), (57, 33, 8), (58, 32, 8)],
)  # fmt: skip
def test_fewest_check_bits(data_bits, address_bits, check_bits):
    assert Secded(data_bits=data_bits, address_bits=address_bits).check_bits == check_bits


def test_check_bits_of_the_presets():
    found = {size: Secded(data_bits=size[0], address_bits=size[1]).check_bits for size in memories()}
    assert set(found) == {(64, 9), (64, 13), (64, 14), (32, 11)}
    assert {data: check for (data, _), check in found.items()} == {64: 8, 32: 7}


def test_columns(code):
    low_half = (1 << code.check_bits // 2) - 1
    assert (len(code.data_columns), len(code.address_columns)) == (code.data_bits, code.address_bits)
    assert len({*code.data_columns, *code.address_columns}) == code.data_bits + code.address_bits
    assert all(column.bit_count() in (3, 5, 7) for column in code.data_columns)
    assert all(column.bit_count() % 2 == 0 for column in code.address_columns)
    assert all((column & low_half).bit_count() % 2 for column in code.address_columns)
    assert all(0 < column < 1 << code.check_bits for column in (*code.data_columns, *code.address_columns))


def test_rows_are_balanced(code):
    ones = [sum(column >> row & 1 for column in code.data_columns) for row in range(code.check_bits)]
    assert max(ones) - min(ones) <= 1


def test_as_few_ones_as_hsiao_has():
    assert sum(column.bit_count() for column in Secded(data_bits=64, address_bits=15).data_columns) == 56 * 3 + 8 * 5


def test_a_byte_of_64_bits_has_a_pair_of_upper_halves():
    columns = Secded(data_bits=64, address_bits=15).data_columns
    pairs = [{min(column >> 4, column >> 4 ^ 15) for column in columns[first : first + 8]} for first in range(0, 64, 8)]
    assert all(len(pair) == 1 for pair in pairs) and set().union(*pairs) == set(range(8))


def test_a_clean_word(code):
    for data, address in samples(code, 50):
        word = code.encode(data, address)
        assert word == data | code.check(data, address) << code.data_bits and word < 1 << code.word_bits
        assert code.decode(word, address) == Decoded(data, Status.CLEAN)


def test_check_bits_are_the_sum_of_columns(code):
    for data, address in samples(code, 20):
        check = 0
        for bits, columns in ((data, code.data_columns), (address, code.address_columns)):
            for bit, column in enumerate(columns):
                check ^= column * (bits >> bit & 1)
        assert code.check(data, address) == check


def test_every_single_flip_is_corrected(code):
    for data, address in samples(code, 4):
        for flip in wrong_bits(code.word_bits, 1):
            assert code.decode(code.encode(data, address) ^ flip, address) == Decoded(data, Status.CORRECTED)


def test_every_double_flip_is_told(code):
    ((data, address),) = list(samples(code, 1))[-1:]
    word = code.encode(data, address)
    for flip in wrong_bits(code.word_bits, 2):
        stored = (word ^ flip) & (1 << code.data_bits) - 1
        assert code.decode(word ^ flip, address) == Decoded(stored, Status.UNCORRECTABLE)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_wrong_address_is_told(code, count):
    for data, address in samples(code, 1):
        for flip in wrong_bits(code.address_bits, count):
            found = code.decode(code.encode(data, address), address ^ flip)
            assert found == Decoded(data, Status.UNCORRECTABLE)


def test_a_small_code_exhaustively():
    code = Secded(data_bits=8, address_bits=4)
    flips = [*wrong_bits(code.word_bits, 1), *wrong_bits(code.word_bits, 2)]
    for address in range(16):
        for data in range(256):
            word = code.encode(data, address)
            assert code.decode(word, address) == Decoded(data, Status.CLEAN)
            for flip in flips:
                found = code.decode(word ^ flip, address)
                assert found.status is (Status.CORRECTED if flip.bit_count() == 1 else Status.UNCORRECTABLE)
                assert found.data == (data if flip.bit_count() == 1 else (word ^ flip) & 255)
            for other in range(16):
                if 1 <= (address ^ other).bit_count() <= 3:
                    assert code.decode(word, other).status is Status.UNCORRECTABLE


def test_a_wrong_address_is_never_corrected(code):
    for _, difference in samples(code, 200):
        assert code.decode(code.encode(0, 0), difference).status is not Status.CORRECTED


def test_errors():
    with pytest.raises(ValueError, match="data_bits must be at least 1, not 0"):
        Secded(data_bits=0, address_bits=4)
    with pytest.raises(ValueError, match="address_bits must be at least 0, not -1"):
        Secded(data_bits=8, address_bits=-1)
    with pytest.raises(TypeError, match=r"data_bits must be an integer, not 8\.0"):
        Secded(data_bits=8.0, address_bits=4)
    code = Secded(data_bits=8, address_bits=4)
    with pytest.raises(ValueError, match="data must have at most 8 bits, not be 256"):
        code.encode(256, 0)
    with pytest.raises(ValueError, match="address must have at most 4 bits, not be 16"):
        code.decode(0, 16)
    with pytest.raises(ValueError, match="word must have at most 13 bits, not be -1"):
        code.decode(-1, 0)
