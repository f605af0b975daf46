"""A Verilator model of one block that runs a list of inputs again and again, a fault each time, in this process."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import cffi
import numpy as np
from amaranth.hdl import Shape
from amaranth.lib.wiring import In
from numpy.typing import NDArray

from vanallen.rtl.verilog import convert
from vanallen.sw.driver.library import build_library

from .model import CACHE, DepositLost
from .storage import Storage, expose, find_storage
from .variables import INTERFACE, find, headers, list_variables

__all__ = ["BlockModel"]

_INTERFACE = """
void *chip_open();
void chip_close(void *block);
void chip_run(void *block, const uint64_t *inputs, size_t width, size_t cycles, uint64_t seed, uint64_t *outputs);
int chip_strike(void *block, size_t variable, size_t element, uint32_t bit, size_t time, uint64_t *outputs);
"""

_WORD = (1 << 64) - 1

Rows = Sequence[Mapping[str, int]]


def _close(library: Any, block: Any) -> None:
    """Free a model. That it holds the library keeps that loaded until then."""
    library.chip_close(block)


class BlockModel:
    """A component with plain ports, its inputs and its faults. Not to be used by two threads at a time.

    Parameters
    ----------
    component : wiring.Component
        The block. Every register starts with random bits; the reset is high for two cycles.
    models : str
        Verilog of the cells it is made of, which have no faults.
    cache : Path
        Where libraries are kept.

    Attributes
    ----------
    storage : list[Storage]
        Registers and memories by name.

    Raises
    ------
    ToolMissing, BuildError
        As of :func:`.build_library`.
    """

    def __init__(self, component: Any, *, models: str = "", cache: Path = CACHE) -> None:
        members = component.signature.members
        widths = {name: Shape.cast(members[name].shape).width for name in members}
        self._inputs = {name: widths[name] for name in members if members[name].flow is In}
        self._outputs = {name: widths[name] for name in members if members[name].flow is not In}
        text = convert(component, "block")
        self.storage: list[Storage] = find_storage(text)
        library = build_library(models + expose(text), "block", cache, shim=self._shim(), headers=headers())
        self._ffi: Any = cffi.FFI()
        self._ffi.cdef(INTERFACE + _INTERFACE)
        self._library = self._ffi.dlopen(str(library))
        self._block = self._library.chip_open()
        weakref.finalize(self, _close, self._library, self._block)
        found = find(list_variables(self._ffi, self._library, self._block), self.storage)
        self._variables = {storage.symbol: index for storage, index in zip(self.storage, found, strict=True)}
        self._recorded: NDArray[np.uint64] = np.zeros((0, 0), np.uint64)

    def _shim(self) -> str:
        ports = [f"#define {kind}(F) {' '.join(f'F({name})' for name in names)}\n"
                 for kind, names in (("INPUTS", self._inputs), ("OUTPUTS", self._outputs))]  # fmt: skip
        return "".join(ports) + resources.files(__package__).joinpath("block.cpp").read_text()

    def run(self, rows: Rows, *, seed: int = 1) -> dict[str, list[int]]:
        """The outputs in each cycle, by name, without a fault; inputs that a row leaves out are zero."""
        words = [[row.get(name, 0) >> place & _WORD for name, width in self._inputs.items()
                  for place in range(0, width, 64)] for row in rows]  # fmt: skip
        inputs = np.array(words, np.uint64)
        width = sum(-(-bits // 64) for bits in self._outputs.values())
        self._recorded = np.zeros((len(rows), width), np.uint64)
        self._library.chip_run(self._block, self._array(inputs), inputs.shape[1], len(rows), seed,
                               self._array(self._recorded))  # fmt: skip
        return self._named(self._recorded)

    def strike(self, storage: Storage, bit: int, time: int, *, element: int = 0) -> dict[str, list[int]] | None:
        """The outputs of the last run if a stored bit were inverted at the begin of cycle ``time``; None if they are
        the same.

        Raises
        ------
        DepositLost
            If the bit isn't inverted after the logic was evaluated.
        """
        outputs = self._recorded.copy()
        if not self._library.chip_strike(self._block, self._variables[storage.symbol], element, bit, time,
                                         self._array(outputs[time:])):  # fmt: skip
            raise DepositLost(f"bit {bit} of word {element} of {storage.name} must be flipped at {time}")
        return None if np.array_equal(outputs, self._recorded) else self._named(outputs)

    def _array(self, values: NDArray[np.uint64]) -> Any:
        return self._ffi.cast("uint64_t *", self._ffi.from_buffer(values))

    def _named(self, outputs: NDArray[np.uint64]) -> dict[str, list[int]]:
        named, place = {}, 0
        for name, width in self._outputs.items():
            count = -(-width // 64)
            columns = [outputs[:, place + word].tolist() for word in range(count)]
            named[name] = [sum(part << 64 * word for word, part in enumerate(parts))
                           for parts in zip(*columns, strict=True)]  # fmt: skip
            place += count
        return named
