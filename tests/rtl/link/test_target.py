"""The remote memory access target, one behaviour a test: the rows of the table in docs/components/link.md."""

import pytest

from vanallen.rtl.link.rmap import Command, Status, parse_reply

WORDS = [0x0123456789ABCDEF, 0xFFFFFFFFFFFFFFFF, 0, 0x8000000000000001]
DATA = b"".join(word.to_bytes(8, "little") for word in WORDS)


@pytest.fixture
def ask(chip, characters):
    """Sends a packet; (reply or None, writes)."""

    def ask(packet, *more):
        replies, writes = chip.exchange(characters(packet, *more))
        assert len(replies) <= 1 + len(more)
        return (parse_reply(replies[0]) if replies else None), writes

    return ask


def test_write_incrementing(ask):
    reply, writes = ask(Command(address=0x1000, transaction=0xBEEF, data=DATA, verify=False).encode())
    assert (reply.status, reply.transaction, reply.data) == (Status.SUCCESS, 0xBEEF, None)
    assert writes == [(0x1000 + 8 * index, word) for index, word in enumerate(WORDS)]
