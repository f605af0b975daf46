"""The link in a library of its own, and a model of it made from the table of packets alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cffi
import numpy as np
import pytest
from cobs import cobs
from crccheck.crc import Crc8Base
from numpy.typing import NDArray

from vanallen.rtl.link.link import FrameLink
from vanallen.rtl.verilog import convert
from vanallen.sw.driver.library import build_library
from vanallen.sw.driver.simulation import CACHE

REFUSED = 0x300000
"""The RAM answers with an error from here on."""
SPACE = 1 << 22
ERROR = 0x100
"""Added to a character: it came with an error."""
QUIET = 450
"""Cycles of silence after which nothing more comes: more than collecting a block of 254 bytes takes."""

_INTERFACE = """
void *chip_open(void);
void chip_close(void *chip);
void chip_settings(void *chip, uint32_t refused, uint64_t seed, unsigned speed);
size_t chip_exchange(void *chip, const uint16_t *in, size_t count, uint8_t *out, size_t capacity, uint64_t quiet);
size_t chip_log(void *chip, uint64_t *log, size_t capacity);
uint64_t *chip_memory(void *chip);
unsigned chip_discarded(void *chip);
"""


class ReferenceCrc(Crc8Base):
    """The CRC by the package crccheck."""

    _poly, _initvalue, _reflect_input, _reflect_output = 0x07, 0, True, True


_TABLE = [ReferenceCrc.calc(bytes((value,))) for value in range(256)]


def reference_crc(data: bytes) -> int:
    """The package's, a byte at a time."""
    value = 0
    for byte in data:
        value = _TABLE[value ^ byte]
    return value


@dataclass
class Reference:
    """What the target makes of characters: replies, writes, packets discarded. Written from the table of behaviours.

    COBS and CRC come from the packages, nothing from the definitions under test.
    """

    memory: dict[int, int] = field(default_factory=dict)
    discarded: int = 0

    def characters(self, characters: Sequence[int]) -> tuple[list[bytes], list[tuple[int, int]]]:
        """Replies and writes that follow from the characters."""
        replies, writes, frame = [], [], []
        for character in characters:
            if character != 0:
                frame.append(character)
                continue
            if frame:
                packet, broken = self.unstuff(frame)
                reply = self.packet(packet, broken, writes)
                if reply is not None:
                    replies.append(reply)
            frame = []
        return replies, writes

    @staticmethod
    def unstuff(frame: Sequence[int]) -> tuple[bytes, bool]:
        """The packet of a frame as far as it goes, and whether it is broken."""
        whole = bytes(character for character in frame if character < ERROR)
        broken = len(whole) != len(frame)
        for missing in range(256):
            try:
                packet = cobs.decode(whole + b"\x01" * missing)
            except cobs.DecodeError:
                continue
            return packet[: len(packet) - missing], broken or missing > 0
        raise AssertionError(f"no frame begins with {whole!r}")

    def packet(self, packet: bytes, broken: bool, writes: list[tuple[int, int]]) -> bytes | None:
        """The reply to a packet, if there is one; its writes are appended to ``writes``."""
        paths = 4 * (packet[2] & 3) if len(packet) > 2 else 0
        header = packet[: 16 + paths]
        if len(header) < 16 + paths or reference_crc(header) or header[1] != 1 or not header[2] & 0x40:
            self.discarded += 1
            return None
        target, _, instruction, key = header[:4]
        path, (initiator, *transaction, extended) = header[4 : 4 + paths], header[4 + paths : 8 + paths]
        address, length = int.from_bytes(header[-8:-4], "big"), int.from_bytes(header[-4:-1], "big")
        is_write, is_reply_wanted = instruction & 0x20, instruction & 0x08
        status = self.header_status(target, instruction, key, extended << 32 | address, length)
        if status == 0:
            status = self.data_status(packet[len(header) :], broken, length if is_write else None)
        data = b""
        if status == 0:
            step = 8 if instruction & 0x04 else 0
            places = [address + step * index for index in range(length // 8)]
            if is_write:
                status = self.write(places, packet[len(header) :], writes)
            else:
                status, data = self.read(places)
        if not is_reply_wanted:
            return None
        reply = bytes((initiator, 1, instruction & 0x3F, status, 0xFE, *transaction))
        if not is_write:
            reply += bytes((0, *len(data).to_bytes(3, "big")))
        reply += bytes((reference_crc(reply),))
        if not is_write:
            reply += data + bytes((reference_crc(data),))
        return path.lstrip(b"\0") + reply

    @staticmethod
    def header_status(target: int, instruction: int, key: int, address: int, length: int) -> int:
        code = instruction >> 2 & 0xF
        if instruction & 0x80 or code in (0, 1, 4, 5, 6):
            return 2
        if target != 0xFE:
            return 12
        if key != 0x56:
            return 3
        if length > 256 and code in (0xC, 0xD, 0xE, 0xF):
            return 9
        if code == 7 or length > 256 or length % 8 or address % 8 or address + length > SPACE:
            return 10
        return 0

    @staticmethod
    def data_status(rest: bytes, broken: bool, length: int | None) -> int:
        expected = 0 if length is None else length + 1
        if broken:
            return 7
        if len(rest) != expected:
            return 5 if len(rest) < expected else 6
        return 4 if length is not None and reference_crc(rest) else 0

    def write(self, places: list[int], data: bytes, writes: list[tuple[int, int]]) -> int:
        for index, place in enumerate(places):
            if place >= REFUSED:
                return 1
            word = int.from_bytes(data[8 * index : 8 * index + 8], "little")
            self.memory[place] = word
            writes.append((place, word))
        return 0

    def read(self, places: list[int]) -> tuple[int, bytes]:
        if any(place >= REFUSED for place in places):
            return 1, b""
        return 0, b"".join(self.memory.get(place, 0).to_bytes(8, "little") for place in places)


class Chip:
    """The library: characters in, frames and writes out."""

    def __init__(self, library: Path) -> None:
        self._ffi: Any = cffi.FFI()
        self._ffi.cdef(_INTERFACE)
        self._library = self._ffi.dlopen(str(library))
        self._chip = self._ffi.gc(self._library.chip_open(), self._library.chip_close)
        self._out = np.zeros(1 << 16, np.uint8)
        self._log = np.zeros(1 << 16, np.uint64)
        self.settings(seed=1, speed=16)

    def settings(self, *, seed: int, speed: int) -> None:
        """``speed`` sixteenths of the cycles, each side is ready."""
        self._library.chip_settings(self._chip, REFUSED, seed, speed)

    def exchange(self, characters: Sequence[int]) -> tuple[list[bytes], list[tuple[int, int]]]:
        """Packets that come back, and writes that were carried out."""
        sent = np.array(characters, np.uint16)
        pointer = [self._ffi.from_buffer(kind, array) for kind, array in
                   (("uint16_t[]", sent), ("uint8_t[]", self._out), ("uint64_t[]", self._log))]  # fmt: skip
        count = self._library.chip_exchange(self._chip, pointer[0], len(sent), pointer[1], len(self._out), QUIET)
        logged = self._library.chip_log(self._chip, pointer[2], len(self._log))
        assert count < len(self._out) and logged < len(self._log)
        raw = self._out[:count].tobytes()
        assert not raw or raw[-1] == 0, "the last frame must be whole"
        pairs = self._log[:logged].reshape(-1, 2).tolist()
        return [cobs.decode(frame) for frame in raw.split(b"\0")[:-1]], [(a, word) for a, word in pairs]

    @property
    def memory(self) -> NDArray[np.uint64]:
        """All of the RAM, by word."""
        buffer = self._ffi.buffer(self._library.chip_memory(self._chip), SPACE)
        return np.frombuffer(buffer, np.uint64)

    @property
    def discarded(self) -> int:
        return int(self._library.chip_discarded(self._chip))


@pytest.fixture(scope="session")
def link_library() -> Path:
    """Built once."""
    shim = (Path(__file__).parent / "frames.cpp").read_text()
    return build_library(convert(FrameLink(), "frame_link"), "frame_link", CACHE, shim=shim)


@pytest.fixture
def chip(link_library: Path) -> Iterator[Chip]:
    """The link with a RAM on its bus, just reset."""
    yield Chip(link_library)


@pytest.fixture
def reference() -> Reference:
    return Reference()


@pytest.fixture
def crc_of() -> Callable[[bytes], int]:
    """The CRC by an independent package."""
    return reference_crc


@pytest.fixture
def characters() -> Callable[..., list[int]]:
    """``characters(packet, ...)``: the frames of packets, each ended, by an independent package."""
    return lambda *packets: [byte for packet in packets for byte in (*cobs.encode(packet), 0)]
