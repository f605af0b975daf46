"""The checksum of a transfer, for many words at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.transfers import CHECKSUM_BITS

from .target import BUS_BYTES

__all__ = ["transfer_checksum"]

_MASK = (1 << CHECKSUM_BITS) - 1


def _rotate(value: int, turns: int) -> int:
    turns %= CHECKSUM_BITS
    return (value << turns | value >> CHECKSUM_BITS - turns) & _MASK


def transfer_checksum(words: NDArray[np.uint64], address: int | None = None, start: int = 0) -> int:
    """What :func:`vanallen.rtl.transfers.checksum` gives for ``words`` (uint64) at ascending addresses.

    ``address`` is the byte address of the first one; None for words that are read, which go in without addresses.

    A word is rotated once for each word behind it. Rotation goes through exclusive or, and as many turns as there are
    bits change nothing: words that far apart are added first, and each of the sums is rotated once.
    """
    parts = words & np.uint64(_MASK) ^ words >> np.uint64(CHECKSUM_BITS)
    if address is not None:
        parts ^= np.arange(len(words), dtype=np.uint64) + np.uint64(address // BUS_BYTES)
    total = _rotate(start, len(words))
    for turns in range(CHECKSUM_BITS):
        total ^= _rotate(int(np.bitwise_xor.reduce(parts[::-1][turns::CHECKSUM_BITS])), turns)
    return total
