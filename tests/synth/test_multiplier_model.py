"""The model of MULT18X18D against Python's integers, in every register mode, and what it refuses."""

import itertools
import random

import pytest

from vanallen.synth.gates import models

CORNERS = [0, 1, 2, 0x1FFFF, 0x20000, 0x20001, 0x3FFFF, 0x3FF80, 127, 128, 255]
REGISTERS = ("INPUTA", "INPUTB", "PIPELINE", "OUTPUT")
MODES = list(itertools.product((False, True), repeat=4))
SIGNS = list(itertools.product((0, 1), repeat=2))
ENABLES = {"INPUTA": 0, "INPUTB": 1, "PIPELINE": 2, "OUTPUT": 3}
"""The clock enable that each register takes in this test."""


def instance(name, mode, signs, p, extra=""):
    parameters = ", ".join(
        f'.REG_{register}_CLK("CLK0"), .REG_{register}_CE("CE{ENABLES[register]}")'
        for register, there in zip(REGISTERS, mode, strict=True)
        if there
    )
    pins = [f".{letter}{bit}({letter.lower()}[{bit}])" for letter in "AB" for bit in range(18)]
    pins += [f".P{bit}({p}[{bit}])" for bit in range(36)]
    pins += [f".CE{index}(ce[{index}])" for index in range(4)]
    pins += [f".SIGNEDA(1'b{signs[0]})", f".SIGNEDB(1'b{signs[1]})", ".SOURCEA(1'b0)", ".SOURCEB(1'b0)"]
    chosen = f"#({parameters})" if parameters else ""
    return f"MULT18X18D {chosen} {name} (.CLK0(clk), .RST0(1'b0), {', '.join([*pins, extra] if extra else pins)});"


def signed(value, is_signed):
    return value - (1 << 18) if is_signed and value >> 17 else value


class Reference:
    """The block's registers in Python, by name; None is a wire."""

    def __init__(self, mode, signs):
        self.there = dict(zip(REGISTERS, mode, strict=True))
        self.signs = signs
        self.stored = dict.fromkeys(REGISTERS)

    def _through(self, register, value):
        return self.stored[register] if self.there[register] else value

    def step(self, a, b, ce):
        """P in this cycle (None if it isn't defined yet); then the clock edge."""
        left, right = self._through("INPUTA", a), self._through("INPUTB", b)
        known = left is not None and right is not None
        full = signed(left, self.signs[0]) * signed(right, self.signs[1]) & ((1 << 36) - 1) if known else None
        middle = self._through("PIPELINE", full)
        p = self._through("OUTPUT", middle)
        following = {"INPUTA": a, "INPUTB": b, "PIPELINE": full, "OUTPUT": middle}
        self.stored |= {name: following[name] for name in REGISTERS if ce >> ENABLES[name] & 1}
        return p


def stimulus(seed, count):
    rng = random.Random(seed)
    pairs = list(itertools.product(CORNERS, repeat=2))
    rng.shuffle(pairs)
    steps = [{"a": a, "b": b, "ce": 15} for a, b in pairs]
    for _ in range(count):
        steps.append({
            "a": rng.choice([rng.getrandbits(18), rng.choice(CORNERS)]),
            "b": rng.choice([rng.getrandbits(18), rng.choice(CORNERS)]),
            "ce": rng.choice([15, rng.getrandbits(4)]),
        })  # fmt: skip
    return steps


CASES = list(itertools.product(MODES, SIGNS))
BAD_PINS = ("SIGNEDA", "SIGNEDB", "SOURCEA", "SOURCEB", "RST0", "RST2")


@pytest.fixture
def block(bench):
    """Every mode side by side, and a block for each pin that isn't free to change, with that pin at ``bad``."""
    lines = [instance(f"m{index}", mode, signs, f"p{index}") for index, (mode, signs) in enumerate(CASES)]
    for index, pin in enumerate(BAD_PINS):
        lines.append(f"MULT18X18D bad{index} (.CLK0(clk), .A0(a[0]), .{pin}(bad[{index}]));")
    ports = "".join(f", output [35:0] p{index}" for index in range(len(CASES)))
    top = f"module top (input clk, input [17:0] a, b, input [3:0] ce, input [5:0] bad{ports});\n"
    inputs = {"a": 18, "b": 18, "ce": 4, "bad": len(BAD_PINS)}
    return bench(models() + top + "\n".join([*lines, "endmodule\n"]), "top", inputs,
                 {f"p{index}": 36 for index in range(len(CASES))})  # fmt: skip


def test_every_mode_against_integers(block):
    """16 sets of registers, 4 sets of signs, corner and random operands, each register with an enable of its own."""
    steps = stimulus(1, 1500)
    got = block.run(steps)
    for index, (mode, signs) in enumerate(CASES):
        reference, compared = Reference(mode, signs), 0
        for cycle, step in enumerate(steps):
            want = reference.step(**step)
            if want is not None:
                assert got[cycle][f"p{index}"] == want, (mode, signs, cycle, step)
                compared += 1
        assert compared >= len(steps) - 4


@pytest.mark.parametrize("pin", BAD_PINS)
def test_an_input_that_is_not_modelled_ends_the_run(block, pin):
    message = {"SI": "signs that change", "SO": "shift chain", "RS": "a reset"}[pin[:2]]
    with pytest.raises(RuntimeError, match=f"(?s)MULT18X18D: .*{message}"):
        block.run([{}, {}, {"bad": 1 << BAD_PINS.index(pin)}, {}])


@pytest.mark.parametrize(
    "parameter",
    ['.REG_INPUTA_CLK("CLK1")', '.REG_OUTPUT_CLK("CLK3")', '.REG_INPUTB_CE("CE4")', '.REG_INPUTC_CLK("CLK0")',
     '.MULT_BYPASS("ENABLED")', '.HIGHSPEED_CLK("CLK0")'],
)  # fmt: skip
def test_a_mode_that_is_not_modelled_ends_the_build(bench, parameter):
    top = f"module top (input clk, input a, output p); MULT18X18D #({parameter}) m (.A0(a), .P0(p)); endmodule\n"
    with pytest.raises(RuntimeError, match="MODE_NOT_MODELLED"):
        bench(models() + top, "top", {"a": 1}, {"p": 1})


def test_a_pin_that_is_not_modelled_ends_the_build(bench):
    top = "module top (input clk, input a, output p); MULT18X18D m (.SRIA0(a), .P0(p)); endmodule\n"
    with pytest.raises(RuntimeError, match="SRIA0"):
        bench(models() + top, "top", {"a": 1}, {"p": 1})
