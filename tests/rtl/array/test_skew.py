"""Triangular delays."""

import random

import pytest
from amaranth.hdl import signed

from vanallen.rtl.array.skew import Skew


@pytest.mark.parametrize("count", [2, 4, 16])
def test_element_k_comes_k_cycles_later(trace, count):
    rng = random.Random(count)
    vectors = [[rng.randint(-128, 127) for _ in range(count)] for _ in range(60)]
    outputs = trace(Skew(element=signed(8), count=count), [{"i": vector} for vector in vectors], ["o"])
    for cycle, (output,) in enumerate(outputs):
        for element in range(min(count, cycle + 1)):
            assert output[element] == vectors[cycle - element][element], (cycle, element)
