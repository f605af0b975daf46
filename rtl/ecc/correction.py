"""What a syndrome says of a word."""

from collections import defaultdict
from collections.abc import Iterable
from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Signal, Value
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
        data, check = code.data_columns, [1 << row for row in range(code.check_bits)]
        halves = self.syndrome[: code.check_bits // 2], self.syndrome[code.check_bits // 2 :]
        low, high = (Signal(1 << len(half), name=name) for name, half in zip(("low", "high"), halves, strict=True))

        def one_of(columns: Iterable[int]) -> Value:
            """Whether the syndrome is, from its halves: two levels fewer than from the bits that are wrong."""
            rest: dict[int, set[int]] = defaultdict(set)
            for column in columns:
                rest[column >> len(halves[0])].add(column & (len(low) - 1))
            alike: dict[tuple[int, ...], list[int]] = defaultdict(list)
            for above, below in rest.items():
                alike[tuple(sorted(below))].append(above)
            return reduce(or_, (Cat(high[above] for above in several).any() & Cat(low[each] for each in below).any()
                                for below, several in alike.items()))  # fmt: skip

        wrong, wrong_check = (Cat(one_of([column]) for column in columns) for columns in (data, check))
        wrong_byte = Cat(one_of(data[8 * byte : 8 * byte + 8]) for byte in range(code.parity_bits))
        is_column = Signal()
        m.d.comb += [
            *(decoded[value].eq(half == value) for decoded, half in zip((low, high), halves, strict=True)
              for value in range(len(decoded))),
            is_column.eq(one_of([*data, *check])),
            self.data.eq(self.word[: code.data_bits] ^ wrong),
            self.check.eq(self.word[code.data_bits :] ^ wrong_check),
            self.parity.eq(self.stored_parity ^ wrong_byte),
            self.corrected.eq(is_column),
            self.uncorrectable.eq(self.syndrome.any() & ~is_column),
        ]  # fmt: skip
        return m
