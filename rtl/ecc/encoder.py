"""Check bits of a word."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from amaranth.hdl import Cat, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .secded import Secded

__all__ = ["Encoder", "column_sum"]


def column_sum(bits: Sequence[Value], columns: Sequence[int], rows: int, *, nested: int | None = None) -> Value:
    """The exclusive or of the ``columns`` of those ``bits`` that are one; ``rows`` bits. Combinational.

    As long as two terms are summed in several rows, the pair that is in most of them becomes a term of its own, early
    terms first: about three quarters of the gates (C. Paar, "Optimized Arithmetic for Reed-Solomon Encoders", IEEE ISIT
    1997). Such terms are at most ``nested`` deep, pairs of bits at 1, of these pairs at 2: then a sum of 31 bits takes
    the three levels of tables of four inputs that it would if nothing were shared, and a fifteenth more gates than at
    any depth.
    """
    terms = list(bits)
    levels = [0] * len(terms)
    sums = [{bit for bit, column in enumerate(columns) if column >> row & 1} for row in range(rows)]
    while True:
        uses = Counter(
            pair for members in sums for pair in combinations(sorted(members), 2)
            if nested is None or max(levels[index] for index in pair) < nested
        )  # fmt: skip
        first, second = min(uses, key=lambda pair: (-uses[pair], pair[1], pair[0]), default=(0, 0))
        if uses[first, second] < 2:
            return Cat(Cat(terms[i] for i in sorted(members, key=lambda i: (levels[i], i))).xor() for members in sums)
        for members in sums:
            if {first, second} <= members:
                members -= {first, second}
                members.add(len(terms))
        terms.append(terms[first] ^ terms[second])
        levels.append(max(levels[first], levels[second]) + 1)


class Encoder(wiring.Component):
    """Check bits of a word. Combinational.

    Parameters
    ----------
    code : Secded

    Members
    -------
    data : In(code.data_bits)
    address : In(code.address_bits)
        Where the word is written. It must not come from the registers that hold the memory's own address, for a fault
        there would make a valid word.
    check : Out(code.check_bits)
        Stored above the data.
    """

    def __init__(self, *, code: Secded):
        self.code = code
        super().__init__({
            "data": In(code.data_bits),
            "address": In(code.address_bits),
            "check": Out(code.check_bits),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        columns = (*self.code.data_columns, *self.code.address_columns)
        m.d.comb += self.check.eq(column_sum([*self.data, *self.address], columns, self.code.check_bits))
        return m
