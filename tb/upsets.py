"""A component's gates, simulated for thousands of copies at once, each with one register bit flipped in one cycle.

A net is an array of machine words with a bit for each copy, and a gate one operation on such arrays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.back import rtlil  # type: ignore[attr-defined]  # left out of the stubs
from amaranth.hdl import Elaboratable
from numpy.typing import NDArray

from .mutants.yosys import run_yosys

__all__ = ["Copies", "Flip", "Gates", "read_gates"]

SCRIPT = """
read_rtlil design.il
hierarchy -top top
proc
flatten
opt_clean
alumacc
techmap
opt_clean
dffunmap
abc -g AND,OR,XOR,MUX
opt_clean
write_json netlist.json
"""
"""No pass merges registers, or drops one that is read."""

Copies = NDArray[np.uint64]
"""A bit for each copy."""

ALL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)


@dataclass(frozen=True)
class Flip:
    """Register ``register`` (index) holds the other value in cycle ``cycle``: it is hit by the edge that starts it."""

    register: int
    cycle: int


@dataclass(frozen=True)
class Gates:
    """Gates in an order in which every input comes before its use.

    ``registers``: name of each register bit; ``held``, ``following``: its output's and input's net; ``gates``: kind,
    nets of the inputs, net of the output; ``ports``: nets by name, inputs and outputs. Nets 0 and 1 are constants.
    """

    registers: list[str]
    held: list[int]
    following: list[int]
    gates: list[tuple[str, tuple[int, ...], int]]
    ports: dict[str, list[int]]
    nets: int

    def run(
        self, steps: Sequence[Mapping[str, int]], flips: Sequence[Flip], rng: np.random.Generator
    ) -> Iterator[dict[str, list[Copies]]]:
        """For each of ``steps``, the bits of every port before the edge that ends the cycle.

        Copy ``k`` suffers ``flips[k]``. Registers of every copy hold anything at first. A step names the inputs that
        change; they are zero at first, and the same in all copies.

        Raises
        ------
        AssertionError
            If a flip didn't come about: one of no register, or in no cycle.
        """
        words = -(-len(flips) // 64)
        nets: list[Any] = list(np.zeros((self.nets, words), np.uint64))
        nets[1][:] = ALL
        for net in self.held:
            nets[net] = rng.integers(0, ALL, words, dtype=np.uint64, endpoint=True)
        due: dict[int, list[tuple[int, int]]] = {}
        for copy, flip in enumerate(flips):
            due.setdefault(flip.cycle, []).append((copy, self.held[flip.register]))
        done = 0
        for cycle, step in enumerate(steps):
            for port, value in step.items():
                for bit, net in enumerate(self.ports[port]):
                    nets[net] = np.full(words, ALL if value >> bit & 1 else 0, np.uint64)
            for copy, net in due.get(cycle, ()):
                before = nets[net].copy()
                nets[net][copy // 64] ^= np.uint64(1 << copy % 64)
                done += int((nets[net] != before).sum())
            for kind, inputs, output in self.gates:
                nets[output] = _EVALUATE[kind](*(nets[net] for net in inputs))
            yield {port: [nets[net] for net in bits] for port, bits in self.ports.items()}
            after = [nets[net].copy() for net in self.following]
            for net, value in zip(self.held, after, strict=True):
                nets[net] = value
        assert done == len(flips), f"{len(flips)} flips asked for, {done} done"


_EVALUATE: dict[str, Any] = {
    "$_NOT_": np.bitwise_not,
    "$_BUF_": np.positive,
    "$_AND_": np.bitwise_and,
    "$_OR_": np.bitwise_or,
    "$_XOR_": np.bitwise_xor,
    "$_MUX_": lambda a, b, s: a ^ (s & (a ^ b)),
}


def _ordered(cells: Mapping[int, tuple[str, tuple[int, ...]]]) -> list[tuple[str, tuple[int, ...], int]]:
    """Gates by their output's net, inputs before outputs."""
    ordered, done = [], set()
    for first in cells:
        stack = [first]
        while stack:
            net = stack[-1]
            waiting = [] if net in done else [one for one in cells[net][1] if one in cells and one not in done]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            if net not in done:
                done.add(net)
                ordered.append((*cells[net], net))
    return ordered


def read_gates(component: Elaboratable) -> Gates:
    """``component`` as gates and flip-flops; it has no memory and one clock.

    Raises
    ------
    ValueError
        If a cell is none of them.
    YosysFailed
        If Yosys isn't installed, or fails.
    """
    _, files = run_yosys(SCRIPT, {"design.il": rtlil.convert(component, name="top", emit_src=False)}, ("netlist.json",))
    module = json.loads(files["netlist.json"])["modules"]["top"]
    constants = {"0": 0, "1": 1, "x": 0}

    def net(bit: int | str) -> int:
        return constants[bit] if isinstance(bit, str) else bit

    wires = sorted(module["netnames"].items(), key=lambda wire: "init" in wire[1]["attributes"])  # registers last
    names = {bit: f"{name}[{index}]" for name, one in wires for index, bit in enumerate(one["bits"])}
    cells: dict[int, tuple[str, tuple[int, ...]]] = {}
    held, following = [], []
    for cell in module["cells"].values():
        kind, pins = cell["type"], {pin: net(bits[0]) for pin, bits in cell["connections"].items()}
        if kind == "$_DFF_P_":
            held.append(pins["Q"])
            following.append(pins["D"])
        elif kind in _EVALUATE:
            cells[pins["Y"]] = (kind, tuple(pins[pin] for pin in "ABS" if pin in pins))
        elif kind != "$scopeinfo":
            raise ValueError(f"cells must be gates and flip-flops, not {kind}")
    ports = {name: [net(bit) for bit in port["bits"]] for name, port in module["ports"].items()}
    everything = [*held, *cells, *(bit for bits in ports.values() for bit in bits)]
    return Gates([names[bit] for bit in held], held, following, _ordered(cells), ports, max(everything) + 1)
