"""What is shown equivalent changes nothing, and what changes something is never shown equivalent."""

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


PREPARE = (
    f"read_rtlil a.il\nhierarchy -top {TOP}\nproc -norom\ndelete t:$meminit_v2\nmemory_collect\nopt_clean\nwrite_rtlil b.il"
)


@pytest.fixture(scope="module")
def design():
    text = rtlil.convert(Small(), name=TOP)
    return run_yosys(PREPARE, {"a.il": text}, ("b.il",))[1]["b.il"]


def mutations(design):
    """Every fault that Yosys knows of in the design."""
    script = "read_rtlil b.il\nmutate -list 500 -seed 1 -o list.txt\n"
    lines = run_yosys(script, {"b.il": design}, ("list.txt",))[1]["list.txt"].splitlines()
    for line in lines:
        words = line.split(" -src ")[0].split()[1:]
        values = dict(zip(words[::2], words[1::2], strict=True))
        control = values.get("-ctrlbit")
        yield Mutation("", values["-mode"], values["-module"], values["-cell"], values["-port"],
                       int(values["-portbit"]), None if control is None else int(control), "")  # fmt: skip


def test_each_fault_of_a_small_design(design):
    found = {(one.port, one.bit, one.mode, one.cell): is_equivalent(design, one)
             for one in mutations(design) if one.mode in ("inv", "const0")}  # fmt: skip
    assert True in found.values() and False in found.values()
    for (port, bit, mode, cell), same in found.items():
        if port == "WR_DATA" or port == "RD_DATA":
            # the memory's upper bits are masked at its output, but are state, given to and read from it alike
            assert same == (port == "RD_DATA" and bit == 1), (port, bit, mode, cell)
        if port == "CLK":
            assert "unseen" in cell or not same or mode == "const0", (port, bit, mode, cell)


def test_the_cut_leaves_no_state_and_refuses_what_it_does_not_know(design):
    flat = run_yosys("read_rtlil b.il\nflatten\nsimplemap t:$dff\nopt_clean -purge\nwrite_rtlil c.il", {"b.il": design},
                     ("c.il",))[1]["c.il"]  # fmt: skip
    opened = cut(flat)
    assert "$mem_v2" in flat and "$_DFF_P_" in flat and "$mem_v2" not in opened and "$_DFF_P_" not in opened
    # 2 register bits and 2 memory bits hold; each is given data, clock (and for the memory address, enables, resets)
    assert "wire width 4 input 10000 \\held" in opened
    with pytest.raises(ValueError, match="state must be in registers and memories, not in dlatch"):
        cut("module \\m\n  cell $dlatch \\l\n  end\nend\n")
