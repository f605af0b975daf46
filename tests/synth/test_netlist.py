"""The netlist's graph, on small designs whose structure is known."""

import pytest
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from vanallen.synth.netlist import components, read_netlist


class Inner(wiring.Component):
    """A register that keeps its value where ``go`` is low."""

    go: In(1)
    value: In(4)
    kept: Out(4)

    def elaborate(self, platform):
        m = Module()
        kept = Signal(4, reset_less=True)
        with m.If(self.go):
            m.d.sync += kept.eq(self.value)
        m.d.comb += self.kept.eq(kept)
        return m


class Outer(wiring.Component):
    """``inner`` has the name of a signal; ``steer`` steers, ``data`` does not; bit 0 of ``pair`` addresses a memory."""

    a: In(4)
    choose: In(1)
    out: Out(4)
    word: Out(4)

    def elaborate(self, platform):
        m = Module()
        m.submodules.inner = inner = Inner()
        m.submodules.memory = memory = Memory(shape=4, depth=2, init=[])
        steer = Signal()
        twin = Signal()
        data = Signal(4)
        pair = Signal(2)
        first = Signal(4)
        write, read = memory.write_port(), memory.read_port()
        m.d.sync += [steer.eq(self.a[0]), twin.eq(self.a[0]), data.eq(self.a), pair.eq(self.a[1:3])]
        m.d.sync += first.eq(inner.kept)
        m.d.comb += [
            inner.go.eq(steer & ~self.choose),
            inner.value.eq(Mux(self.choose, data, self.a)),
            self.out.eq(first ^ twin),
            read.addr.eq(pair[0]),
            write.data.eq(inner.kept), write.en.eq(pair[1]), write.addr.eq(~pair[0]),
            self.word.eq(read.data),
        ]  # fmt: skip
        return m


@pytest.fixture(scope="module")
def netlist():
    return read_netlist(Outer())


# a memory's ports lie in the module that holds it
def pins(netlist, name, bit=None):
    register = next(cell for cell in netlist.registers if netlist.label(cell).split(".")[-1] == name)
    stored = register.stored if bit is None else register.stored[bit : bit + 1]
    return {(pin.cell.path, pin.name) for pin in netlist.reached(stored)}


def test_registers_by_name_and_path(netlist):
    labels = {(cell.path, netlist.label(cell)) for cell in netlist.registers}
    outer = {((), name) for name in ("steer", "twin", "data", "pair", "first")}
    assert labels == outer | {(("inner",), "inner.kept")}
    assert len(netlist.read_ports) == len(netlist.write_ports) == 1
    assert netlist.label(netlist.read_ports[0]) == "memory"


def test_equal_registers_are_not_merged(netlist):
    assert {"steer", "twin"} <= {netlist.label(cell) for cell in netlist.registers}


def test_what_registers_reach(netlist):
    assert (("inner",), "HOLD") in pins(netlist, "steer")
    assert pins(netlist, "data") == {(("inner",), "D")}
    assert pins(netlist, "twin") == pins(netlist, "first") == set()
    assert pins(netlist, "kept") == {((), "D"), ((), "DATA"), (("inner",), "D")}


def test_bits_are_told_apart(netlist):
    assert pins(netlist, "pair", 0) == {((), "ADDR")}
    assert pins(netlist, "pair", 1) == {((), "EN")}


def test_components_by_path():
    found = {path: type(component).__name__ for path, (component, _) in components(Outer()).items()}
    assert found == {(): "Outer", ("inner",): "Inner", ("memory",): "Memory"}


def test_a_failing_yosys_is_an_error(monkeypatch):
    monkeypatch.setenv("YOSYS", "false")
    with pytest.raises(RuntimeError, match="Yosys failed"):
        read_netlist(Outer())
