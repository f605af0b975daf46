"""A design that the FPGA tools finish in seconds."""

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Counter(wiring.Component):
    """Counts what comes in at ``rx``, in a register as wide as ``bits``, squared into ``tx``."""

    rx: In(1)
    tx: Out(1)
    interrupt: Out(1)

    def __init__(self, bits):
        self.bits = bits
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        count = Signal(self.bits)
        square = Signal(2 * self.bits)
        with m.If(self.rx):
            m.d.sync += count.eq(count + 1)
        m.d.sync += square.eq(count * count)
        m.d.comb += [self.tx.eq(square.xor()), self.interrupt.eq(count[-1])]
        return m


def make_counter(board, clock_hz, bits=16):
    """As `vanallen.synth.top.chip`, but small."""
    return Counter(bits)


@pytest.fixture(scope="session")
def counter():
    return make_counter
