"""The variables of a Verilator model that can be written from outside, see variables.h."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

from .storage import Storage

__all__ = ["INTERFACE", "find", "headers", "list_variables"]

INTERFACE = """
size_t chip_variables(const void *chip);
const char *chip_variable(const void *chip, size_t index, uint32_t *bits, uint32_t *elements);
"""
"""What a library of such a model exports."""

Symbols = Mapping[str, tuple[int, int, int]]


def headers(*names: str) -> dict[str, str]:
    """The files beside this one that the C++ file of a model includes, by name: variables.h, and ``names``."""
    return {name: resources.files(__package__).joinpath(name).read_text() for name in ("variables.h", *names)}


def list_variables(ffi: Any, library: Any, chip: Any) -> Symbols:
    """Index, bits and words of the variables, by name in the Verilog."""
    found = {}
    bits, elements = ffi.new("uint32_t *"), ffi.new("uint32_t *")
    for index in range(library.chip_variables(chip)):
        name = ffi.string(library.chip_variable(chip, index, bits, elements)).decode()
        found[_symbol(name)] = (index, int(bits[0]), int(elements[0]))
    return found


def _symbol(name: str) -> str:
    """A variable's name as :class:`Storage` has it: without the model's own name and Verilog's escapes."""
    return name.replace("\\", "").replace(" ", "").partition(".")[2]


def find(symbols: Symbols, storage: Iterable[Storage]) -> list[int]:
    """The index of the variable of each register or memory.

    Raises
    ------
    ValueError
        If one isn't a variable of the model, or has another size there.
    """
    return [_find(symbols, entry) for entry in storage]


def _find(symbols: Symbols, storage: Storage) -> int:
    index, *size = symbols.get(storage.symbol, (0, 0, 0))
    if size != [storage.bits, storage.elements]:
        raise ValueError(f"{storage.symbol} must have {storage.bits} bits and {storage.elements} words in the "
                         f"model, not {size[0]} and {size[1]}")  # fmt: skip
    return index
