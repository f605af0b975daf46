"""What can go wrong between the driver and its chip."""

from __future__ import annotations

from vanallen.rtl.commands import ErrorCode

__all__ = ["DriverError", "JobFailed", "JobTimeout", "WrongChip"]


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


class JobTimeout(DriverError):
    """A job was still at ``command`` when its ``cycle_limit`` was over; only a soft reset ends it."""

    def __init__(self, command: int, cycle_limit: int) -> None:
        super().__init__(f"the job was still at command {command} after {cycle_limit} cycles")
        self.command = command
        self.cycle_limit = cycle_limit
