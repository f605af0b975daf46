"""The packets of the remote memory access protocol, as far as the link uses it. Imports no Amaranth.

A packet is a sequence of bytes with an end; numbers go most significant byte first:

.. code-block:: text

    command  target, protocol, instruction, key, [reply address], initiator, transaction (2), extended address,
             address (4), length (3), header CRC, [data, data CRC]
    reply    [reply address], initiator, protocol, instruction, status, target, transaction (2),
             [0, length (3)], header CRC, [data, data CRC]

The parts in brackets: data follow a write command and the reply to a read; a reply to a read has a length.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

__all__ = ["BAUD", "CRC_TABLE", "DATA_LIMIT", "INITIATOR_ADDRESS", "KEY", "PROTOCOL", "READ_MODIFY_WRITE",
           "RECEIVE_BYTES", "TARGET_ADDRESS", "USED_CODES", "Command", "Instruction", "Reply", "Status", "crc",
           "parse_reply"]  # fmt: skip

TARGET_ADDRESS = 0xFE
"""Logical address of the chip."""
INITIATOR_ADDRESS = 0x67
"""Logical address of the driver."""
PROTOCOL = 0x01
KEY = 0x56
"""The key that the chip asks for."""
DATA_LIMIT = 256
"""Bytes of data a command, at most."""
RECEIVE_BYTES = 2048
"""Bytes of frames that wait while a command is carried out and answered."""
BAUD = 1_000_000
"""Bits a second of the line, unless a board says otherwise: whole cycles of any clock of whole MHz."""


class Instruction(IntFlag):
    """Bits of the instruction byte; the lowest two are the length of the reply address in words of four bytes."""

    RESERVED = 0x80
    COMMAND = 0x40
    WRITE = 0x20
    VERIFY = 0x10
    REPLY = 0x08
    INCREMENT = 0x04


USED_CODES = (0x2, 0x3, 0x8, 0x9, 0xA, 0xB, 0xC, 0xD, 0xE, 0xF)
"""Values of instruction bits 5 to 2 that the chip carries out: read, and write in all its forms."""

READ_MODIFY_WRITE = 0x7
"""Value of instruction bits 5 to 2 that the protocol has and the chip has not."""


class Status(IntEnum):
    """The status byte of a reply."""

    SUCCESS = 0
    GENERAL_ERROR = 1
    """The chip's bus refused a word; those before it are written."""
    UNUSED_CODE = 2
    INVALID_KEY = 3
    INVALID_DATA_CRC = 4
    EARLY_END = 5
    TOO_MUCH_DATA = 6
    ERROR_END = 7
    VERIFY_OVERRUN = 9
    NOT_AUTHORISED = 10
    INVALID_TARGET = 12


def _crc_of_byte(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0xE0 if value & 1 else 0)
    return value


CRC_TABLE = tuple(_crc_of_byte(value) for value in range(256))
"""The CRC of each single byte. It is linear: the entry of a sum (exclusive or) is the sum of the entries."""


def crc(data: bytes, start: int = 0) -> int:
    """CRC of ``data`` by x^8 + x^2 + x + 1, least significant bit first; 0 where ``data`` ends with its own CRC."""
    value = start
    for byte in data:
        value = CRC_TABLE[value ^ byte]
    return value


@dataclass(kw_only=True, frozen=True)
class Command:
    """A command: a write of ``data``, or a read of ``length`` bytes where ``data`` is None.

    Raises
    ------
    ValueError
        If a number doesn't fit its field.
    """

    address: int
    transaction: int
    data: bytes | None = None
    length: int = 0
    verify: bool = True
    reply: bool = True
    increment: bool = True
    extended: int = 0
    target: int = TARGET_ADDRESS
    key: int = KEY
    initiator: int = INITIATOR_ADDRESS
    reply_address: bytes = b""

    def __post_init__(self) -> None:
        widths = {"address": 32, "transaction": 16, "length": 24, "extended": 8, "target": 8, "key": 8, "initiator": 8}
        for name, bits in widths.items():
            value = getattr(self, name)
            if not 0 <= value < 1 << bits:
                raise ValueError(f"{name} must be from 0 to {(1 << bits) - 1}, not {value!r}")
        if len(self.reply_address) not in (0, 4, 8, 12):
            raise ValueError(f"reply_address must be 0, 4, 8 or 12 bytes, not {len(self.reply_address)}")

    @property
    def instruction(self) -> int:
        """The instruction byte."""
        value = Instruction.COMMAND | len(self.reply_address) // 4
        if self.data is not None:
            value |= Instruction.WRITE | (Instruction.VERIFY if self.verify else 0)
        value |= (Instruction.REPLY if self.reply else 0) | (Instruction.INCREMENT if self.increment else 0)
        return int(value)

    def encode(self) -> bytes:
        """The packet."""
        length = self.length if self.data is None else len(self.data)
        header = bytes((self.target, PROTOCOL, self.instruction, self.key)) + self.reply_address
        header += bytes((self.initiator,)) + self.transaction.to_bytes(2, "big") + bytes((self.extended,))
        header += self.address.to_bytes(4, "big") + length.to_bytes(3, "big")
        packet = header + bytes((crc(header),))
        return packet if self.data is None else packet + self.data + bytes((crc(self.data),))


@dataclass(frozen=True)
class Reply:
    """A reply; ``data`` is None in the reply to a write. ``status`` may be a number that no Status has."""

    instruction: int
    status: int
    transaction: int
    data: bytes | None = None


def parse_reply(packet: bytes, *, initiator: int = INITIATOR_ADDRESS, target: int = TARGET_ADDRESS) -> Reply | None:
    """The reply without reply address in ``packet``; None if it isn't a whole and sound one from ``target``."""
    if len(packet) < 8 or packet[0] != initiator or packet[1] != PROTOCOL or packet[4] != target:
        return None
    instruction, status, transaction = packet[2], packet[3], int.from_bytes(packet[5:7], "big")
    if instruction & (Instruction.RESERVED | Instruction.COMMAND):
        return None
    if instruction & Instruction.WRITE:
        return Reply(instruction, status, transaction) if len(packet) == 8 and crc(packet) == 0 else None
    length = int.from_bytes(packet[8:11], "big")
    if len(packet) != 13 + length or crc(packet[:12]) or crc(packet[12:]):
        return None
    return Reply(instruction, status, transaction, packet[12:-1])
