"""What is wrong with a word."""

from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .encoder import column_sum
from .secded import Secded

__all__ = ["Syndrome"]


class Syndrome(wiring.Component):
    """The sum of the columns of a word's ones and of its address's, and the parity of each byte. Combinational.

    Parameters
    ----------
    code : Secded

    Members
    -------
    word : In(code.word_bits)
        Data below, check bits above.
    address : In(code.address_bits)
    syndrome : Out(code.check_bits)
        The sum of the columns of all that is wrong, whatever the data.
    parity : Out(code.parity_bits)
        The exclusive or of the bits of each byte of the data, as stored.
    """

    def __init__(self, *, code: Secded):
        self.code = code
        super().__init__({
            "word": In(code.word_bits),
            "address": In(code.address_bits),
            "syndrome": Out(code.check_bits),
            "parity": Out(code.parity_bits),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        code = self.code
        # one sum for both, so that they share gates
        columns = [column | 1 << code.check_bits + bit // 8 for bit, column in enumerate(code.data_columns)]
        columns += [1 << row for row in range(code.check_bits)]
        columns += code.address_columns
        sums = column_sum([*self.word, *self.address], columns, code.check_bits + code.parity_bits, nested=2)
        m.d.comb += Cat(self.syndrome, self.parity).eq(sums)
        return m
