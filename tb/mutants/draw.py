"""Faults drawn by Yosys: which bit of which cell is stuck or turned, the same for the same design and seed.

``mutate -list`` draws evenly over cells, wires and source lines of the modules it is given. It is asked once for each
block of the chip, since the memories and the bus would get next to none beside the control machines. No cell and no
kind of fault is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from vanallen.rtl.config import Config
from vanallen.rtl.verilog import TOP, design

from .yosys import run_yosys

__all__ = ["BLOCKS", "CONTROL", "Mutation", "block_modules", "draw", "mutants_verilog", "prepared"]

BLOCKS = ("array", "bus", "control", "memory", "requant", "wiring")
"""The folders of ``rtl/``; ``wiring`` is what lies beside them: the connections between the blocks."""

CONTROL = "mutant"
"""Input of the top module that says which fault is active: its place in the list, from 1; 0 for none."""

_PREPARE = f"""
read_rtlil chip.il
hierarchy -top {TOP}
proc -norom
delete t:$meminit_v2
memory_collect
setattr -unset init w:*
opt_clean
write_rtlil prepared.il
"""
"""As the Verilog of the chip is made, but with multiplexers as cells, so that faults hit them too."""


@dataclass(frozen=True)
class Mutation:
    """A fault in one bit of a port of one cell.

    ``mode`` is Yosys's: ``inv`` turns the bit, ``const0`` and ``const1`` hold it, ``cnot0`` and ``cnot1`` turn it while
    bit ``control`` of the same port is 0 or 1. ``source`` is where the cell comes from.
    """

    block: str
    mode: str
    module: str
    cell: str
    port: str
    bit: int
    control: int | None
    source: str

    @property
    def name(self) -> str:
        """Block, module, cell, port, bit and mode in one word."""
        module = self.module.removeprefix(f"{TOP}.")
        turned = "" if self.control is None else f"[{self.control}]"
        return f"{self.block}:{module}:{self.cell}.{self.port}[{self.bit}]:{self.mode}{turned}"

    def moved(self, module: str, cell: str) -> Mutation:
        """The same fault in another cell."""
        return replace(self, module=module, cell=cell)

    def command(self, width: int, value: int) -> str:
        """The Yosys command that puts the fault in, active while the control signal equals ``value``."""
        turned = "" if self.control is None else f" -ctrlbit {self.control}"
        return (f"mutate -mode {self.mode} -module {self.module} -cell {self.cell} -port {self.port} "
                f"-portbit {self.bit}{turned} -ctrl {CONTROL} {width} {value}")  # fmt: skip


@lru_cache(maxsize=2)
def prepared(config: Config) -> str:
    """The chip as RTLIL that faults are drawn from and put into."""
    return run_yosys(_PREPARE, {"chip.il": design(config)}, ("prepared.il",))[1]["prepared.il"]


def _place(source: str) -> str:
    """A source location from the name of its package on: ``vanallen/rtl/bus/counters.py:25``."""
    return re.sub(r"^.*/(?=(?:vanallen|amaranth)/)", "", source.split("|")[0])


def block_modules(text: str) -> dict[str, tuple[str, ...]]:
    """The modules of a design in RTLIL by block: that of the folder a module's source lies in, else of its parent."""
    found: dict[str, str] = {}
    for attributes, name in re.findall(r"((?:^attribute .*\n)*)^module \\(\S+)$", text, re.MULTILINE):
        source = re.search(r'attribute \\src "([^"]*)"', attributes)
        folder = re.match(r"vanallen/rtl/(?:(\w+)/)?", _place(source[1])) if source else None
        parent = name.rpartition(".")[0]
        found[name] = (folder[1] or "wiring") if folder else found.get(parent, "wiring")
    return {block: tuple(name for name, at in found.items() if at == block) for block in sorted(set(found.values()))}


def _parse(line: str, block: str) -> Mutation:
    command, *sources = line.strip().split(" -src ")
    words = command.split()[1:]
    values = dict(zip(words[::2], words[1::2], strict=True))
    control = values.get("-ctrlbit")
    return Mutation(block, values["-mode"], values["-module"], values["-cell"], values["-port"],
                    int(values["-portbit"]), None if control is None else int(control),
                    _place(sources[0]) if sources else "")  # fmt: skip


def draw(config: Config, count: int, seed: int) -> tuple[Mutation, ...]:
    """``count`` faults, as many in each block (the first blocks get what is left over), none twice.

    Raises
    ------
    YosysFailed
        If Yosys fails.
    """
    modules = block_modules(prepared(config))
    shares = {block: count // len(modules) + (index < count % len(modules)) for index, block in enumerate(modules)}
    wanted = {block: share for block, share in shares.items() if share}
    script = "read_rtlil prepared.il\n" + "".join(
        f"mutate -list {share} -seed {seed} -o {block}.txt {' '.join(modules[block])}\n"
        for block, share in wanted.items()
    )
    files = tuple(f"{block}.txt" for block in wanted)
    lists = run_yosys(script, {"prepared.il": prepared(config)}, files)[1]
    return tuple(_parse(line, block) for block in wanted for line in lists[f"{block}.txt"].splitlines())


def mutants_verilog(config: Config, mutations: tuple[Mutation, ...]) -> str:
    """The chip with all ``mutations`` in it and the input ``mutant``, which makes one of them active."""
    width = len(mutations).bit_length()
    script = "\n".join([
        "read_rtlil prepared.il",
        *(mutation.command(width, index) for index, mutation in enumerate(mutations, 1)),
        "attrmap -remove src",
        "attrmap -modattr -remove src",
        "write_verilog -norename mutants.v",
    ])  # fmt: skip
    return run_yosys(f"{script}\n", {"prepared.il": prepared(config)}, ("mutants.v",))[1]["mutants.v"]
