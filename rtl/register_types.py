"""What the tables of the register map are made of. Imports no Amaranth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from .config import WINDOW_BYTES, Config

__all__ = ["Access", "Memory", "NumberedWindow", "Register", "RegisterField"]


class NumberedWindow(IntEnum):
    """Windows of the address map, numbered by their place."""

    @property
    def base(self) -> int:
        """Byte address of the window's first word."""
        return self.value * WINDOW_BYTES


class Access(Enum):
    """What the host may do with a register."""

    READ = "read"
    WRITE = "write"
    READ_WRITE = "read-write"
    READ_CLEAR = "read, any write clears"


@dataclass(frozen=True)
class RegisterField:
    """``width`` bits from bit ``offset`` of a register.

    ``constant`` is what a field that never changes reads as: a number, or the name of the size in ``Config`` that it
    shows; None for a field that changes. ``reset`` is what such a field reads as after a reset; None if that depends.
    """

    name: str
    offset: int
    width: int
    doc: str
    constant: int | str | None = None
    reset: int | None = None

    @property
    def changes(self) -> bool:
        """Whether the hardware or the host changes the field."""
        return self.constant is None


@dataclass(frozen=True)
class Register:
    """A 64-bit register at byte ``address``, or ``words`` alike that follow each other (a power of two)."""

    name: str
    address: int
    access: Access
    doc: str
    fields: tuple[RegisterField, ...]
    words: int = 1

    def field(self, name: str) -> RegisterField:
        """The field called ``name``; KeyError if there is none."""
        return {field.name: field for field in self.fields}[name]

    def constants(self, config: Config) -> dict[str, int]:
        """What the fields that never change read as on the chip of ``config``, by name."""
        values: dict[str, int] = {}
        for field in self.fields:
            if isinstance(field.constant, str):
                values[field.name] = getattr(config, field.constant)
            elif field.constant is not None:
                values[field.name] = field.constant
        return values


@dataclass(frozen=True)
class Memory:
    """The memory in the window at ``base``.

    It has as many rows as the size ``rows_size`` of the configuration says. A row holds ``item_bytes`` bytes for each
    unit of the size ``items_size``, or once if that is None.
    """

    name: str
    base: int
    doc: str
    rows_size: str
    item_bytes: int
    items_size: str | None = None

    def rows(self, config: Config) -> int:
        """Rows on the chip of ``config``."""
        rows: int = getattr(config, self.rows_size)
        return rows

    def row_bytes(self, config: Config) -> int:
        """Bytes that a row holds."""
        items: int = getattr(config, self.items_size) if self.items_size else 1
        return items * self.item_bytes
