"""Equal modules become one; different ones stay, and so does what they are instances of."""

from amaranth.back import rtlil
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.synth.share_modules import share_modules


class Leaf(wiring.Component):
    def __init__(self, step):
        self.step = step
        super().__init__({"i": In(8), "o": Out(8)})

    def elaborate(self, platform):
        m = Module()
        register = Signal(8)
        m.d.sync += register.eq(self.i + self.step)
        m.d.comb += self.o.eq(register)
        return m


class Pair(wiring.Component):
    def __init__(self, step):
        self.step = step
        super().__init__({"i": In(8), "o": Out(8)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.leaf = leaf = Leaf(self.step)
        m.d.comb += [leaf.i.eq(self.i), self.o.eq(leaf.o)]
        return m


class Top(wiring.Component):
    i: In(8)
    o: Out(8)

    def elaborate(self, platform):
        m = Module()
        value = self.i
        for index, step in enumerate((1, 2, 1, 1)):
            m.submodules[f"pair_{index}"] = pair = Pair(step)
            m.d.comb += pair.i.eq(value)
            value = pair.o
        m.d.comb += self.o.eq(value)
        return m


def test_equal_modules_are_shared_through_the_hierarchy():
    text = rtlil.convert(Top(), name="top", emit_src=False)
    assert text.count("\nmodule ") == 9
    shared = share_modules(text)
    names = [line.split()[1] for line in shared.splitlines() if line.startswith("module ")]
    assert sorted(names) == ["\\top", "\\top.pair_0", "\\top.pair_0.leaf", "\\top.pair_1", "\\top.pair_1.leaf"]
    assert shared.count("cell \\top.pair_0 \\pair_") == 3
    assert shared.count("cell \\top.pair_1 \\pair_") == 1
    assert share_modules(shared) == shared
