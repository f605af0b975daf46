"""What the driver drives: reads and writes of bus addresses, and a way to let time pass."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.registers import ADDRESS_BITS

__all__ = ["BUS_BYTES", "BusError", "Response", "Target", "TargetTimeout", "check_address"]

BUS_BYTES = 8
"""Bytes a bus word."""


class Response(IntEnum):
    """Error responses of AXI4 (AMBA AXI protocol specification, RRESP and BRESP)."""

    EXOKAY = 1
    """No answer of AXI4-Lite: the chip, or what is between, is broken."""
    SLVERR = 2
    """The chip refuses: nothing is there, the direction is wrong, or a job runs or the memories are being filled."""
    DECERR = 3
    """Whatever is between the driver and the chip knows no such address."""


class BusError(Exception):
    """The chip answered an access with an error response.

    Attributes
    ----------
    address : int
        Byte address of the first access refused.
    response : Response
        What it answered.
    """

    def __init__(self, address: int, response: Response) -> None:
        super().__init__(f"the chip answered address {address:#08x} with {response.name}")
        self.address = address
        self.response = response


class TargetTimeout(Exception):
    """The chip didn't answer an access, or didn't become ready, within the limit in cycles."""


class Target(Protocol):
    """A chip, or a model of it, at the end of a bus.

    Addresses are byte addresses, multiples of 8 below 2^22; data are 64-bit words. Every access raises ``ValueError``
    for another address, :class:`BusError` where the chip answers with an error and :class:`TargetTimeout` where it
    doesn't answer. After an error, the words of a block beyond the one refused may or may not have been accessed.
    """

    def write(self, address: int, data: int) -> None:
        """Write one word."""

    def read(self, address: int) -> int:
        """Read one word."""

    def write_block(self, address: int, data: NDArray[np.uint64]) -> None:
        """Write the words of ``data`` to ascending addresses from ``address``."""

    def read_block(self, address: int, count: int) -> NDArray[np.uint64]:
        """Read ``count`` words at ascending addresses from ``address``."""

    def wait(self, cycles: int) -> None:
        """Let the chip run until its interrupt line is high, or for ``cycles`` cycles."""

    def close(self) -> None:
        """Release what the target holds; it can't be used afterwards. May be called twice."""


def check_address(address: int, count: int = 1) -> None:
    """Check the address of an access to ``count`` words.

    Raises
    ------
    ValueError
        If it isn't a multiple of 8, or not all of the words lie in the address space.
    """
    if address % BUS_BYTES or address < 0:
        raise ValueError(f"address must be a multiple of {BUS_BYTES} and not negative, not {address:#x}")
    if count < 0 or address + BUS_BYTES * count > 1 << ADDRESS_BITS:
        raise ValueError(f"address and count must stay below {1 << ADDRESS_BITS:#x}, not {address:#x} and {count}")
