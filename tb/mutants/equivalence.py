"""Proof that a drawn fault changes nothing: by induction, for every state and every input of the chip.

The chip with the fault and the chip without it are cut open at each register bit and each memory port. If all next
states and all outputs are the same function of states and inputs, then two chips that start alike stay alike: that is
an induction of one step whose hypothesis is that the states are equal, reachable or not. State that nothing sees is
removed first, from both alike. What isn't shown this way isn't shown: a fault may still be harmless in all states that
the chip can reach.
"""

from __future__ import annotations

import re

from vanallen.rtl.verilog import TOP

from .draw import CONTROL, Mutation
from .yosys import run_yosys

__all__ = ["cut", "is_equivalent"]

_FLATTEN = """
attrmap -remove src
flatten
opt_clean -purge
simplemap t:$dff t:$mux
opt_clean -purge
write_rtlil flat.il
"""
"""``mutant`` stays an input so that whatever either chip needs stays in both."""

_PROVE = """
read_rtlil gold.il
read_rtlil gate.il
opt_clean -purge
miter -equiv -flatten gold gate miter
hierarchy -top miter
opt_expr
opt_merge
opt_expr
opt_clean -purge
sat -prove trigger 0 -timeout 60 miter
"""
_SHOWN = "SAT proof finished - no model found: SUCCESS!"

_CELL = re.compile(r"(?:^  attribute .*\n)*^  cell \\?(\$mem_v2|\$_DFF_P_) \S+\n((?:    .*\n)*)  end\n", re.MULTILINE)
_MEMORY_WIDTHS = {
    "RD_CLK": ("RD_PORTS",), "RD_EN": ("RD_PORTS",), "RD_ARST": ("RD_PORTS",), "RD_SRST": ("RD_PORTS",),
    "RD_ADDR": ("RD_PORTS", "ABITS"), "RD_DATA": ("RD_PORTS", "WIDTH"), "WR_CLK": ("WR_PORTS",),
    "WR_EN": ("WR_PORTS", "WIDTH"), "WR_ADDR": ("WR_PORTS", "ABITS"), "WR_DATA": ("WR_PORTS", "WIDTH"),
}  # fmt: skip
"""Parameters whose product is the width of a memory's port."""

_OTHER_STATE = re.compile(r"^  cell \\?\$_?(\w*(?:ff|FF|latch|LATCH|mem)\w*) ", re.MULTILINE)

_DRIVEN = ("Q", "RD_DATA")
"""Ports by which a register or a memory drives the logic."""


def _width(port: str, parameters: dict[str, str]) -> int:
    width = 1
    for name in _MEMORY_WIDTHS.get(port, ()):
        width *= int(parameters[name])
    return width


def cut(text: str) -> str:
    """A flat module in RTLIL whose registers and memories have become an input ``held``, what they drive, and an output
    ``given``, what drives them.

    Raises
    ------
    ValueError
        If there is state of another kind.
    """
    sizes = {"held": 0, "given": 0}

    def opened(match: re.Match[str]) -> str:
        parameters = dict(re.findall(r"^    parameter (?:signed )?\\(\w+) (.*)$", match[2], re.MULTILINE))
        lines = []
        for port, signal in re.findall(r"^    connect \\(\w+) (.*)$", match[2], re.MULTILINE):
            name, width = ("held" if port in _DRIVEN else "given"), _width(port, parameters)
            bits = rf"\{name} [{sizes[name] + width - 1}:{sizes[name]}]"
            sizes[name] += width
            lines.append(f"  connect {signal} {bits}\n" if name == "held" else f"  connect {bits} {signal}\n")
        return "".join(lines)

    text = _CELL.sub(opened, text)
    if left := _OTHER_STATE.search(text):
        raise ValueError(f"state must be in registers and memories, not in {left[1]}")
    wires = (f"  wire width {max(1, sizes['held'])} input 10000 \\held\n"
             f"  wire width {max(1, sizes['given'])} output 10001 \\given\n")  # fmt: skip
    return re.sub(r"^(module \\\S+\n)", lambda match: match[1] + wires, text, count=1, flags=re.MULTILINE)


def _fixed(text: str, name: str, value: int) -> str:
    """The module as ``name``, with its input ``mutant`` held at ``value``."""
    text, wires = re.subn(rf"^  wire input \d+ \\{CONTROL}$", rf"  wire \\{CONTROL}\n  connect \\{CONTROL} 1'{value}",
                          text, flags=re.MULTILINE)  # fmt: skip
    text, modules = re.subn(rf"^module \\{TOP}$", rf"module \\{name}", text, flags=re.MULTILINE)
    if (wires, modules) != (1, 1):
        raise ValueError(f"design must be one module with the input {CONTROL}, not {modules} with {wires}")
    return text


def is_equivalent(design: str, mutation: Mutation) -> bool:
    """Whether ``design`` (RTLIL as :func:`~.draw.prepared`) with ``mutation`` is shown to be the design without it.

    False where the two differ in some state, reachable or not, and where the solver gives up after a minute.

    Raises
    ------
    YosysFailed
        If Yosys fails.
    ValueError
        If the design isn't one whose state is in registers and memories.
    """
    script = f"read_rtlil prepared.il\n{mutation.command(1, 1)}\n{_FLATTEN}"
    flat = cut(run_yosys(script, {"prepared.il": design}, ("flat.il",))[1]["flat.il"])
    said, _ = run_yosys(_PROVE, {"gold.il": _fixed(flat, "gold", 0), "gate.il": _fixed(flat, "gate", 1)})
    return _SHOWN in said
