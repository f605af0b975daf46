"""The address map: registers and memory windows. Imports no Amaranth.

Byte addresses, 64-bit words, little-endian. Address bits 21 to 19 choose a window of 512 KiB; within a memory window, a
RAM row takes the next power of two of bus words (one on ``nano``, whose rows fill the low half of a bus word).

The tables are made from ``rtl/registers.rdl`` by ``make generate``; here is what they are looked up with.
"""

from __future__ import annotations

from .config import WINDOW_BYTES, Config
from .register_table import ADDRESS_BITS, MEMORIES, REGISTERS, Injection, State, Window
from .register_types import Access, Memory, Register, RegisterField

__all__ = ["ADDRESS_BITS", "CLEARED", "COUNTERS", "DEFAULT_STEAL_INTERVAL", "IDENTITY", "MEMORY_WINDOWS", "REGISTERS",
           "VERSION", "WINDOW_BYTES", "Access", "Injection", "Register", "RegisterField", "State", "Window", "memory",
           "register", "window_banks", "window_rows", "window_stride"]  # fmt: skip

_REGISTERS = {entry.name: entry for entry in REGISTERS}
_MEMORIES = {Window[entry.name.upper()]: entry for entry in MEMORIES}

MEMORY_WINDOWS = tuple(_MEMORIES)
"""The windows of the memories, by address."""


def register(name: str) -> Register:
    """The register called ``name``; KeyError if there is none."""
    return _REGISTERS[name]


def _number(value: int | str | None) -> int:
    assert isinstance(value, int)
    return value


IDENTITY = _number(register("identity").field("identity").constant)
_MAJOR, _MINOR, _PATCH = (_number(register("version").field(part).constant) for part in ("major", "minor", "patch"))
VERSION = (_MAJOR, _MINOR, _PATCH)
"""Version of the hardware interface: major (incompatible), minor (additions), patch."""

DEFAULT_STEAL_INTERVAL = _number(register("steal_interval").field("slots").reset)
"""Issue slots from one stolen for scrubbing to the next, after a reset."""

CLEARED = tuple(entry.name for entry in REGISTERS if entry.access is Access.READ_CLEAR)
"""Names of the registers that any write clears, by address."""

COUNTERS = tuple(name for name in CLEARED if register(name).fields[0].name == "count")
"""Names of those that count one thing, by address."""


def memory(window: Window) -> Memory:
    """The memory in ``window``; KeyError for the registers."""
    return _MEMORIES[window]


def window_stride(config: Config, window: Window) -> int:
    """Bytes of address space from one row of a memory to the next: a power of two, at least 8."""
    return max(8, 1 << (memory(window).row_bytes(config) - 1).bit_length())


def window_banks(config: Config, window: Window) -> tuple[int, int]:
    """Banks (codewords) of a memory's row, and the data bits of one."""
    row = memory(window).row_bytes(config)
    return -(-row // 8), 8 * min(row, 8)


def window_rows(config: Config, window: Window) -> int:
    """Rows of a memory."""
    return memory(window).rows(config)
