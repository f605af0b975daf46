"""No memory is read and written at one address in one cycle: stated for every memory that a design has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amaranth.hdl import Fragment, MemoryInstance, Module, Value

from .specification import always

__all__ = ["CUT", "collisions_never", "memories"]

CUT = ("cutpoint t:$memrd_v2", "delete t:$memwr_v2 t:$meminit_v2", "delete */m:*")
"""Yosys commands: what a memory holds is anything in every cycle, for these proofs ask for addresses alone."""


def memories(fragment: Fragment, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Name (submodules, with dots) and instance of every memory in ``fragment``."""
    if isinstance(fragment, MemoryInstance):
        yield ".".join(path), fragment
    for child, name, _ in fragment.subfragments:
        yield from memories(child, (*path, name or "memory"))


def collisions_never(m: Module, fragment: Fragment, chosen: str = "") -> int:
    """Adds the rule for every memory whose name contains ``chosen``; how many there were."""
    count = 0
    for name, memory in memories(fragment):
        if chosen not in name:
            continue
        count += 1
        for read in memory._read_ports:
            for write in memory._write_ports:
                meet = read._en & write._en.any() & (read._addr == write._addr)
                always(m, f"{name} is never read and written at one address at once", ~Value.cast(meet))
    return count
