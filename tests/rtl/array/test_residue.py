"""Arithmetic modulo 255: exhaustively, and that no flip of a bit is a multiple of 255."""

import pytest
from amaranth.hdl import Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from vanallen.rtl.array.residue import BITS, CARRIED, MODULUS, add, biased, opposite, settle
from vanallen.rtl.config import PRESETS


class Arithmetic(wiring.Component):
    carried: In(CARRIED)
    residue: In(BITS)
    value: In(signed(BITS))
    added: Out(CARRIED)
    settled: Out(BITS)
    biased: Out(BITS)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [
            self.added.eq(add(self.carried, self.residue)),
            self.settled.eq(settle(self.carried)),
            self.biased.eq(biased(self.value)),
        ]
        return m


def test_sums_are_those_of_integers():
    dut = Arithmetic()

    async def testbench(ctx):
        for carried in range(1 << CARRIED):
            ctx.set(dut.carried, carried)
            assert (ctx.get(dut.settled) - carried) % MODULUS == 0
            for residue in (0, 1, 127, 128, 254, 255):
                ctx.set(dut.residue, residue)
                assert (ctx.get(dut.added) - carried - residue) % MODULUS == 0
        for value in range(-128, 128):
            ctx.set(dut.value, value)
            assert ctx.get(dut.biased) == value + 128

    simulator = Simulator(dut)
    simulator.add_testbench(testbench)
    simulator.run()


def test_opposite():
    assert all((opposite(constant) + constant) % MODULUS == 0 for constant in range(-600, 600))


def test_no_flip_is_a_multiple():
    """Bits of an accumulator, and bits of an operand times the other operand."""
    assert all((1 << bit) % MODULUS for bit in range(32))
    assert all((factor << bit) % MODULUS for bit in range(12) for factor in range(1, 129))


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_sums_stay_within_int32(config):
    """Each product of a sum takes a weight of its own from weight RAM; and a power of two is left."""
    assert config.weight_words * 128 * 128 <= 1 << 29
