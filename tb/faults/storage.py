"""The flip-flops and memories in the chip's Verilog, and the Verilog in which a model lets them be written."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Storage", "expose", "find_storage"]

_MODULE = re.compile(r"^module (\\\S+|\w+)")
_DECLARATION = re.compile(
    r"^  reg (?:signed )?(?:\[(\d+):0\] )?(\\\S+|\w+) ?(?: ?\[(\d+):0\])?(?: /\*verilator public_flat_rw\*/)?;$"
)
_ASSIGNMENT = re.compile(r"^\s+(\\\S+ |\w+) ?(\[.*\])? ?<= (.*);$")
_READ = re.compile(r"^(\\\S+ |\w+) ?\[")
_PUBLIC = " /*verilator public_flat_rw*/;"
_READ_PORT = re.compile(r"_\d+_")


@dataclass(frozen=True, order=True)
class Storage:
    """A register, or a memory of ``elements`` words.

    ``name`` has the instances it lies in, below the top; that of the register behind a memory's synchronous read
    port, which has none in the source, is made from the memory's: ``ram.read_0``. ``symbol`` is its name in the
    Verilog.
    """

    name: str
    bits: int
    elements: int
    symbol: str

    @property
    def is_memory(self) -> bool:
        """Whether it is a memory."""
        return self.elements > 1


def _plain(name: str) -> str:
    return name.strip().removeprefix("\\")


def _clocked(lines: list[str]) -> dict[str, tuple[str, str]]:
    """Index and right side by name of what the clocked processes of a module assign."""
    found = (_ASSIGNMENT.match(line) for line in lines)
    return {_plain(match[1]): (match[2] or "", match[3]) for match in found if match}


def _modules(verilog: str) -> list[list[str]]:
    modules: list[list[str]] = [[]]
    for line in verilog.splitlines():
        modules[-1].append(line)
        if line == "endmodule":
            modules.append([])
    return modules


def _storage_of(lines: list[str]) -> dict[int, Storage]:
    """What a module stores, by the index of the line that declares it.

    Raises
    ------
    ValueError
        If something clocked isn't declared, or only a part of a register is assigned.
    """
    path = next((_plain(match[1]) for match in map(_MODULE.match, lines) if match), "")
    clocked, found = _clocked(lines), {}
    for index, line in enumerate(lines):
        match = _DECLARATION.match(line)
        symbol = _plain(match[2]) if match else ""
        if match is None or symbol not in clocked:
            continue
        place, value = clocked.pop(symbol)
        bits, elements = int(match[1] or 0) + 1, int(match[3] or 0) + 1
        if bool(place) != (elements > 1):
            raise ValueError(f"{path}.{symbol} must be assigned as a whole")
        name = ".".join([*_instances(path), _name(symbol, value)])
        found[index] = Storage(name, bits, elements, f"{path}.{symbol}")
    if clocked:
        raise ValueError(f"{path} must declare {', '.join(clocked)}")
    return found


def _instances(path: str) -> list[str]:
    """Instances below the top, without the number Amaranth adds where a signal has the same name."""
    return [re.sub(r"\$\d+$", "", part) for part in path.split(".")[1:]]


def _name(symbol: str, value: str) -> str:
    read = _READ.match(value)
    return f"{_plain(read[1])}.read{symbol.rstrip('_')}" if _READ_PORT.fullmatch(symbol) and read else symbol


def find_storage(verilog: str) -> list[Storage]:
    """All registers and memories of a chip's Verilog, as ``rtl.verilog`` writes it or exposed, by name."""
    return sorted(storage for lines in _modules(verilog) for storage in _storage_of(lines).values())


def expose(verilog: str) -> str:
    """The Verilog with Verilator's ``public_flat_rw`` at every register and memory: a model then notices what is
    written to them from outside, which it silently doesn't where they aren't public."""
    lines: list[str] = []
    for module in _modules(verilog):
        stored = _storage_of(module)
        lines += [line[:-1] + _PUBLIC if index in stored else line for index, line in enumerate(module)]
    return "\n".join(lines) + "\n"
