"""Commands and replies over a serial port: frames, and what is lost sent again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import serial

from vanallen.rtl.link.framing import decode, encode
from vanallen.rtl.link.rmap import RECEIVE_BYTES, Command, Reply, Status, parse_reply

from .target import TargetTimeout

__all__ = ["ATTEMPTS", "LinkError", "SerialLink"]

ATTEMPTS = 4
"""How often a command is sent before it is given up."""

_WINDOW = RECEIVE_BYTES // 2
"""Bytes of frames that may be on their way: less than the chip's queue holds."""

_LONGEST_FRAME = 4096
"""Bytes without a zero that are thrown away: no reply is as long."""

_DAMAGED = (Status.INVALID_DATA_CRC, Status.EARLY_END, Status.TOO_MUCH_DATA, Status.ERROR_END)
"""What the chip says of a command that was damaged on its way; nothing came of it."""


class LinkError(Exception):
    """The serial port can't be opened or is gone, or what answers there doesn't speak as the chip does."""


class SerialLink:
    """The line to the chip.

    Several commands are on their way at a time. Replies come in the order of the commands, so a reply says that those
    still unanswered before it are lost; silence says so of all. What is lost is sent again, with a transaction number
    of its own, so that a late reply isn't taken for another's.

    Parameters
    ----------
    port : str
        Name of the serial port.
    baud : int
        Bits a second.
    silence : float
        Seconds without a byte after which nothing more is expected.

    Raises
    ------
    LinkError
        If the port can't be opened.
    """

    def __init__(self, port: str, *, baud: int, silence: float) -> None:
        self.port = port
        self.baud = baud
        self.sent_again = 0
        self._transaction = 0
        self._received = bytearray()
        with self._port_errors("can't be opened"):
            self._line = serial.Serial(port, baud, timeout=silence, write_timeout=silence, exclusive=True)
            self._line.reset_input_buffer()

    @contextmanager
    def _port_errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except serial.SerialTimeoutException as error:
            raise TargetTimeout(f"serial port {self.port} takes no more bytes") from error
        except (OSError, ValueError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise LinkError(f"serial port {self.port} {what}: {reason}") from error

    def exchange(self, commands: Sequence[Command], *, attempts: int = ATTEMPTS) -> list[Reply]:
        """The reply to each of the commands, in their order; their transaction numbers are the link's own.

        A command may be carried out more than once, and after one that was given after it.

        Raises
        ------
        TargetTimeout
            If a command isn't answered, however often it is sent.
        LinkError
            If the port is gone.
        """
        replies: dict[int, Reply] = {}
        waiting, flying = deque((index, 0) for index in range(len(commands))), dict[int, tuple[int, int, int]]()
        while len(replies) < len(commands):
            while waiting and sum(size for _, _, size in flying.values()) < _WINDOW:
                index, tries = waiting.popleft()
                if tries == attempts:
                    raise TargetTimeout(f"no answer from {self.port} at {self.baud} baud, asked {attempts} times")
                transaction, size = self._send(commands[index])
                flying[transaction] = (index, tries + 1, size)
            reply, lost = self._receive(), []
            if reply is None:
                lost, flying = list(flying.values()), {}
            elif reply.transaction in flying:
                while (oldest := next(iter(flying))) != reply.transaction:
                    lost.append(flying.pop(oldest))
                entry = flying.pop(oldest)
                if _answers(reply, commands[entry[0]]):
                    replies[entry[0]] = reply
                else:
                    lost.append(entry)
            self.sent_again += len(lost)
            waiting.extendleft((index, tries) for index, tries, _ in reversed(lost))
        return [replies[index] for index in range(len(commands))]

    def _send(self, command: Command) -> tuple[int, int]:
        """Sends a command; its transaction number, and the bytes it takes."""
        self._transaction = (self._transaction + 1) % (1 << 16)
        # The zero in front ends what noise may have begun.
        frame = b"\0" + encode(replace(command, transaction=self._transaction).encode()) + b"\0"
        with self._port_errors("is gone"):
            self._line.write(frame)
        return self._transaction, len(frame)

    def _receive(self) -> Reply | None:
        """The next sound reply; None after silence."""
        while True:
            end = self._received.find(0)
            if end >= 0:
                packet = decode(bytes(self._received[:end]))
                del self._received[: end + 1]
                reply = None if packet is None else parse_reply(packet)
                if reply is not None:
                    return reply
                continue
            with self._port_errors("is gone"):
                chunk = self._line.read(max(1, self._line.in_waiting))
            if not chunk or len(self._received) > _LONGEST_FRAME:
                self._received.clear()
            if not chunk:
                return None
            self._received += chunk

    def close(self) -> None:
        """Close the port."""
        self._line.close()


def _answers(reply: Reply, command: Command) -> bool:
    """Whether the reply is to that command, and the command arrived as it was sent."""
    if reply.instruction != command.instruction & 0x3F or reply.status in _DAMAGED:
        return False
    return command.data is not None or reply.status != Status.SUCCESS or len(reply.data or b"") == command.length
