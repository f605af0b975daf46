"""Names in the elaborated design are those that Amaranth writes into the netlist."""

import re

from amaranth.back import rtlil
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from vanallen.synth.elaborated import Elaborated


class Reads(wiring.Component):
    """A submodule reads two fields that are neighbours in a register of its parent: Amaranth makes one port of both,
    whose name is numbers."""

    inverted: Out(8)

    def elaborate(self, platform):
        m, inner = Module(), Module()
        word = Signal(8)
        low = Signal(4)
        high = Signal(4)
        m.submodules.inner = inner
        m.d.sync += word.eq(word + 1)
        m.d.comb += [low.eq(word[:4]), high.eq(word[4:])]
        inner.d.comb += self.inverted.eq(~Cat(low, high))
        return m


def test_a_port_that_no_signal_names():
    written = rtlil.convert(Reads(), emit_src=False)
    (port,) = re.findall(r"^  wire width 8 input \d+ +\\(port\$\S+)$", written, re.MULTILINE)
    assert Elaborated(Reads()).bits[f"inner.{port}"] == [("word", place) for place in range(8)]
