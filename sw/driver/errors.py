"""What can go wrong between the driver and its chip."""

from __future__ import annotations

from vanallen.rtl.commands import ErrorCode

__all__ = ["DriverError", "JobFailed", "JobTimeout", "TransferFailed", "Uncorrectable", "WrongChip"]


class DriverError(Exception):
    """Something the chip did not do as it was told."""


class WrongChip(DriverError):
    """The chip isn't the one the driver was made for."""


class JobFailed(DriverError):
    """A job ended early.

    Attributes
    ----------
    error : ErrorCode or int
        Why; its number where the driver doesn't know it.
    command : int
        Where.
    """

    def __init__(self, error: int, command: int) -> None:
        known = error in tuple(ErrorCode)
        self.error: ErrorCode | int = ErrorCode(error) if known else error
        self.command = command
        super().__init__(f"the job failed at command {command}: {ErrorCode(error).name if known else f'error {error}'}")


class Uncorrectable(JobFailed):
    """A protected chip gave a job up: it began a block again as often as it may, or its watchdog ended the job.

    What the job wrote must not be used. Attributes are those of :class:`JobFailed` and ``block``: how many blocks of
    the command are committed, hence the number of the one at fault.
    """

    FIRST = ErrorCode.COMMAND_MEMORY
    """The error codes from here on."""

    def __init__(self, error: int, command: int, block: int) -> None:
        super().__init__(error, command)
        self.block = block

    def __str__(self) -> str:
        return f"{super().__str__()}, block {self.block}"


class TransferFailed(DriverError):
    """What came to a chip or from it still differed after the driver's last attempt."""

    def __init__(self, what: str, address: int, words: int, attempts: int) -> None:
        super().__init__(f"{words} words {what} address {address:#08x} differed {attempts} times in turn")
        self.address = address
        self.words = words


class JobTimeout(DriverError):
    """A job was still at ``command`` when its ``cycle_limit`` was over; only a soft reset ends it."""

    def __init__(self, command: int, cycle_limit: int) -> None:
        super().__init__(f"the job was still at command {command} after {cycle_limit} cycles")
        self.command = command
        self.cycle_limit = cycle_limit
