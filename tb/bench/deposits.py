"""Writes registers and memories of the chip while it runs: each deposit is made on the falling edge and read back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from cocotb.handle import Immediate
from cocotb.triggers import FallingEdge, ReadOnly

from vanallen.rtl.verilog import TOP
from vanallen.tb.faults.storage import Storage, find_storage
from vanallen.tb.plan import TOP_PATH, members

from .host import Unexpected

__all__ = ["Bits", "Deposits", "Place"]

Place = tuple[str, int, int]
"""A bit: name of the register or memory below the accelerator, word, bit."""

Bits = Sequence[Place]
"""Bits that flip at once."""


class Deposits:
    """The chip's storage, to be read and written; the simulator must be built with ``deposits``.

    Parameters
    ----------
    dut : handle
        The chip.
    chip : Path
        The Verilog that it was built from.

    Attributes
    ----------
    storage : dict[str, Storage]
        Registers and memories by their names below the accelerator.
    classes : dict[str, list[str]]
        The names of each entry of the test plan.
    done : int
        Deposits made.
    """

    def __init__(self, dut: Any, chip: Path) -> None:
        self._dut = dut
        found = find_storage(chip.read_text(encoding="utf-8"))
        self.storage: dict[str, Storage] = {entry.name.removeprefix(TOP_PATH): entry for entry in found}
        self.classes = members(self.storage)
        self.done = 0
        self._handle = cache(self._find)

    def _find(self, name: str) -> Any:
        handle = self._dut
        for part in self.storage[name].symbol.removeprefix(f"{TOP}.").split("."):
            handle = handle[f"\\{part} " if "$" in part else part]  # as an escaped name, where it has to be one
        return handle

    def _word(self, name: str, element: int) -> Any:
        handle = self._handle(name)
        return handle[element] if self.storage[name].is_memory else handle

    def value(self, name: str, element: int = 0) -> int:
        """What a register, or a word of a memory, holds."""
        return int(self._word(name, element).value)

    async def put(self, values: dict[tuple[str, int], int]) -> None:
        """Write words now, in the low phase of the clock.

        Raises
        ------
        Unexpected
            If one doesn't hold what was written, once the logic was evaluated: then nothing was tested.
        """
        for (name, element), value in values.items():
            self._word(name, element).set(Immediate(value))
        await ReadOnly()
        for (name, element), value in values.items():
            if self.value(name, element) != value:
                raise Unexpected(f"{name} word {element} must hold the deposit {value:#x}, "
                                 f"not {self.value(name, element):#x}")  # fmt: skip
        self.done += len(values)

    async def flip(self, bits: Bits) -> None:
        """Flip bits on the next falling edge."""
        await FallingEdge(self._dut.clk)
        await self.flip_now(bits)

    async def flip_now(self, bits: Bits) -> None:
        """Flip bits, right after a falling edge."""
        values: dict[tuple[str, int], int] = {}
        for name, element, bit in bits:
            before = values.get((name, element), self.value(name, element))
            values[name, element] = before ^ 1 << bit
        await self.put(values)
