"""A netlist of ECP5 cells as Verilog that a simulator compiles quickly.

Yosys ships a model of each cell, but a Verilator build of one module a look-up table took nano's 12,000 cells four
minutes of processor time. Here a cell of the fabric becomes one expression over single-bit wires, and the flip-flops of
one control set become one block. The multiplier and the block RAM stay instances of the models in ``cells/``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

__all__ = ["FABRIC", "MODELS", "NetlistError", "cell_counts", "gate_verilog", "models"]

Bit = int | str
"""A net's number, or the constant ``0``, ``1``, ``x`` or ``z``."""

FABRIC = ("CCU2C", "L6MUX21", "LUT4", "PFUMX", "TRELLIS_DPR16X4", "TRELLIS_FF")
"""Cells that become expressions."""

MODELS = ("DP16KD", "MULT18X18D")
"""Cells that stay instances: there is a model of them in ``cells/``."""

_FLIP_FLOP = {"CLKMUX": ("CLK",), "LSRMUX": ("LSR",), "SRMODE": ("LSR_OVER_CE",), "LSRMODE": ("LSR",),
              "CEMUX": ("1", "CE", "INV"), "REGSET": ("RESET", "SET"), "GSR": ("DISABLED",)}  # fmt: skip
"""Values of a flip-flop's parameters that are understood; the first is the cell's own default but for ``GSR``."""


class NetlistError(Exception):
    """A cell that isn't understood; the message says which and why."""


def _net(bit: Bit) -> str:
    return f"n{bit}" if isinstance(bit, int) else "1'b1" if bit == "1" else "1'b0"


def _pin(cell: Mapping[str, Any], name: str) -> str:
    """The bit at a pin of one bit; a pin that is not connected is low."""
    bits = cell["connections"].get(name) or ["0"]
    return _net(bits[0])


def _bus(bits: Iterable[Bit]) -> str:
    return f"{{{', '.join(_net(bit) for bit in reversed(list(bits)))}}}"


def _text(value: str) -> str:
    """A parameter that is a string: Yosys adds a space to one that looks like a number."""
    return value.strip()


def _table(init: int, *pins: str) -> str:
    """A look-up table with its inputs, the lowest first, as an expression: split at its highest input."""
    if not pins:
        return f"1'b{init}"
    half = 1 << (len(pins) - 1)
    ones, pin = (1 << half) - 1, pins[-1]
    low, high = init & ones, init >> half
    if low == high or pin == "1'b0":
        return _table(low, *pins[:-1])
    if pin == "1'b1":
        return _table(high, *pins[:-1])
    if high == low ^ ones:
        return f"(~{pin})" if low == ones else pin if low == 0 else f"({pin} ^ {_table(low, *pins[:-1])})"
    if low in (0, ones):
        return f"({pin} & {_table(high, *pins[:-1])})" if low == 0 else f"(~{pin} | {_table(high, *pins[:-1])})"
    if high in (0, ones):
        return f"(~{pin} & {_table(low, *pins[:-1])})" if high == 0 else f"({pin} | {_table(low, *pins[:-1])})"
    return f"({pin} ? {_table(high, *pins[:-1])} : {_table(low, *pins[:-1])})"


def _lut(cell: Mapping[str, Any]) -> list[str]:
    inputs = [_pin(cell, name) for name in "ABCD"]
    return [f"assign {_pin(cell, 'Z')} = {_table(int(cell['parameters']['INIT'], 2), *inputs)};"]


def _multiplexer(cell: Mapping[str, Any], select: str, high: str, low: str) -> list[str]:
    return [f"assign {_pin(cell, 'Z')} = {_pin(cell, select)} ? {_pin(cell, high)} : {_pin(cell, low)};"]


def _carry(cell: Mapping[str, Any], name: str) -> list[str]:
    """Two bits of a carry chain: a table of four inputs says whether a bit propagates, a table of its first two inputs
    what it generates. A bit with INJECT1 takes no carry into its sum and generates none."""
    lines, carry = [], _pin(cell, "CIN")
    for half in "01":
        init = int(cell["parameters"][f"INIT{half}"], 2)
        inputs = [_pin(cell, f"{letter}{half}") for letter in "ABCD"]
        inject = _text(cell["parameters"].get(f"INJECT1_{half}", "YES")) == "YES"
        propagate, following = f"{name}_p{half}", f"{name}_c{half}"
        generate = "1'b0" if inject else _table(init & 15, *inputs[:2])
        lines.append(f"wire {propagate} = {_table(init, *inputs)};")
        lines.append(f"wire {following} = {propagate} ? {carry} : {generate};")
        if f"S{half}" in cell["connections"]:
            lines.append(f"assign {_pin(cell, f'S{half}')} = {propagate if inject else f'{propagate} ^ {carry}'};")
        carry = following
    if cell["connections"].get("COUT"):
        lines.append(f"assign {_pin(cell, 'COUT')} = {carry};")
    return lines


def _small_memory(cell: Mapping[str, Any], name: str) -> list[str]:
    """16 words of 4 bits in look-up tables: written at the clock, read at once."""
    parameters, pins = cell["parameters"], cell["connections"]
    enable = {"WRE": _pin(cell, "WRE"), "INV": f"~{_pin(cell, 'WRE')}", "1": "1'b1", "0": "1'b0"}
    if _text(parameters.get("WCKMUX", "WCK")) != "WCK":
        raise NetlistError(f"{name} must be clocked by the rising edge")
    init = int(parameters.get("INITVAL", "0"), 2)
    return [
        f"reg [3:0] {name} [0:15];",
        f"initial begin {' '.join(f'{name}[{word}] = {init >> 4 * word & 15};' for word in range(16))} end",
        f"always @(posedge {_pin(cell, 'WCK')}) if ({enable[_text(parameters.get('WREMUX', 'WRE'))]}) "
        f"{name}[{_bus(pins['WAD'])}] <= {_bus(pins['DI'])};",
        f"assign {_bus(pins['DO'])} = {name}[{_bus(pins['RAD'])}];",
    ]


def _flip_flops(cells: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Every flip-flop, one block for those that share clock, enable and reset."""
    lines, sets = [], defaultdict(list)
    for name, cell in cells.items():
        values = {key: values[0] for key, values in _FLIP_FLOP.items()}
        values |= {key: _text(value) for key, value in cell["parameters"].items()}
        wrong = [key for key, value in values.items() if value not in _FLIP_FLOP.get(key, ())]
        if wrong:
            raise NetlistError(f"{name} must be a flip-flop that is understood, not one with {wrong[0]} = "
                               f"{values[wrong[0]]!r}")  # fmt: skip
        enable = {"1": "", "CE": _pin(cell, "CE"), "INV": f"~{_pin(cell, 'CE')}"}[values["CEMUX"]]
        value, output = f"1'b{int(values['REGSET'] == 'SET')}", _pin(cell, "Q")
        lines.append(f"initial {output} = {value};")
        sets[_pin(cell, "CLK"), _pin(cell, "LSR"), enable].append((output, value, _pin(cell, "DI")))
    for (clock, reset, enable), members in sets.items():
        load = " ".join(f"{output} <= {data};" for output, _, data in members)
        load = f"if ({enable}) begin {load} end" if enable else f"begin {load} end"
        clear = " ".join(f"{output} <= {value};" for output, value, _ in members)
        chosen = load if reset == "1'b0" else f"if ({reset}) begin {clear} end else {load}"
        lines.append(f"always @(posedge {clock}) {chosen}")
    return lines


def _parameter(value: str) -> str:
    if set(value) <= set("01xz"):
        return f"{len(value)}'b{value}"
    return f'"{_text(value)}"'


def _instance(cell: Mapping[str, Any], name: str) -> list[str]:
    parameters = [f".{key}({_parameter(value)})" for key, value in cell.get("parameters", {}).items()
                  if set(value) != {"0"} or not key.startswith("INITVAL_")]  # fmt: skip
    pins = [f".{_identifier(pin)}({_bus(bits)})" for pin, bits in cell["connections"].items() if bits]
    chosen = f" #({', '.join(parameters)})" if parameters else ""
    return [f"{_identifier(cell['type'])}{chosen} {name} ({', '.join(pins)});"]


def _identifier(name: str) -> str:
    return f"\\{name} "


def _cell(cell: Mapping[str, Any], name: str, modules: Iterable[str]) -> list[str]:
    kind = cell["type"]
    if kind == "LUT4":
        return _lut(cell)
    if kind == "PFUMX":
        return _multiplexer(cell, "C0", "ALUT", "BLUT")
    if kind == "L6MUX21":
        return _multiplexer(cell, "SD", "D1", "D0")
    if kind == "CCU2C":
        return _carry(cell, name)
    if kind == "TRELLIS_DPR16X4":
        return _small_memory(cell, name)
    if kind in MODELS or kind in modules:
        return _instance(cell, name)
    raise NetlistError(f"cell {name} must be one of {', '.join(FABRIC + MODELS)} or a module, not a {kind}")


def _module(name: str, module: Mapping[str, Any], modules: Iterable[str]) -> str:
    cells = {f"c{index}": cell for index, cell in enumerate(module["cells"].values())
             if cell["type"] != "$scopeinfo"}  # fmt: skip
    registers = {key: cell for key, cell in cells.items() if cell["type"] == "TRELLIS_FF"}
    stored = {_pin(cell, "Q") for cell in registers.values()}
    nets = {_net(bit) for cell in cells.values() for bits in cell["connections"].values() for bit in bits
            if isinstance(bit, int)}  # fmt: skip
    ports, joins = [], []
    for port, entry in module["ports"].items():
        direction, bits = entry["direction"], entry["bits"]
        nets |= {_net(bit) for bit in bits if isinstance(bit, int)}
        ports.append(f"{direction} wire [{len(bits) - 1}:0] {_identifier(port)}")
        sides = (_bus(bits), _identifier(port)) if direction == "input" else (_identifier(port), _bus(bits))
        joins.append(f"assign {sides[0]} = {sides[1]};")
    lines = [f"module {_identifier(name)} ({', '.join(ports)});"]
    lines += [f"{'reg' if net in stored else 'wire'} {net};" for net in sorted(nets)]
    lines += joins
    for key, cell in cells.items():
        if key not in registers:
            lines += _cell(cell, key, modules)
    lines += _flip_flops(registers)
    return "\n".join([*lines, "endmodule", ""])


def _used(modules: Mapping[str, Any], top: str) -> list[str]:
    """``top`` and the modules below it that aren't cells of the technology."""
    found, waiting = [], [top]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.append(name)
            kinds = {cell["type"] for cell in modules[name]["cells"].values()}
            waiting += [kind for kind in kinds if kind in modules and not _is_cell(modules[kind])]
    return sorted(found)


def _is_cell(module: Mapping[str, Any]) -> bool:
    return any(int(module.get("attributes", {}).get(kind, "0"), 2) for kind in ("blackbox", "whitebox"))


def gate_verilog(netlist: Mapping[str, Any], top: str) -> str:
    """Verilog of ``top`` and the modules below it, in a netlist that Yosys's ``write_json`` wrote after ``synth_ecp5``.

    Modules keep their names and ports. Flip-flops start as the configured device starts them.

    Raises
    ------
    NetlistError
        If there is a cell, or a mode of a cell, that isn't understood.
    """
    modules = netlist["modules"]
    used = _used(modules, top)
    return "\n".join(_module(name, modules[name], used) for name in used)


def cell_counts(netlist: Mapping[str, Any], top: str) -> dict[str, int]:
    """Cells of the technology in ``top`` and the modules below it, by kind."""
    modules = netlist["modules"]
    used = _used(modules, top)
    times: Counter[str] = Counter({top: 1})
    waiting = [top]
    while waiting:
        name = waiting.pop()
        for cell in modules[name]["cells"].values():
            if cell["type"] in used:
                times[cell["type"]] += 1
                waiting.append(cell["type"])
    counts: Counter[str] = Counter()
    for name in used:
        for cell in modules[name]["cells"].values():
            if cell["type"] in FABRIC + MODELS:
                counts[cell["type"]] += times[name]
    return dict(sorted(counts.items()))


def models() -> str:
    """Verilog of the models in ``cells/``."""
    folder = resources.files(__package__).joinpath("cells")
    return "".join(folder.joinpath(f"{name}.v").read_text(encoding="utf-8") for name in MODELS)
