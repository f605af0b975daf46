"""A Verilator model of the chip that runs a host's script again and again, a fault each time, in this process."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import cffi
import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.control.job import Phase
from vanallen.rtl.verilog import TOP
from vanallen.sw.driver.library import build_library

from .replays import CAUSES, PHASES, is_output
from .script import Script
from .space import is_record
from .storage import expose, find_storage
from .variables import INTERFACE, find, headers, list_variables

__all__ = ["CACHE", "FAULT", "RECORD", "DepositLost", "Model", "ScriptFailed", "build_model", "shim"]

CACHE = Path("build/tb/faults")
"""Where libraries are kept, from the current folder."""

FAULT = np.dtype([("variable", "<u4"), ("element", "<u4"), ("bit", "<u4"), ("time", "<u4")])
"""A bit of a word of a variable of the model, inverted just after a rising edge."""

RECORD = np.dtype([
    ("hang", "u1"), ("refused", "u1"), ("failed", "u1"), ("wrong", "u1"), ("live", "u1"), ("converged", "u1"),
    ("moved", "u1"), ("inferred", "u1"), ("late", "<i4"), ("simulated", "<u4"), ("cause", "u1"), ("clean", "u1"),
    ("judged", "<u2"),
])  # fmt: skip
"""What became of a fault, see ``Record`` in upset.cpp: the first four are the job in which it was first seen, or 0."""

_INTERFACE = """
typedef struct { uint32_t kind, job, address, limit; uint64_t word, failed, mask; } operation;
typedef struct { uint32_t failed, wrong, done[2]; uint64_t counts[4]; uint32_t counters; } seen;
typedef struct { uint32_t phases[3], causes[3], replaying, memories, memory[4]; } replays;
void *chip_open();
void chip_close(void *chip);
size_t chip_state_bytes();
void chip_reset(void *chip, uint64_t cycles, uint64_t after);
void chip_live(void *chip, const uint8_t *chosen);
void chip_watch(void *chip, const replays *replays);
int chip_play(void *chip, const operation *script, size_t count, uint32_t patience);
int64_t chip_record(void *chip, const operation *script, size_t count, uint64_t stride, uint32_t patience);
uint64_t chip_start(const void *chip, size_t operation);
void chip_good(const void *chip, seen *seen);
size_t chip_run(void *chip, const void *faults, size_t count, int early, int infer, void *records);
int chip_deposit(void *chip, const void *fault);
void chip_rewind(void *chip, uint64_t time);
uint64_t chip_trace(void *chip, uint64_t cycles);
uint64_t chip_value(const void *chip, size_t index, size_t element);
"""

_PATIENCE = 256
"""Cycles after which the host gives up an access that isn't answered."""

_RESET_CYCLES = 4
_SNAPSHOT_BYTES = 1 << 28
"""Memory for copies of the model's state."""

_FAILURES = {-1: "is not answered or does not end", -2: "is answered with an error"}


class DepositLost(Exception):
    """A flipped bit didn't read back: what is exposed there is no storage. An error of the tool, never an outcome."""


class ScriptFailed(Exception):
    """Without a fault, the chip didn't do what the script expects."""


def shim() -> str:
    """Text of the C++ file behind the interface."""
    return resources.files(__package__).joinpath("upset.cpp").read_text()


def _close(library: Any, chip: Any) -> None:
    """Free a model. That it holds the library keeps that loaded until then."""
    library.chip_close(chip)


def build_model(
    verilog: str, *, cache: Path = CACHE, driven: str = "", report: Callable[[str], None] | None = None
) -> Path:
    """The library for :class:`Model`, built unless it is in ``cache``: of Verilog as ``rtl.verilog`` writes it, and of
    the C++ file ``driven``, by default the one beside this file.

    Raises
    ------
    ToolMissing
        If a tool to build it with isn't installed.
    BuildError
        If building fails.
    """
    return build_library(expose(verilog), TOP, cache, shim=driven or shim(), headers=headers(), report=report)


class Model:
    """A chip, its host and its faults. Not to be used by two threads at a time; several models may be.

    Parameters
    ----------
    library : Path
        What :func:`build_model` built.
    verilog : str
        What it was built from.

    Attributes
    ----------
    storage : list[Storage]
        Registers and memories by name.
    variable : numpy.ndarray
        The index of each among the model's variables, uint32.
    symbols : dict
        Index, bits and words of the model's variables, by name in the Verilog.
    cycles : int
        Cycles of the script that was recorded.

    Raises
    ------
    ValueError
        If a register or memory isn't a variable of the model, or has another size there.
    """

    def __init__(self, library: Path, verilog: str) -> None:
        self._ffi: Any = cffi.FFI()
        self._ffi.cdef(INTERFACE + _INTERFACE)
        self._library = self._ffi.dlopen(str(library))
        self._chip = self._library.chip_open()
        weakref.finalize(self, _close, self._library, self._chip)
        self.symbols = list_variables(self._ffi, self._library, self._chip)
        self.storage = find_storage(verilog)
        self.variable = np.array(find(self.symbols, self.storage), np.uint32)
        self.cycles = 0
        self._watch_replays()

    def _watch_replays(self) -> None:
        """Have noted why a replay begins, and what was written by then; a chip without replays has nothing to note."""
        variable = {storage.name: index for storage, index in zip(self.storage, self.variable.tolist(), strict=True)}
        copies = [[variable.get(name) for name in names] for names in (PHASES, CAUSES)]
        if None in (*copies[0], *copies[1]):
            return
        memories = [variable[storage.name] for storage in self.storage if is_output(storage)]
        replays = self._ffi.new("replays *", [*copies, Phase.REPLAY.value, len(memories), memories])
        self._library.chip_watch(self._chip, replays)

    def _array(self, kind: str, values: NDArray[Any]) -> Any:
        return self._ffi.cast(kind, self._ffi.from_buffer(values))

    def record(self, script: Script, *, fill_cycles: int, stride: int = 0) -> None:
        """Reset the chip, let it fill its memories, load them, and run the script without a fault.

        A copy of the model is kept every ``stride`` cycles; 0 chooses the fewest for which the copies fit in memory.

        Raises
        ------
        ScriptFailed
            If the chip doesn't do what the script expects.
        """
        live = np.zeros(len(self.symbols), np.uint8)
        live[self.variable] = [not is_record(storage) for storage in self.storage]
        self._library.chip_live(self._chip, self._array("uint8_t *", live))
        self._library.chip_reset(self._chip, _RESET_CYCLES, fill_cycles)
        self._check(self._library.chip_play(self._chip, *self._script(script.setup), _PATIENCE), "loading")
        if not stride:
            cycles = 4 * int(script.run["limit"].sum()) + 64 * len(script.run)
            stride = -(-cycles * int(self._library.chip_state_bytes()) // _SNAPSHOT_BYTES)
        self.cycles = self._library.chip_record(self._chip, *self._script(script.run), stride, _PATIENCE)
        self._check(self.cycles, "the job")
        seen = self._ffi.new("seen *")
        self._library.chip_good(self._chip, seen)
        if seen.failed or seen.wrong:
            raise ScriptFailed(f"without a fault, job {seen.failed or seen.wrong} must end well")

    def _script(self, operations: NDArray[np.void]) -> tuple[Any, int]:
        return self._array("operation *", np.ascontiguousarray(operations)), len(operations)

    def _check(self, status: int, what: str) -> None:
        if status < 0:
            raise ScriptFailed(f"without a fault, {what} {_FAILURES[status]}")

    def start(self, operation: int) -> int:
        """The time at which the recorded script came to an operation."""
        return int(self._library.chip_start(self._chip, operation))

    def run(self, faults: NDArray[np.void], *, early: bool = True, infer: bool = True) -> NDArray[np.void]:
        """What becomes of each of ``faults`` (:data:`FAULT`), as :data:`RECORD`; each starts from the recorded run.

        ``early``: a run ends as soon as it is the recorded one from there on. ``infer``: where the next fault is of the
        same bit a cycle later, and by then nothing else differs, both are one fault; the next one's record is taken.

        Raises
        ------
        DepositLost
            If a bit isn't flipped after the logic was evaluated.
        """
        faults, records = np.ascontiguousarray(faults, FAULT), np.zeros(len(faults), RECORD)
        given, found = self._array("void *", faults), self._array("void *", records)
        done = self._library.chip_run(self._chip, given, len(faults), int(early), int(infer), found)
        if done < len(faults):
            self._lost(faults[done])
        return records

    def _lost(self, fault: Any) -> None:
        name = next(name for name, (index, *_) in self.symbols.items() if index == fault["variable"])
        raise DepositLost(f"bit {fault['bit']} of word {fault['element']} of {name} must be flipped at {fault['time']}")

    def deposit(self, fault: NDArray[np.void]) -> None:
        """Flip the bit of one fault now; raises :class:`DepositLost`."""
        fault = np.ascontiguousarray(fault, FAULT)
        if not self._library.chip_deposit(self._chip, self._array("void *", fault)):
            self._lost(fault.reshape(-1)[0])

    def rewind(self, time: int) -> None:
        """Back to the last copy up to ``time`` of the recorded run."""
        self._library.chip_rewind(self._chip, time)

    def trace(self, cycles: int) -> int:
        """Go on with the script for ``cycles``, and return a hash of all storage and of the host."""
        return int(self._library.chip_trace(self._chip, cycles))

    def value(self, variable: int, element: int = 0) -> int:
        """The low 64 bits of a variable's word."""
        return int(self._library.chip_value(self._chip, variable, element))
