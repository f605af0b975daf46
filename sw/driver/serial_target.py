"""The target ``serial:PORT``: a board, or whatever else speaks its protocol, at the end of a serial line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.link.rmap import BAUD, DATA_LIMIT, Command, Reply, Status
from vanallen.rtl.registers import State, register

from .packing import unpack_register
from .serial_link import ATTEMPTS, LinkError, SerialLink
from .target import BUS_BYTES, BusError, Response, TargetTimeout, check_address

__all__ = ["SerialTarget"]

_START = register("start").address
_SILENCE = 2.0


class SerialTarget:
    """A chip behind a :class:`~.serial_link.SerialLink`, as a :class:`~.target.Target`.

    Blocks are split into commands of 256 bytes, several of which are on their way at a time. Commands are sent again
    when they or their replies are lost, which does no harm where doing a thing twice is doing it once. A write of
    ``start`` isn't such: after a lost reply, the chip is asked whether the job was taken. That can be told where
    ``pending`` was acknowledged before, as the driver does.

    The interrupt line can't be seen here, so ``wait`` asks for the status until no job runs.

    Parameters
    ----------
    port : str
        Name of the serial port.
    baud : int
        Bits a second: what the bitstream was made for.
    silence : float
        Seconds without a byte after which nothing more is expected.

    Raises
    ------
    LinkError
        If the port can't be opened, or something else than the chip answers.
    TargetTimeout
        If nothing answers.
    """

    def __init__(self, port: str, *, baud: int = BAUD, silence: float = _SILENCE) -> None:
        self.link = SerialLink(port, baud=baud, silence=silence)
        try:
            self.link.exchange([Command(address=0, transaction=0, length=BUS_BYTES)], attempts=2)
        except BaseException:
            self.link.close()
            raise

    def write(self, address: int, data: int) -> None:
        """Write one word."""
        check_address(address)
        command = Command(address=address, transaction=0, data=int(data).to_bytes(BUS_BYTES, "little"))
        if address == _START:
            self._start(command)
        else:
            self._transfer([command])

    def read(self, address: int) -> int:
        """Read one word."""
        return int(self.read_block(address, 1)[0])

    def write_block(self, address: int, data: NDArray[np.uint64]) -> None:
        """Write the words of ``data`` to ascending addresses from ``address``."""
        check_address(address, len(data))
        raw = np.ascontiguousarray(data, "<u8").tobytes()
        self._transfer([
            Command(address=address + start, transaction=0, data=raw[start : start + DATA_LIMIT])
            for start in range(0, len(raw), DATA_LIMIT)
        ])  # fmt: skip

    def read_block(self, address: int, count: int) -> NDArray[np.uint64]:
        """Read ``count`` words at ascending addresses from ``address``."""
        check_address(address, count)
        size = BUS_BYTES * count
        replies = self._transfer([
            Command(address=address + start, transaction=0, length=min(DATA_LIMIT, size - start))
            for start in range(0, size, DATA_LIMIT)
        ])  # fmt: skip
        return np.frombuffer(b"".join(reply.data or b"" for reply in replies), "<u8").astype(np.uint64)

    def wait(self, cycles: int) -> None:
        """Let the chip run until no job runs, or for ``cycles`` cycles of one: ``job_cycles`` tells how long.

        That none runs must be said twice: a read may have been struck.
        """
        begin = self._field("job_cycles", "count")
        while self._busy() or self._busy():
            if self._field("job_cycles", "count") - begin >= cycles:
                return

    def close(self) -> None:
        """Close the port."""
        self.link.close()

    def _field(self, name: str, field: str) -> int:
        entry = register(name)
        return unpack_register(entry, self.read(entry.address))[field]

    def _busy(self) -> bool:
        return self._field("status", "state") == State.BUSY

    def _start(self, command: Command) -> None:
        """Write ``start``, once."""
        job = unpack_register(register("start"), int.from_bytes(command.data or b"", "little"))["job"]
        for attempt in range(ATTEMPTS):
            try:
                self._transfer([command], attempts=1)
                return
            except TargetTimeout:
                if attempt == ATTEMPTS - 1:
                    raise
            if self._taken(job):
                return

    def _taken(self, job: int) -> bool:
        """Whether the job runs or has ended since ``pending`` was acknowledged."""
        if self._field("status", "job") != job:
            return False
        return self._field("status", "state") == State.BUSY or bool(self._field("interrupt", "pending"))

    def _transfer(self, commands: Sequence[Command], attempts: int = ATTEMPTS) -> list[Reply]:
        replies = self.link.exchange(commands, attempts=attempts)
        for command, reply in zip(commands, replies, strict=True):
            if reply.status == Status.GENERAL_ERROR:
                raise BusError(self._first_refused(command), Response.SLVERR)
            if reply.status != Status.SUCCESS:
                raise LinkError(f"what answers at {self.link.port} refuses a good command, with status {reply.status}: "
                                "is its bitstream of this version?")  # fmt: skip
        return replies

    def _first_refused(self, command: Command) -> int:
        """Address of the first word that is refused when the words of ``command`` are accessed one by one."""
        size = len(command.data) if command.data is not None else command.length
        for start in range(0, size if size > BUS_BYTES else 0, BUS_BYTES):
            part = None if command.data is None else command.data[start : start + BUS_BYTES]
            single = Command(address=command.address + start, transaction=0, data=part, length=BUS_BYTES)
            if self.link.exchange([single])[0].status == Status.GENERAL_ERROR:
                return single.address
        return command.address
