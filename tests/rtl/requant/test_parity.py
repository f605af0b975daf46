"""What a stage does to the parity of its data, for every byte."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.requant.parity import fours, incremented, lowest_even, parity


class Changes(wiring.Component):
    value: In(8)
    parity: Out(1)
    lowest_even: Out(1)
    incremented: Out(1)
    fours: Out(2)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [
            self.parity.eq(parity(self.value[:3], self.value[3:])),
            self.lowest_even.eq(lowest_even(self.value)),
            self.incremented.eq(incremented(self.value)),
            self.fours.eq(fours(self.value[:6])),
        ]
        return m


def odd(number):
    return number.bit_count() % 2


def test_changes_of_parity(simulate):
    part = Changes()

    async def testbench(ctx):
        for value in range(256):
            ctx.set(part.value, value)
            assert ctx.get(part.parity) == odd(value)
            assert ctx.get(part.lowest_even) == odd(value) ^ odd(-value & 0xFF) == odd(value) ^ odd(value - 1 & 0xFF)
            assert ctx.get(part.fours) == odd(value % 16) | odd(value >> 4 & 3) << 1
            assert ctx.get(part.incremented) == odd(value) ^ odd(value + 1)

    simulate(part, testbench, clocked=False)
