"""Packets and frames of the pure definitions, against independent packages."""

import random

import pytest
from cobs import cobs

from vanallen.rtl.link import framing
from vanallen.rtl.link.rmap import Command, Reply, crc, parse_reply


def test_crc(crc_of):
    assert crc(bytes(range(1, 9))) == 0xB0 and crc(b"SpaceWire is beautiful!!") == 0x84
    rng = random.Random(1)
    for _ in range(500):
        data = rng.randbytes(rng.randrange(300))
        assert crc(data) == crc_of(data)
        assert crc(data + bytes((crc(data),))) == 0


def test_frames():
    rng = random.Random(2)
    for _ in range(3000):
        length = rng.choice([0, 1, 2, 253, 254, 255, 256, 508, 509, rng.randrange(800)])
        zeros = rng.choice([0, 0.01, 0.3, 1])
        packet = bytes(0 if rng.random() < zeros else rng.randrange(1, 256) for _ in range(length))
        assert framing.encode(packet) == cobs.encode(packet)
        frame = bytearray(cobs.encode(packet))
        for _ in range(rng.randrange(3)):
            frame[rng.randrange(len(frame))] = rng.randrange(256)
        frame = bytes(frame[: rng.choice((len(frame), rng.randrange(len(frame) + 1)))])
        try:
            expected = cobs.decode(frame)
        except cobs.DecodeError:
            expected = None
        assert framing.decode(frame) == expected


def test_a_command_byte_by_byte(crc_of):
    command = Command(address=0x123456, transaction=0x0102, data=bytes(8), reply_address=b"\0\0\0\x09", extended=7)
    header = bytes((0xFE, 1, 0x7D, 0x56, 0, 0, 0, 9, 0x67, 1, 2, 7, 0, 0x12, 0x34, 0x56, 0, 0, 8))
    assert command.encode() == header + bytes((crc_of(header),)) + bytes(9)
    header = bytes((0xFE, 1, 0x4C, 0x56, 0x67, 1, 2, 0, 0, 0, 0, 8, 0, 1, 0))
    assert Command(address=8, transaction=0x0102, length=256).encode() == header + bytes((crc_of(header),))


def test_damaged_replies_are_none(crc_of):
    header = bytes((0x67, 1, 0x0C, 0, 0xFE, 1, 2, 0, 0, 0, 8))
    good = header + bytes((crc_of(header),)) + bytes(range(8)) + bytes((crc_of(bytes(range(8))),))
    assert parse_reply(good) == Reply(0x0C, 0, 0x0102, bytes(range(8)))
    for place in range(len(good)):
        for bit in range(8):
            assert parse_reply(good[:place] + bytes((good[place] ^ 1 << bit,)) + good[place + 1 :]) is None
        assert parse_reply(good[:place]) is None
    assert parse_reply(good + b"\0") is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"address": 1 << 32}, "address must be from 0 to 4294967295"), ({"transaction": -1}, "transaction"),
     ({"key": 256}, "key"), ({"reply_address": b"123"}, "reply_address must be 0, 4, 8 or 12 bytes, not 3")],
)  # fmt: skip
def test_what_fits_no_field(fields, said):
    with pytest.raises(ValueError, match=said):
        Command(**{"address": 0, "transaction": 0} | fields)
