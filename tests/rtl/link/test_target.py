"""The remote memory access target, one behaviour a test: the rows of the table in docs/components/link.md."""

import pytest
from cobs import cobs

from vanallen.rtl.link.rmap import Command, Reply, Status, parse_reply

WORDS = [0x0123456789ABCDEF, 0xFFFFFFFFFFFFFFFF, 0, 0x8000000000000001]
DATA = b"".join(word.to_bytes(8, "little") for word in WORDS)
REFUSED = 0x300000
ERROR = 0x100
WRITE = Command(address=0x1000, transaction=0xBEEF, data=DATA)
READ = Command(address=0x1000, transaction=0xCAFE, length=len(DATA))


def changed(command, **fields):
    return Command(**vars(command) | fields)


def header_bytes(packet):
    return 16 + 4 * (packet[2] & 3)


class Line:
    """The chip at the end of a line, in the words of the tests."""

    def __init__(self, chip, characters, crc_of):
        self.chip, self.characters, self.crc_of = chip, characters, crc_of

    def ask(self, packet):
        """(reply or None, writes) of a packet: bytes, or a command."""
        replies, writes = self.chip.exchange(self.characters(packet if isinstance(packet, bytes) else packet.encode()))
        assert len(replies) <= 1
        return (parse_reply(replies[0]) if replies else None), writes

    def resealed(self, command, place, value):
        """The packet of a command with another byte in its header, and a good header CRC."""
        packet = bytearray(command.encode())
        packet[place] = value
        end = header_bytes(packet) - 1
        packet[end] = self.crc_of(bytes(packet[:end]))
        return bytes(packet)

    def refuses(self, packet, status):
        """Nothing is written, the reply says why, nothing is read, and the next good command works."""
        before = self.chip.discarded
        reply, writes = self.ask(packet)
        assert (reply.status, reply.data or b"", writes) == (status, b"", [])
        assert self.chip.discarded == before
        self.works()

    def discards(self, packet):
        """Nothing is written, nothing is said, it is counted, and the next good command works."""
        before = self.chip.discarded
        assert self.ask(packet) == (None, [])
        assert self.chip.discarded == before + 1
        self.works()

    def works(self):
        assert self.ask(changed(WRITE, address=0x2000)) == (
            Reply(0x3C, 0, 0xBEEF), [(0x2000 + 8 * index, word) for index, word in enumerate(WORDS)]
        )  # fmt: skip


@pytest.fixture
def line(chip, characters, crc_of):
    return Line(chip, characters, crc_of)


@pytest.mark.parametrize("verify", [False, True], ids=["unverified", "verified"])
def test_write_incrementing(line, verify):
    reply, writes = line.ask(changed(WRITE, verify=verify))
    assert reply == Reply(0x3C if verify else 0x2C, Status.SUCCESS, 0xBEEF)
    assert writes == [(0x1000 + 8 * index, word) for index, word in enumerate(WORDS)]


def test_write_single_address(line):
    _, writes = line.ask(changed(WRITE, increment=False))
    assert writes == [(0x1000, word) for word in WORDS]


def test_write_without_reply(line):
    reply, writes = line.ask(changed(WRITE, reply=False))
    assert reply is None and len(writes) == 4
    assert line.chip.discarded == 0


@pytest.mark.parametrize("length", [0, 8, 248, 256])
def test_write_and_read_of_every_size(line, length):
    data = bytes(range(1, 255)) + b"\0\xff"
    reply, writes = line.ask(changed(WRITE, data=data[:length]))
    assert reply.status == Status.SUCCESS and len(writes) == length // 8
    assert line.ask(changed(READ, length=length))[0].data == data[:length]


def test_read_incrementing(line):
    line.ask(WRITE)
    assert line.ask(READ) == (Reply(0x0C, Status.SUCCESS, 0xCAFE, DATA), [])


def test_read_single_address(line):
    line.ask(WRITE)
    assert line.ask(changed(READ, increment=False)) == (Reply(0x08, Status.SUCCESS, 0xCAFE, DATA[:8] * 4), [])


def test_bytes_ascend_with_addresses(line):
    _, writes = line.ask(changed(WRITE, data=bytes(range(8))))
    assert writes == [(0x1000, 0x0706050403020100)]


def test_replies_byte_by_byte(line, crc_of):
    """Against bytes written out by hand, with the CRC of an independent package."""
    line.ask(WRITE)
    for command, header, data in (
        (WRITE, bytes((0x67, 0x01, 0x3C, 0, 0xFE, 0xBE, 0xEF)), None),
        (READ, bytes((0x67, 0x01, 0x0C, 0, 0xFE, 0xCA, 0xFE, 0, 0, 0, 32)), DATA),
    ):
        (reply,), _ = line.chip.exchange(line.characters(command.encode()))
        rest = b"" if data is None else data + bytes((crc_of(data),))
        assert reply == header + bytes((crc_of(header),)) + rest


@pytest.mark.parametrize(
    ("path", "sent"),
    [(b"\0\0\0\x05", b"\x05"), (b"\x05\0\0\0", b"\x05\0\0\0"), (bytes(4), b""), (bytes(7) + b"\x09", b"\x09"),
     (bytes(range(1, 13)), bytes(range(1, 13)))],
)  # fmt: skip
def test_reply_address(line, path, sent):
    """Goes before the reply, without leading zeros, and is under no CRC."""
    (reply,), writes = line.chip.exchange(line.characters(changed(WRITE, reply_address=path).encode()))
    assert reply[: len(sent)] == sent and len(writes) == 4
    assert parse_reply(reply[len(sent) :]) == Reply(0x3C | len(path) // 4, Status.SUCCESS, 0xBEEF)


def test_transaction_and_initiator_come_back(line):
    for number in (0, 1, 0x8000, 0xFFFF):
        command = changed(WRITE, transaction=number, initiator=number & 0xFF)
        (reply,), _ = line.chip.exchange(line.characters(command.encode()))
        assert parse_reply(reply, initiator=number & 0xFF).transaction == number


@pytest.mark.parametrize("command", [WRITE, READ], ids=["write", "read"])
def test_header_crc(line, command):
    packet = command.encode()
    for place in range(header_bytes(packet)):
        for bit in (0x01, 0x80):
            damaged = bytearray(packet)
            damaged[place] ^= bit
            if place != 2:  # the length of the reply address would change with it
                line.discards(bytes(damaged))


def test_header_cut_off(line):
    packet = WRITE.encode()
    for length in range(header_bytes(packet)):
        line.discards(packet[:length])


def test_no_command(line):
    line.discards(line.resealed(WRITE, 2, WRITE.instruction & ~0x40))


def test_other_protocol(line):
    for protocol in (0, 2, 0xFE):
        line.discards(line.resealed(WRITE, 1, protocol))


@pytest.mark.parametrize("code", [0, 1, 4, 5, 6])
def test_unused_code(line, code):
    packet = line.resealed(READ, 2, 0x40 | code << 2)
    if code & 2:
        line.refuses(packet, Status.UNUSED_CODE)
    else:  # asks for no reply
        assert line.ask(packet) == (None, [])
        line.works()


def test_unused_packet_type(line):
    line.refuses(line.resealed(WRITE, 2, WRITE.instruction | 0x80), Status.UNUSED_CODE)


def test_read_modify_write(line):
    line.refuses(line.resealed(READ, 2, 0x5C), Status.NOT_AUTHORISED)


@pytest.mark.parametrize("command", [WRITE, READ], ids=["write", "read"])
def test_wrong_target_address(line, command):
    for target in (0, 0x20, 0xFF):
        line.refuses(changed(command, target=target).encode(), Status.INVALID_TARGET)


@pytest.mark.parametrize("command", [WRITE, READ], ids=["write", "read"])
def test_wrong_key(line, command):
    for key in (0, 0x57, 0xFF):
        line.refuses(changed(command, key=key).encode(), Status.INVALID_KEY)


def test_refused_without_reply(line):
    assert line.ask(changed(WRITE, key=0, reply=False)) == (None, [])
    line.works()


@pytest.mark.parametrize("length", [264, 257, 512, 65536])
def test_longer_than_the_buffer(line, length):
    line.refuses(changed(WRITE, data=bytes(length)), Status.VERIFY_OVERRUN)
    line.refuses(changed(WRITE, data=bytes(length), verify=False), Status.NOT_AUTHORISED)
    line.refuses(changed(READ, length=length), Status.NOT_AUTHORISED)


@pytest.mark.parametrize("length", [1, 4, 7, 9, 255])
def test_no_multiple_of_8(line, length):
    line.refuses(changed(WRITE, data=bytes(length)), Status.NOT_AUTHORISED)
    line.refuses(changed(READ, length=length), Status.NOT_AUTHORISED)


@pytest.mark.parametrize(
    "fields",
    [{"address": 0x1004}, {"address": 1}, {"address": 1 << 22}, {"address": (1 << 22) - 24}, {"address": 0xFFFFFFF8},
     {"extended": 1}, {"extended": 0x80}],
    ids=str,
)  # fmt: skip
def test_addresses_outside_the_bus(line, fields):
    line.refuses(changed(WRITE, **fields), Status.NOT_AUTHORISED)
    line.refuses(changed(READ, **fields), Status.NOT_AUTHORISED)


def test_bus_error(line):
    """The words before the one refused are written; the reply to a read has no data."""
    reply, writes = line.ask(changed(WRITE, address=REFUSED - 16))
    assert reply.status == Status.GENERAL_ERROR and [address for address, _ in writes] == [REFUSED - 16, REFUSED - 8]
    line.works()
    line.refuses(changed(READ, address=REFUSED - 16), Status.GENERAL_ERROR)
    line.refuses(changed(WRITE, address=REFUSED), Status.GENERAL_ERROR)


def test_data_crc(line):
    packet = WRITE.encode()
    for place in range(header_bytes(packet), len(packet)):
        damaged = bytearray(packet)
        damaged[place] ^= 1 << place % 8
        line.refuses(bytes(damaged), Status.INVALID_DATA_CRC)


def test_data_cut_off(line):
    packet = WRITE.encode()
    for length in range(header_bytes(packet), len(packet)):
        line.refuses(packet[:length], Status.EARLY_END)


def test_more_data_than_announced(line):
    for more in (b"\0", bytes(8), bytes(300)):
        line.refuses(WRITE.encode() + more, Status.TOO_MUCH_DATA)
        line.refuses(READ.encode() + more, Status.TOO_MUCH_DATA)


def test_a_frame_cut_off(line):
    """The last block is shorter than it says: an error end of packet."""
    frame = cobs.encode(WRITE.encode())
    before = line.chip.discarded
    replies, writes = line.chip.exchange([*frame[:-1], 0])
    assert [parse_reply(reply).status for reply in replies] == [Status.ERROR_END] and writes == []
    assert line.chip.exchange([*frame[:9], 0]) == ([], []) and line.chip.discarded == before + 1
    line.works()


def test_a_byte_the_line_damaged(line):
    """A wrong stop bit, or bytes lost before: an error end of packet."""
    frame = [*cobs.encode(WRITE.encode()), 0]
    frame[-3] |= ERROR
    replies, writes = line.chip.exchange(frame)
    assert [parse_reply(reply).status for reply in replies] == [Status.ERROR_END] and writes == []
    frame = [*cobs.encode(READ.encode()), 0]
    replies, _ = line.chip.exchange([ERROR, *frame])
    assert [parse_reply(reply).status for reply in replies] == [Status.ERROR_END]
    line.works()


def test_zeros_between_frames(line):
    replies, writes = line.chip.exchange([0, 0, *line.characters(WRITE.encode()), 0, 0, 0])
    assert len(replies) == 1 and len(writes) == 4
    assert line.chip.discarded == 0


def test_commands_back_to_back(line):
    """In their order, each with its own reply."""
    packets = [changed(WRITE, transaction=number, data=bytes([number]) * 256).encode() for number in range(10)]
    replies, writes = line.chip.exchange(line.characters(*packets))
    assert [parse_reply(reply).transaction for reply in replies] == list(range(10))
    assert [word & 0xFF for _, word in writes] == [number for number in range(10) for _ in range(32)]


def test_a_repeated_command_is_carried_out_again(line):
    """The target remembers nothing of earlier commands: what that means for `start` is the driver's business."""
    replies, writes = line.chip.exchange(line.characters(WRITE.encode(), WRITE.encode()))
    assert len(replies) == 2 and len(writes) == 8


def test_discarded_packets_are_counted_up_to_255(line):
    line.chip.exchange([character for _ in range(300) for character in (0x01, 0)])
    assert line.chip.discarded == 255
