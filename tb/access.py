"""What a host sees without a job: every word of every memory, the registers, and what must be refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.config import Config
from vanallen.rtl.registers import (
    MEMORY_WINDOWS,
    REGISTERS,
    Access,
    Window,
    register,
    window_banks,
    window_rows,
    window_stride,
)
from vanallen.sw.driver.simulation import LibraryTarget
from vanallen.sw.driver.target import BUS_BYTES, BusError, Target

from .jobs import Mismatch

__all__ = ["check_empty", "check_meetings", "check_memories", "check_refusals"]

_LOGGED = 64
"""Words of ``layer_cycles``."""


def _blocks(config: Config, window: Window) -> Iterator[tuple[int, int]]:
    """Address and bus words of the blocks of consecutive words that make up a memory."""
    rows, stride, (banks, _) = window_rows(config, window), window_stride(config, window), window_banks(config, window)
    if banks * BUS_BYTES == stride:
        yield window.base, rows * banks
        return
    for row in range(rows):
        yield window.base + row * stride, banks


def _expect(target: Target, address: int, want: NDArray[np.uint64], what: str) -> None:
    got = target.read_block(address, len(want))
    if (got != want).any():
        index = int(np.argmax(got != want))
        raise Mismatch(f"{what}: {address + BUS_BYTES * index:#x} must hold {int(want[index]):#x}, "
                       f"not {int(got[index]):#x}")  # fmt: skip


def check_memories(target: Target, config: Config, *, seed: int) -> None:
    """Write random words to all memories, read them back, and again with every bit turned.

    All are written before any is read, so that a write to the wrong place is seen. The last contents stay.

    Raises
    ------
    Mismatch
        If a word isn't what was written to it last.
    """
    values = np.random.default_rng(seed)
    contents = [
        (address, values.integers(0, 1 << 64, count, np.uint64), window)
        for window in MEMORY_WINDOWS for address, count in _blocks(config, window)
    ]  # fmt: skip
    for turned in (np.uint64(0), ~np.uint64(0)):
        for address, words, _ in contents:
            target.write_block(address, words ^ turned)
        for address, words, window in contents:
            held = np.uint64((1 << window_banks(config, window)[1]) - 1)
            _expect(target, address, (words ^ turned) & held, f"{window.name.lower()} RAM")


def check_empty(target: Target, config: Config) -> None:
    """Every word of every memory and the cycles of every command are zero; raises :class:`Mismatch` if not."""
    for window in MEMORY_WINDOWS:
        for address, count in _blocks(config, window):
            _expect(target, address, np.zeros(count, np.uint64), f"{window.name.lower()} RAM after a reset")
    _expect(target, register("layer_cycles").address, np.zeros(_LOGGED, np.uint64), "cycles of commands after a reset")


def _refused(what: str, access: Callable[..., object], *arguments: int) -> None:
    try:
        access(*arguments)
    except BusError:
        return
    raise Mismatch(f"{what} must be refused")


def _holes(config: Config) -> list[int]:
    """Addresses with nothing behind them: beside registers, in windows without memory, right behind memories."""
    ends = [window.base + window_rows(config, window) * window_stride(config, window) for window in MEMORY_WINDOWS]
    used = {window.base for window in Window}
    named = {entry.address for entry in REGISTERS}
    low = [address for address in range(0, 0x400, BUS_BYTES) if address not in named]
    return [*low, 0x600, 0xFF8, 0x1000, 0x7FFF8, 3 << 19, 5 << 19, 7 << 19,
            *(end for end in ends if end not in used and end >> 19 != 8)]  # fmt: skip


def check_refusals(target: Target, config: Config) -> None:
    """Accesses that must be refused, and the ones next to them that must not.

    Raises
    ------
    Mismatch
        If one isn't refused, or what can only be read changes by a write.
    BusError
        If one is refused that must not be.
    """
    for window in MEMORY_WINDOWS:
        end = window.base + window_rows(config, window) * window_stride(config, window)
        last = end - window_stride(config, window)
        target.write(last, 0)
        target.read(last)
    for hole in _holes(config):
        _refused(f"write of {hole:#x}", target.write, hole, 0)
        _refused(f"read of {hole:#x}", target.read, hole)
    for entry in REGISTERS:
        if entry.access is Access.READ:
            before = target.read(entry.address)
            _refused(f"write of {entry.name}", target.write, entry.address, before ^ 1)
            if target.read(entry.address) != before:
                raise Mismatch(f"{entry.name} must stay {before:#x} after a refused write")
        elif entry.access is Access.WRITE:
            _refused(f"read of {entry.name}", target.read, entry.address)


def check_meetings(target: LibraryTarget, config: Config) -> None:
    """Writes and reads of the same memory in the same cycle, of one row and of rows that differ in one address bit.

    The read goes first: it gives the word before the write, and takes as long whichever row is written. A write of part
    of a word, which comes after its address, changes nothing.

    Raises
    ------
    Mismatch
        If a word or its cycle is another.
    """
    for window in MEMORY_WINDOWS:
        stride, held = window_stride(config, window), (1 << window_banks(config, window)[1]) - 1
        row = window.base + 5 * stride
        apart, before = set(), 0
        for bit in range((window_rows(config, window) - 1).bit_length()):
            other = window.base + (5 ^ 1 << bit) * stride
            target.write(other, 0x0123456789ABCDEF)
            begin, before = target.cycles, bit
            _is(target.meet(row, bit, other), 0x0123456789ABCDEF & held, f"{other:#x} while {row:#x} is written")
            apart.add(target.cycles - begin)
        begin = target.cycles
        _is(target.meet(row, held, row), before, f"{row:#x} while it is written")
        if apart != {target.cycles - begin}:
            raise Mismatch(f"a read of {row:#x} while it is written must take as long as {apart}, "
                           f"not {target.cycles - begin}")  # fmt: skip
        _is(target.read(row), held, f"{row:#x} after it was written")
        _refused(f"part of {row:#x}", lambda row=row: target.meet(row, 0, row, strobe=0x7F, late=4))
        _is(target.read(row), held, f"{row:#x} after a refused write")


def _is(got: int, want: int, what: str) -> None:
    if got != want:
        raise Mismatch(f"{what} must be {want:#x}, not {got:#x}")
