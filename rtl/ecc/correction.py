"""What a syndrome says of a word."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .secded import Secded

__all__ = ["Correction", "outputs"]


def outputs(code: Secded) -> dict[str, wiring.Member]:
    """What is said of a word: members of a :class:`Correction`, and of a decoder, which explains them."""
    return {
        "data": Out(code.data_bits),
        "check": Out(code.check_bits),
        "parity": Out(code.parity_bits),
        "corrected": Out(1),
        "uncorrectable": Out(1),
    }


class Correction(wiring.Component):
    """Flips the bit whose column the syndrome is, and the parity of its byte. Combinational.

    Parameters
    ----------
    code : Secded

    Members
    -------
    word, syndrome, stored_parity : In
        As :class:`.Syndrome` has and gives them.
    data, check, parity, corrected, uncorrectable : Out
        As those of :class:`.Decoder`.
    """

    def __init__(self, *, code: Secded):
        self.code = code
        super().__init__({
            "word": In(code.word_bits),
            "syndrome": In(code.check_bits),
            "stored_parity": In(code.parity_bits),
            **outputs(code),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        code = self.code
        wrong, wrong_check = Signal(code.data_bits), Signal(code.check_bits)
        wrong_byte = Signal(code.parity_bits)
        is_column = Cat(wrong_byte, wrong_check).any()
        m.d.comb += [
            wrong.eq(Cat(self.syndrome == column for column in code.data_columns)),
            wrong_check.eq(Cat(self.syndrome == 1 << row for row in range(code.check_bits))),
            wrong_byte.eq(Cat(wrong[8 * byte : 8 * byte + 8].any() for byte in range(code.parity_bits))),
            self.data.eq(self.word[: code.data_bits] ^ wrong),
            self.check.eq(self.word[code.data_bits :] ^ wrong_check),
            self.parity.eq(self.stored_parity ^ wrong_byte),
            self.corrected.eq(is_column),
            self.uncorrectable.eq(self.syndrome.any() & ~is_column),
        ]
        return m
