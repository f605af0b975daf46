"""The command format: fields, encoding, checksum."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanallen.rtl.commands import CHECKSUM_PIECES, CHECKSUM_SEED, FIELDS, checksum, decode, encode
from vanallen.rtl.config import COMMAND_WORDS


def limits(field):
    return (-(1 << field.width - 1), (1 << field.width - 1) - 1) if field.signed else (0, (1 << field.width) - 1)


VALUES = st.fixed_dictionaries({field.name: st.integers(*limits(field)) for field in FIELDS})
WORDS = st.lists(st.integers(0, 2**64 - 1), min_size=COMMAND_WORDS, max_size=COMMAND_WORDS)


def test_fields_fill_the_command_once():
    bits = [(field.word, bit) for field in FIELDS for bit in range(field.offset, field.offset + field.width)]
    assert sorted(bits) == [(word, bit) for word in range(COMMAND_WORDS) for bit in range(64)]
    assert len({field.name for field in FIELDS}) == len(FIELDS)


def test_the_checksum_covers_all_but_itself():
    covered = [(word, piece) for word, piece, _ in CHECKSUM_PIECES]
    assert sorted([*covered, (0, 1)]) == [(word, piece) for word in range(COMMAND_WORDS) for piece in range(4)]
    field = next(field for field in FIELDS if field.name == "checksum")
    assert (field.word, field.offset, field.width) == (0, 16, 16)


@given(VALUES)
def test_decode_returns_what_was_encoded(values):
    decoded = decode(encode(values))
    assert decoded.pop("checksum") == checksum(encode(values))
    assert decoded == {name: value for name, value in values.items() if name != "checksum"}


@given(WORDS, st.integers(0, COMMAND_WORDS * 64 - 1))
def test_a_flip_of_any_bit_breaks_the_checksum(words, bit):
    values = {name: value for name, value in decode(words).items() if name != "checksum"}
    good = encode(values)
    assert decode(good)["checksum"] == checksum(good)
    bad = list(good)
    bad[bit // 64] ^= 1 << bit % 64
    assert decode(bad)["checksum"] != checksum(bad)


def test_every_single_flip_breaks_the_checksum_of_one_command():
    good = encode({"opcode": 0x2E, "rows": 300, "input_base": 77})
    for bit in range(COMMAND_WORDS * 64):
        bad = list(good)
        bad[bit // 64] ^= 1 << bit % 64
        assert decode(bad)["checksum"] != checksum(bad), bit


def test_no_words_at_all_is_no_command():
    assert checksum([0] * COMMAND_WORDS) == CHECKSUM_SEED != 0
    assert checksum([2**64 - 1] * COMMAND_WORDS) != 0xFFFF


@given(WORDS, st.integers(1, COMMAND_WORDS - 2))
def test_neighbouring_words_exchanged_break_the_checksum(words, first):
    good = encode({name: value for name, value in decode(words).items() if name != "checksum"})
    bad = list(good)
    bad[first], bad[first + 1] = 1 << first, 0
    swapped = list(bad)
    swapped[first], swapped[first + 1] = 0, 1 << first
    assert checksum(bad) != checksum(swapped)


@given(VALUES, st.sampled_from(FIELDS), st.integers(1, 1 << 70), st.booleans())
def test_a_value_that_does_not_fit_is_refused(values, field, excess, above):
    low, high = limits(field)
    value = high + excess if above else low - excess
    with pytest.raises(ValueError, match=f"{field.name} must be from {low} to {high}, not {value}"):
        encode({**values, field.name: value})


def test_an_unknown_field_is_refused():
    with pytest.raises(ValueError, match=r"command field must be one of opcode, .*, not 'colour'"):
        encode({"colour": 1})
