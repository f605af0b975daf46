"""The address map: registers and memory windows. Imports no Amaranth.

Byte addresses, 64-bit words, little-endian. Address bits 21 to 19 choose a window of 512 KiB; within a memory window, a
RAM row takes the next power of two of bus words (one on ``nano``, whose rows fill the low half of a bus word).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from .config import WINDOW_BYTES, Config

__all__ = ["ADDRESS_BITS", "IDENTITY", "REGISTERS", "VERSION", "WINDOW_BYTES", "Access", "Register", "RegisterField",
           "State", "Window", "register", "window_banks", "window_rows", "window_stride"]  # fmt: skip

ADDRESS_BITS = 22
IDENTITY = int.from_bytes(b"VANALLEN", "big")
VERSION = (0, 1, 0)
"""Version of the hardware interface: major (incompatible), minor (additions), patch."""


class Window(IntEnum):
    """The windows of the address map: the value of address bits 21 to 19."""

    REGISTERS = 0
    COMMAND = 1
    PARAMETER = 2
    SIDE = 3
    """Checksum weights, one a weight row; present where the configuration has side columns."""
    WEIGHT = 4
    ACTIVATION = 6

    @property
    def base(self) -> int:
        """Byte address of the window's first word."""
        return self.value * WINDOW_BYTES


class State(IntEnum):
    """What the chip is doing, in words of the extended Hamming code (8, 4): any two differ in four bits."""

    FILLING = 0x0F
    """After a reset the memories are being filled with zeros."""
    READY = 0x33
    BUSY = 0x55
    DONE = 0x66
    FAILED = 0x99
    """The job ended early; the status register's ``error`` says why."""


class Access(Enum):
    """What the host may do with a register."""

    READ = "read"
    WRITE = "write"
    READ_WRITE = "read-write"
    READ_CLEAR = "read, any write clears"


@dataclass(frozen=True)
class RegisterField:
    """``width`` bits from bit ``offset`` of a register."""

    name: str
    offset: int
    width: int
    doc: str


@dataclass(frozen=True)
class Register:
    """A 64-bit register at byte ``address``."""

    name: str
    address: int
    access: Access
    doc: str
    fields: tuple[RegisterField, ...]


def _counter(name: str, address: int, doc: str) -> Register:
    return Register(name, address, Access.READ_CLEAR, doc + "; saturates", (RegisterField("count", 0, 40, "cycles"),))


REGISTERS = (
    Register("identity", 0x00, Access.READ, "the letters VANALLEN", (RegisterField("identity", 0, 64, "IDENTITY"),)),
    Register("version", 0x08, Access.READ, "version of the hardware interface", (
        RegisterField("patch", 0, 8, "corrections"),
        RegisterField("minor", 8, 8, "additions"),
        RegisterField("major", 16, 8, "incompatible changes"),
    )),
    Register("configuration", 0x10, Access.READ, "sizes of the array", (
        RegisterField("rows", 0, 8, "R"),
        RegisterField("columns", 8, 8, "C"),
        RegisterField("lanes", 16, 8, "requantizer lanes"),
        RegisterField("side_columns", 24, 8, "X, checksum columns"),
    )),
    Register("capacity", 0x18, Access.READ, "sizes of the memories, in rows", (
        RegisterField("activation", 0, 16, "activation words"),
        RegisterField("weight", 16, 16, "weight words"),
        RegisterField("accumulator", 32, 13, "rows an accumulator bank"),
    )),
    Register("start", 0x20, Access.WRITE, "starts a job; an error response while one runs", (
        RegisterField("first", 0, 16, "first command"),
        RegisterField("count", 16, 16, "commands to run"),
        RegisterField("job", 32, 16, "job number, returned in status"),
    )),
    Register("reset", 0x28, Access.WRITE, "soft reset: writing 1 to bit 0 stops everything and fills the memories", (
        RegisterField("reset", 0, 1, "1 resets"),
    )),
    Register("status", 0x30, Access.READ, "what the chip is doing", (
        RegisterField("state", 0, 8, "a State"),
        RegisterField("error", 8, 8, "an ErrorCode"),
        RegisterField("command", 16, 16, "command that runs, or that ended the job"),
        RegisterField("job", 32, 16, "job number given at start"),
        RegisterField("blocks", 48, 16, "blocks committed in this command"),
    )),
    Register("interrupt", 0x38, Access.READ_WRITE, "the interrupt line is enable and pending", (
        RegisterField("enable", 0, 1, "line follows pending"),
        RegisterField("pending", 1, 1, "a job ended; writing 1 clears"),
    )),
    Register("steal_interval", 0x40, Access.READ_WRITE, "issue slots from one stolen for scrubbing to the next", (
        RegisterField("slots", 0, 16, "16 to 65,535; 1,024 after reset"),
    )),
    _counter("job_cycles", 0x48, "cycles of jobs, start to end"),
    _counter("issued_slots", 0x50, "issue slots that streamed an activation row"),
    _counter("stalled_slots", 0x58, "issue slots that waited for an accumulator bank"),
    _counter("stolen_slots", 0x60, "issue slots stolen for scrubbing"),
    Register("layer_cycles", 0x400, Access.READ, "64 words: cycles of command k (modulo 64), fetch to commit", (
        RegisterField("count", 0, 32, "cycles"),
    )),
)  # fmt: skip
"""The registers by address. ``layer_cycles`` is the first of 64 words."""


def register(name: str) -> Register:
    """The register called ``name``; KeyError if there is none."""
    return {entry.name: entry for entry in REGISTERS}[name]


def _row_bytes(config: Config, window: Window) -> int:
    return {
        Window.COMMAND: 8,
        Window.PARAMETER: 8 * config.lanes,
        Window.SIDE: 2,
        Window.WEIGHT: config.columns,
        Window.ACTIVATION: config.rows,
    }[window]


def window_stride(config: Config, window: Window) -> int:
    """Bytes of address space from one row of a memory to the next: a power of two, at least 8."""
    return max(8, 1 << (_row_bytes(config, window) - 1).bit_length())


def window_banks(config: Config, window: Window) -> tuple[int, int]:
    """Banks (codewords) of a memory's row, and the data bits of one."""
    row = _row_bytes(config, window)
    return -(-row // 8), 8 * min(row, 8)


def window_rows(config: Config, window: Window) -> int:
    """Rows of a memory."""
    return {
        Window.COMMAND: config.command_rows,
        Window.PARAMETER: config.parameter_rows,
        Window.SIDE: config.weight_words,
        Window.WEIGHT: config.weight_words,
        Window.ACTIVATION: config.activation_words,
    }[window]
