"""20,000 mutated frames: replies, writes and memory as the model says, and the next good command works."""

import random

import pytest
from cobs import cobs

from vanallen.rtl.link.rmap import Command, Status, parse_reply

FRAMES = 20_000
ERROR = 0x100


def random_command(rng):
    """A good command, mostly; sometimes of a length or at an address that is refused."""
    length = rng.choice([0, 8, 8, 16, 64, 248, 256, rng.randrange(0, 272), 264, 7])
    address = rng.choice([8 * rng.randrange(64), 8 * rng.randrange(1 << 19), rng.randrange(1 << 23), 0x300000 - 16])
    fields = {
        "address": address, "transaction": rng.getrandbits(16), "increment": rng.random() < 0.8,
        "reply_address": rng.choice([b"", b"", bytes(4), bytes([0, 0, 7, 0]), rng.randbytes(8), rng.randbytes(12)]),
        "extended": int(rng.random() < 0.05), "key": rng.choice([0x56] * 9 + [rng.getrandbits(8)]),
        "target": rng.choice([0xFE] * 9 + [rng.getrandbits(8)]), "initiator": rng.getrandbits(8),
    }  # fmt: skip
    if rng.random() < 0.4:
        return Command(length=length, **fields)
    data = rng.randbytes(length) if rng.random() < 0.7 else bytes(rng.choice((0, 0, 255)) for _ in range(length))
    return Command(data=data, verify=rng.random() < 0.5, reply=rng.random() < 0.8, **fields)


def flip(rng, packet, crc_of):
    place = rng.randrange(len(packet))
    return packet[:place] + bytes((packet[place] ^ 1 << rng.randrange(8),)) + packet[place + 1 :]


def flip_header(rng, packet, crc_of):
    """A wrong byte under a good header CRC."""
    length = 15 + 4 * (packet[2] & 3)
    place = rng.randrange(length)
    header = packet[:place] + bytes((rng.getrandbits(8),)) + packet[place + 1 : length]
    return header + bytes((crc_of(header),)) + packet[length + 1 :]


def cut(rng, packet, crc_of):
    return packet[: rng.randrange(len(packet))]


def lengthen(rng, packet, crc_of):
    return packet + rng.randbytes(rng.choice((1, 2, 8, 300)))


def instruction(rng, packet, crc_of):
    """Another instruction under a good header CRC."""
    packet = packet[:2] + bytes((rng.getrandbits(8),)) + packet[3:]
    length = 15 + 4 * (packet[2] & 3)
    return packet[:length] + bytes((crc_of(packet[:length]),)) + packet[length + 1 :]


def keep(rng, packet, crc_of):
    return packet


PACKETS = (flip, flip, flip_header, instruction, cut, cut, lengthen, keep, keep)


def mutate_frame(rng, frame):
    """Characters of a frame, its end included, damaged on the line."""
    kind = rng.randrange(6)
    place = rng.randrange(len(frame))
    if kind == 0:
        frame[place] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del frame[place]
    elif kind == 2:
        frame.insert(place, rng.choice((0, rng.getrandbits(8))))
    elif kind == 3:
        frame[place] |= ERROR
    elif kind == 4:
        del frame[place : place + rng.randrange(40)]
    return frame


def mutant(rng, crc_of):
    """Characters that begin a frame at its start; perhaps without the zero that ends it."""
    if rng.random() < 0.03:
        return [rng.choice((0, rng.getrandbits(8), ERROR)) for _ in range(rng.randrange(1, 200))]
    packet = rng.choice(PACKETS)(rng, random_command(rng).encode(), crc_of)
    return mutate_frame(rng, [*cobs.encode(packet), 0])


@pytest.mark.parametrize("speed", [16, 9])
def test_mutated_frames(chip, reference, crc_of, characters, speed):
    rng = random.Random(speed)
    chip.settings(seed=speed, speed=speed)
    statuses = set()
    for number in range(FRAMES // 2):
        sent = mutant(rng, crc_of)
        expected_replies, expected_writes = reference.characters([*sent, 0])
        replies, writes = chip.exchange([*sent, 0])
        assert (replies, writes) == (expected_replies, expected_writes), (number, sent)
        statuses |= {parsed.status for reply in replies if (parsed := parse_reply(reply, initiator=reply[0]))}
        if number % 4 == 0:
            good = Command(address=8 * rng.randrange(64), transaction=number, data=rng.randbytes(8)).encode()
            assert chip.exchange(characters(good)) == reference.characters(characters(good))
            assert chip.discarded == min(reference.discarded, 255)
    assert statuses == set(Status)
    held = chip.memory
    assert {8 * int(place): int(held[place]) for place in held.nonzero()[0]} == {
        address: word for address, word in reference.memory.items() if word
    }
