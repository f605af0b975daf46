"""What is shown equivalent changes nothing, and what changes something is never shown equivalent."""

import re

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from vanallen.rtl.verilog import TOP
from vanallen.tb.mutants.draw import Mutation
from vanallen.tb.mutants.equivalence import cut, is_equivalent
from vanallen.tb.mutants.yosys import run_yosys


class Small(wiring.Component):
    """A register, a mask that makes its upper bit invisible, a register that nothing sees, and a memory."""

    i: In(2)
    o: Out(2)
    row: Out(2)

    def elaborate(self, platform):
        m = Module()
        seen, unseen = Signal(2, name="seen"), Signal(2, name="unseen")
        m.submodules.ram = ram = Memory(shape=2, depth=4, init=[])
        write, read = ram.write_port(), ram.read_port()
        m.d.sync += [seen.eq(self.i), unseen.eq(self.i)]
        m.d.comb += [
            self.o.eq(seen & 1), write.en.eq(1), write.addr.eq(self.i), write.data.eq(seen), read.addr.eq(self.i),
            self.row.eq(read.data & 1),
        ]  # fmt: skip
        return m


PREPARE = f"""
read_rtlil a.il
hierarchy -top {TOP}
proc -norom
delete t:$meminit_v2
memory_collect
opt_clean
write_rtlil b.il
"""


@pytest.fixture(scope="module")
def design():
    text = rtlil.convert(Small(), name=TOP)
    return run_yosys(PREPARE, {"a.il": text}, ("b.il",))[1]["b.il"]


@pytest.mark.parametrize(
    ("port", "bit", "mode", "same"),
    [
        ("RD_DATA", 1, "inv", True),  # masked before the output
        ("RD_DATA", 1, "const0", True),
        ("RD_DATA", 0, "inv", False),
        ("WR_DATA", 0, "const0", False),
        ("WR_DATA", 1, "inv", False),  # never seen, but what the memory holds differs: not shown
        ("WR_ADDR", 0, "inv", False),
        ("WR_CLK", 0, "inv", False),
    ],
)
def test_faults_of_a_memory(design, port, bit, mode, same):
    (cell,) = re.findall(r"cell \$mem_v2 \\?(\S+)", design)
    (module,) = [name for name, body in re.findall(r"^module \\(\S+)$(.*?)^end$", design, re.MULTILINE | re.DOTALL)
                 if "$mem_v2" in body]  # fmt: skip
    assert is_equivalent(design, Mutation("", mode, module, cell, port, bit, None, "")) is same


def test_the_cut_leaves_no_state_and_refuses_what_it_does_not_know(design):
    flat = run_yosys("read_rtlil b.il\nflatten\nsimplemap t:$dff\nopt_clean -purge\nwrite_rtlil c.il", {"b.il": design},
                     ("c.il",))[1]["c.il"]  # fmt: skip
    opened = cut(flat)
    assert "$mem_v2" in flat and "$_DFF_P_" in flat and "$mem_v2" not in opened and "$_DFF_P_" not in opened
    # 2 register bits and 2 memory bits hold; each is given data, clock (and for the memory address, enables, resets)
    assert "wire width 4 input 10000 \\held" in opened
    with pytest.raises(ValueError, match="state must be in registers and memories, not in dlatch"):
        cut("module \\m\n  cell $dlatch \\l\n  end\nend\n")


def test_the_cut_takes_the_attributes_of_a_register_with_it():
    cell = "  attribute \\keep 1\n  cell $_DFF_P_ \\r\n    connect \\D \\a\n    connect \\Q \\b\n  end\n"
    assert "attribute" not in cut(f"module \\m\n{cell}end\n")
