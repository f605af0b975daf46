"""The serial target on a board simulated at its pins, over a line that damages and loses what it is told to."""

from __future__ import annotations

import os
import random
import tty
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from cobs import cobs

from vanallen.rtl.config import PRESETS
from vanallen.rtl.link.rmap import Command, parse_reply
from vanallen.rtl.registers import State, Window, register
from vanallen.sw.driver import BusError, LinkError, Response, SerialTarget, TargetTimeout
from vanallen.sw.driver.packing import pack_register, unpack_register
from vanallen.sw.driver.simulated_board import BoardModel, SimulatedBoard

NANO = PRESETS["nano"]
BASE = Window.COMMAND.base
END = BASE + 8 * NANO.command_rows
START = register("start").address


class Line(BoardModel):
    """A board whose line does to frames what ``sending`` and ``receiving`` say: they map a frame to what arrives."""

    def __init__(self) -> None:
        super().__init__(NANO)
        self.sending: Callable[[bytes], bytes] = lambda frame: frame
        self.receiving: Callable[[bytes], bytes] = lambda frame: frame
        self.starts = 0
        self._ways = {"in": b"", "out": b""}
        self._held = b""

    def _frames(self, way: str, data: bytes, change: Callable[[bytes], bytes]) -> bytes:
        *frames, self._ways[way] = (self._ways[way] + data).split(b"\0")
        return b"".join(change(frame) + b"\0" for frame in frames)

    def run(self, cycles: int, sent: bytes) -> tuple[int, bytes]:
        self._held += self._frames("in", sent, self._count)
        taken, out = super().run(cycles, self._held)
        self._held = self._held[taken:]
        return len(sent), self._frames("out", out, lambda frame: self.receiving(frame))

    def _count(self, frame: bytes) -> bytes:
        packet = cobs.decode(frame)
        self.starts += len(packet) > 16 and packet[2] & 0x20 != 0 and int.from_bytes(packet[8:12], "big") == START
        return self.sending(frame)

    @property
    def moving(self) -> bool:
        return bool(self._held) or super().moving


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def target(line: Line) -> Iterator[SerialTarget]:
    board = SimulatedBoard(line)
    target = SerialTarget(board.port)
    while unpack_register(register("status"), target.read(register("status").address))["state"] == State.FILLING:
        pass
    yield target
    target.close()
    target.close()
    board.close()


def once(change: Callable[[bytes], bytes], matches: Callable[[bytes], bool]) -> Callable[[bytes], bytes]:
    """Changes the first frame that matches, and no other."""
    done: list[bool] = []

    def changed(frame: bytes) -> bytes:
        if not done and frame and matches(frame):
            done.append(True)
            return change(frame)
        return frame

    return changed


def status(target: SerialTarget) -> dict[str, int]:
    return unpack_register(register("status"), target.read(register("status").address))


def test_blocks_come_back(target: SerialTarget) -> None:
    rng = np.random.default_rng(1)
    want = rng.integers(0, 1 << 64, 300, dtype=np.uint64)
    target.write_block(BASE, want)
    for start, count in ((0, 300), (1, 1), (3, 32), (5, 33), (9, 0)):
        assert np.array_equal(target.read_block(BASE + 8 * start, count), want[start : start + count])
    target.write(BASE + 16, (1 << 64) - 2)
    assert target.read(BASE + 16) == (1 << 64) - 2
    assert target.link.sent_again == 0


def test_errors_name_the_first_address(target: SerialTarget) -> None:
    calls: list[tuple[Callable[[], Any], int]] = [
        (lambda: target.read(START), START),
        (lambda: target.write(register("status").address, 0), register("status").address),
        (lambda: target.read_block(END - 16, 40), END),
        (lambda: target.write_block(END - 8, np.ones(3, np.uint64)), END),
    ]
    for call, address in calls:
        with pytest.raises(BusError) as caught:
            call()
        assert (caught.value.address, caught.value.response) == (address, Response.SLVERR)
    assert target.read(END - 8) == 1, "what comes before the refused word is written"


@pytest.mark.parametrize(("address", "count"), [(4, 1), (-8, 1), (1 << 22, 1), ((1 << 22) - 8, 2)])
def test_addresses_outside_the_bus(target: SerialTarget, address: int, count: int) -> None:
    with pytest.raises(ValueError, match="address"):
        target.read_block(address, count)
    with pytest.raises(ValueError, match="address"):
        target.write_block(address, np.zeros(count, np.uint64))
    with pytest.raises(ValueError, match="address"):
        target.write(address + 8 * (count - 1), 0)


def test_a_noisy_line(target: SerialTarget, line: Line) -> None:
    """Frames damaged and lost in both directions: everything is sent again until it is right."""
    rng = random.Random(5)

    def noise(frame: bytes) -> bytes:
        if not frame or rng.random() > 0.1:
            return frame
        place = rng.randrange(len(frame))
        return rng.choice((frame[:place], b"", frame[:place] + b"\x55" + frame[place + 1 :]))

    line.sending = line.receiving = noise
    want = np.random.default_rng(2).integers(0, 1 << 64, 400, dtype=np.uint64)
    target.write_block(BASE, want)
    assert np.array_equal(target.read_block(BASE, 400), want)
    assert target.link.sent_again > 0


def acknowledge(target: SerialTarget) -> None:
    entry = register("interrupt")
    target.write(entry.address, pack_register(entry, enable=1, pending=1))


def start_word(job: int) -> int:
    """A job of a command that isn't there: the chip refuses it, and it has ended at once."""
    return pack_register(register("start"), first=0, count=1, job=job)


@pytest.mark.parametrize("job", [77, 0])
def test_a_start_whose_reply_is_lost_is_not_sent_again(target: SerialTarget, line: Line, job: int) -> None:
    acknowledge(target)
    line.receiving = once(lambda frame: b"", lambda frame: True)
    target.write(START, start_word(job))
    assert (status(target)["job"], status(target)["state"], line.starts) == (job, State.FAILED, 1)


@pytest.mark.parametrize("job", [77, 0])
def test_a_start_that_is_lost_is_sent_again(target: SerialTarget, line: Line, job: int) -> None:
    acknowledge(target)
    line.sending = once(lambda frame: frame[:-1], lambda frame: len(cobs.decode(frame)) == 25)
    target.write(START, start_word(job))
    assert (status(target)["job"], status(target)["state"], line.starts) == (job, State.FAILED, 2)


def test_a_port_that_is_not_there() -> None:
    with pytest.raises(LinkError, match="serial port /dev/no-such-port can't be opened"):
        SerialTarget("/dev/no-such-port")


def test_a_port_at_which_nobody_answers() -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    with pytest.raises(TargetTimeout, match=r"no answer from /dev/pts/.* at 1000000 baud, asked 2 times"):
        SerialTarget(os.ttyname(slave), silence=0.1)
    os.close(master)
    os.close(slave)


def test_a_board_that_goes_away(line: Line) -> None:
    board = SimulatedBoard(line)
    target = SerialTarget(board.port)
    board.close()
    with pytest.raises(LinkError, match="is gone"):
        target.read(0)
    target.close()


def at_the_pins(board: BoardModel, sent: bytes) -> list[bytes]:
    """Packets that come back for bytes on the wire."""
    out, still = b"", 0
    while sent or still < 8:
        taken, given = board.run(1000, sent)
        sent, out, still = sent[taken:], out + given, 0 if given or board.moving else still + 1
    return [cobs.decode(frame) for frame in out.split(b"\0") if frame]


def test_damaged_frames_at_the_pins() -> None:
    """60 frames that would overwrite memory, each damaged: it stays as it was, and the next good command works."""
    rng, board = random.Random(3), BoardModel(NANO)
    board.run(10_000, b"")
    want = rng.randbytes(256)
    frames = [cobs.encode(command.encode()) + b"\0" for command in (
        Command(address=BASE, transaction=1, data=want), Command(address=BASE, transaction=2, data=b"\xee" * 256),
        Command(address=BASE, transaction=3, length=256),
    )]  # fmt: skip
    at_the_pins(board, frames[0])
    for _ in range(60):
        at_the_pins(board, damaged(rng, frames[1][:-1]) + b"\0")
        (reply,) = [parse_reply(packet) for packet in at_the_pins(board, frames[2])]
        assert reply is not None and (reply.transaction, reply.data) == (3, want)
    assert board.discarded > 0


def damaged(rng: random.Random, frame: bytes) -> bytes:
    place = rng.randrange(len(frame))
    kind = rng.randrange(4)
    if kind == 0:
        return frame[:place]
    if kind == 1:
        return frame[:place] + frame[place + 1 :]
    if kind == 2:
        return rng.randbytes(place) + b"\0" + frame[place:]
    return frame[:place] + bytes((frame[place] ^ 1 << rng.randrange(8),)) + frame[place + 1 :]
