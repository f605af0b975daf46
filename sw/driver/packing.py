"""Values to bus words and back: the fields of registers and the rows of memories."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from vanallen.rtl.registers import Register

from .target import BUS_BYTES

__all__ = ["pack_register", "pack_rows", "unpack_register", "unpack_rows"]


def pack_register(register: Register, **values: int) -> int:
    """The word of ``register`` whose named fields have ``values`` and whose other bits are zero.

    Raises
    ------
    ValueError
        If a field is unknown or its value doesn't fit.
    """
    fields = {field.name: field for field in register.fields}
    word = 0
    for name, value in values.items():
        if name not in fields:
            raise ValueError(f"field of {register.name} must be one of {', '.join(fields)}, not {name!r}")
        field = fields[name]
        if not 0 <= value < 1 << field.width:
            raise ValueError(f"{register.name}.{name} must be from 0 to {(1 << field.width) - 1}, not {value!r}")
        word |= value << field.offset
    return word


def unpack_register(register: Register, word: int) -> dict[str, int]:
    """Field values of a ``word`` read from ``register``."""
    return {field.name: word >> field.offset & (1 << field.width) - 1 for field in register.fields}


def pack_rows(rows: NDArray[Any], stride: int) -> NDArray[np.uint64]:
    """Bus words of memory rows: each row of the array ``rows`` [n, columns] takes ``stride`` bytes, zeros at its end.

    ``stride`` is a multiple of 8 and at least the bytes of a row. A row of 4 bytes fills the low half of a word; one of
    16 bytes takes two words; one of 24 bytes at a stride of 32 takes three and leaves a fourth.
    """
    row_bytes = rows.shape[1] * rows.dtype.itemsize
    raw = np.ascontiguousarray(rows.astype(rows.dtype.newbyteorder("<"), copy=False))
    raw = raw.view(np.uint8).reshape(len(rows), row_bytes)
    if row_bytes != stride:
        padded = np.zeros((len(rows), stride), np.uint8)
        padded[:, :row_bytes] = raw
        raw = padded
    return raw.reshape(-1).view("<u8").astype(np.uint64, copy=False)


def unpack_rows(words: NDArray[np.uint64], stride: int, columns: int, dtype: DTypeLike) -> NDArray[Any]:
    """Memory rows [n, columns] of ``dtype`` from bus words at ``stride`` bytes a row: what :func:`pack_rows` undoes."""
    kind = np.dtype(dtype).newbyteorder("<")
    raw = np.ascontiguousarray(words.astype("<u8", copy=False)).view(np.uint8)
    raw = raw.reshape(len(words) * BUS_BYTES // stride, stride)
    return np.ascontiguousarray(raw[:, : columns * kind.itemsize]).view(kind).astype(dtype, copy=False)
