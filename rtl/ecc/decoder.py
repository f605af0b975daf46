"""Corrects the words of a memory."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .encoder import column_sum
from .secded import Secded

__all__ = ["Decoder"]


class Decoder(wiring.Component):
    """Corrects one wrong bit of a word; tells more, and a wrong address.

    ::

        word ------+--------------------> [stored] ----> flip the bit named --> data, check
                   +--> byte parity ----> [predicted] -> flip its byte's -----> parity
        address ---+--> sum of columns -> [syndrome] --> compare with columns-> corrected, uncorrectable

    Latency two cycles, one word a cycle. There is no ``valid``: the outputs are those of whatever was at the inputs two
    cycles ago, and the user says which of them count.

    The parity is predicted from the word as stored and corrected beside the data, never made from the corrected data.
    So a flip of any register in here, while the word has no wrong bit or a single one, leaves the data right, or a byte
    whose parity doesn't match, or ``uncorrectable``.

    Parameters
    ----------
    code : Secded

    Members
    -------
    word : In(code.word_bits)
        Data below, check bits above.
    address : In(code.address_bits)
        Where the word was read from; not out of the registers that hold the memory's own address.
    data : Out(code.data_bits)
        Corrected. As stored if ``uncorrectable``.
    check : Out(code.check_bits)
        The word's check bits, corrected: with ``data`` what is to be written back, which so needs no encoder that would
        make a valid word of wrong data.
    parity : Out(code.parity_bits)
        The exclusive or of the bits of each byte of ``data``.
    corrected : Out(1)
        A data or check bit was wrong: the syndrome is a column.
    uncorrectable : Out(1)
        The syndrome is neither zero nor a column.
    """

    latency = 2

    def __init__(self, *, code: Secded):
        self.code = code
        super().__init__({
            "word": In(code.word_bits),
            "address": In(code.address_bits),
            "data": Out(code.data_bits),
            "check": Out(code.check_bits),
            "parity": Out(code.parity_bits),
            "corrected": Out(1),
            "uncorrectable": Out(1),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        code = self.code
        stored = Signal(code.data_bits, reset_less=True)
        stored_check = Signal(code.check_bits, reset_less=True)
        predicted = Signal(code.parity_bits, reset_less=True)
        syndrome = Signal(code.check_bits, reset_less=True)
        m.d.sync += [Cat(stored, stored_check).eq(self.word), Cat(syndrome, predicted).eq(self._sums())]

        wrong = Signal(code.data_bits)
        wrong_check, wrong_byte = Signal(code.check_bits), Signal(code.parity_bits)
        m.d.comb += [
            wrong.eq(Cat(syndrome == column for column in code.data_columns)),
            wrong_check.eq(Cat(syndrome == 1 << row for row in range(code.check_bits))),
            wrong_byte.eq(Cat(wrong[8 * byte : 8 * byte + 8].any() for byte in range(code.parity_bits))),
        ]
        is_column = Cat(wrong_byte, wrong_check).any()
        for output, value in (
            (self.data, stored ^ wrong),
            (self.check, stored_check ^ wrong_check),
            (self.parity, predicted ^ wrong_byte),
            (self.corrected, is_column),
            (self.uncorrectable, syndrome.any() & ~is_column),
        ):
            register = Signal.like(output, name=f"{output.name}_register", reset_less=True)
            m.d.sync += register.eq(value)
            m.d.comb += output.eq(register)
        return m

    def _sums(self) -> Value:
        """The syndrome, and above it the parity of each byte of data: one sum, so that they share gates."""
        code = self.code
        columns = [column | 1 << code.check_bits + bit // 8 for bit, column in enumerate(code.data_columns)]
        columns += [1 << row for row in range(code.check_bits)]
        columns += code.address_columns
        return column_sum([*self.word, *self.address], columns, code.check_bits + code.parity_bits)
