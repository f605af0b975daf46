"""Residues modulo 3, where 3 stands for 0 too."""

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.requant.residue import product, residue


class Residues(wiring.Component):
    def __init__(self, width):
        super().__init__({"value": In(width), "a": In(2), "b": In(2), "residue": Out(2), "product": Out(2)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [self.residue.eq(residue(m, self.value, "value")), self.product.eq(product(self.a, self.b))]
        return m


@pytest.mark.parametrize("width", [2, 3, 4, 8, 24, 50])
def test_residue_of_a_number(simulate, width):
    part, rng = Residues(width), np.random.default_rng(width)
    values = range(1 << width) if width <= 8 else [0, (1 << width) - 1, *rng.integers(0, 1 << width, 500)]

    async def testbench(ctx):
        for value in values:
            ctx.set(part.value, int(value))
            assert ctx.get(part.residue) % 3 == value % 3

    simulate(part, testbench, clocked=False)


def test_residue_of_a_product(simulate):
    part = Residues(2)

    async def testbench(ctx):
        for a in range(4):
            for b in range(4):
                ctx.set(part.a, a)
                ctx.set(part.b, b)
                assert ctx.get(part.product) % 3 == a * b % 3

    simulate(part, testbench, clocked=False)
