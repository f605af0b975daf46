"""The memories' code in hardware, for all data and all addresses, in two parts.

:class:`EncoderSums` and :class:`DecoderSums`: check bits and syndrome are sums of columns, so the syndrome of a word is
the sum of the columns of all that is wrong with it. :class:`CodeCorrects`: what the decoder's correction makes of such
a syndrome. Nothing here has feedback, so a window of one cycle is all there is to prove. A proof of the whole at
once is out of the solver's reach: it would have to rearrange the sums to see that right data cancel.
"""

from __future__ import annotations

from functools import reduce
from operator import xor

from amaranth.asserts import AnySeq
from amaranth.hdl import Assume, Cat, Module, Mux, Signal, Value
from amaranth.lib import enum

from vanallen.rtl.ecc.correction import Correction
from vanallen.rtl.ecc.encoder import Encoder
from vanallen.rtl.ecc.secded import Secded
from vanallen.rtl.ecc.syndrome import Syndrome

from .lane import Window

__all__ = ["CodeCorrects", "DecoderSums", "EncoderSums"]


def _one_bit(m: Module, bits: int) -> Signal:
    """Any value with a single one."""
    value, index = Signal(bits), Signal(range(bits))
    m.d.comb += [index.eq(AnySeq(len(index))), Assume(index < bits), value.eq(Cat(index == bit for bit in range(bits)))]
    return value


def _sum(bits: Value, columns: list[int]) -> Value:
    """The exclusive or of the columns of the ones in ``bits``."""
    return reduce(xor, (Mux(bit, column, 0) for bit, column in zip(bits, columns, strict=True)))


def _byte_parity(code: Secded, data: Value) -> Value:
    return Cat(data[8 * byte : 8 * byte + 8].xor() for byte in range(code.parity_bits))


class _Sums(Window):
    """Something gives its column for one bit anywhere; and for one bit more anywhere, whatever the others are, it adds
    what it gives for that bit alone. By induction over the bits it gives the sum of their columns (zero for none, since
    a bit and the same bit make nothing)."""

    latency = 1

    def __init__(self, *, code: Secded) -> None:
        self.code = code

    def columns(self) -> list[int]:
        """By bit of what goes in."""
        raise NotImplementedError

    def result(self, m: Module, bits: Value, name: str) -> Value:
        """Adds a copy; what it gives in the second cycle for the ``bits`` of the first."""
        raise NotImplementedError

    def compare(self, m: Module) -> list[tuple[str, Value]]:
        columns = self.columns()
        bits, bit = Signal(len(columns)), _one_bit(m, len(columns))
        m.d.comb += bits.eq(AnySeq(len(columns)))
        without, alone, both = (
            self.result(m, value, name) for name, value in (("without", bits), ("alone", bit), ("both", bits ^ bit))
        )
        return [
            ("a bit gives its column", alone == self.noted(m, _sum(bit, columns), "column")),
            ("a bit adds its column", both == without ^ alone),
        ]


class EncoderSums(_Sums):
    """The check bits."""

    def columns(self) -> list[int]:
        return [*self.code.data_columns, *self.code.address_columns]

    def result(self, m: Module, bits: Value, name: str) -> Value:
        encoder = Encoder(code=self.code)
        m.submodules[name] = encoder
        m.d.comb += Cat(encoder.data, encoder.address).eq(bits)
        return self.noted(m, encoder.check, f"check_{name}")


class DecoderSums(_Sums):
    """Syndrome and byte parity."""

    def columns(self) -> list[int]:
        code = self.code
        data = [column | 1 << code.check_bits + bit // 8 for bit, column in enumerate(code.data_columns)]
        return [*data, *(1 << row for row in range(code.check_bits)), *code.address_columns]

    def result(self, m: Module, bits: Value, name: str) -> Value:
        m.submodules[name] = syndrome = Syndrome(code=self.code)
        m.d.comb += Cat(syndrome.word, syndrome.address).eq(bits)
        return self.noted(m, Cat(syndrome.syndrome, syndrome.parity), f"sums_{name}")


class Wrong(enum.Enum, shape=2):
    """What is wrong with a word."""

    NOTHING = 0
    BIT = 1
    TWO_BITS = 2
    ADDRESS = 3


class CodeCorrects(Window):
    """The decoder's correction, from any word with its data's byte parity, and the syndrome of what is wrong: one wrong
    bit is corrected; two, or an address with one, two or three wrong bits, are told and nothing is changed. The byte
    parity stays that of the data."""

    latency = 0

    def __init__(self, *, code: Secded) -> None:
        self.code = code

    def compare(self, m: Module) -> list[tuple[str, Value]]:
        code = self.code
        m.submodules.correction = correction = Correction(code=code)
        wrong = Signal(Wrong)
        first, second = _one_bit(m, code.word_bits), _one_bit(m, code.word_bits)
        flipped, moved = Signal(code.word_bits), Signal(code.address_bits)
        columns = [*code.data_columns, *(1 << row for row in range(code.check_bits)), *code.address_columns]
        m.d.comb += [
            wrong.eq(AnySeq(2)),
            Assume(first != second),
            flipped.eq(Mux(wrong == Wrong.BIT, first, Mux(wrong == Wrong.TWO_BITS, first | second, 0))),
            moved.eq(Mux(wrong == Wrong.ADDRESS, self._one_to_three(m), 0)),
            correction.word.eq(AnySeq(code.word_bits)),
            correction.syndrome.eq(_sum(Cat(flipped, moved), columns)),
            correction.stored_parity.eq(_byte_parity(code, correction.word[: code.data_bits])),
        ]
        right = correction.word ^ Mux(wrong == Wrong.BIT, flipped, 0)
        told = Cat(correction.corrected, correction.uncorrectable)
        return [
            ("data", correction.data == right[: code.data_bits]),
            ("check bits", correction.check == right[code.data_bits :]),
            ("byte parity", correction.parity == _byte_parity(code, right[: code.data_bits])),
            ("a clean word", (wrong != Wrong.NOTHING) | (told == 0b00)),
            ("a wrong bit is corrected", (wrong != Wrong.BIT) | (told == 0b01)),
            ("two wrong bits are told", (wrong != Wrong.TWO_BITS) | (told == 0b10)),
            ("a wrong address is told", (wrong != Wrong.ADDRESS) | (told == 0b10)),
        ]

    def _one_to_three(self, m: Module) -> Value:
        """Any address with one, two or three ones."""
        first, second, third = (_one_bit(m, self.code.address_bits) for _ in range(3))
        return first | second | third
