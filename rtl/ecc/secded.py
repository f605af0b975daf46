"""The code of the memories: corrects one wrong bit, detects two, and a wrong address. Imports no Amaranth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

__all__ = ["Decoded", "Secded", "Status"]


class Status(Enum):
    """What a decoder says of a word."""

    CLEAN = "clean"
    CORRECTED = "corrected"
    UNCORRECTABLE = "uncorrectable"


@dataclass(frozen=True)
class Decoded:
    """``data`` are right if ``status`` is CLEAN or CORRECTED; UNCORRECTABLE leaves them as they were stored."""

    data: int
    status: Status


@dataclass(kw_only=True, frozen=True)
class Secded:
    """A Hsiao code with the address folded in.

    Every bit of data and address has a *column*; the check bits are the exclusive or of the columns of the bits that
    are one. The *syndrome* of a word is the exclusive or of its stored check bits and those of its data and the address
    it was read from, so it is the sum of the columns of all wrong bits. The column of a check bit has a single one.

    - Data columns differ and have an odd number of ones, three or more. So the syndrome of one wrong bit is odd and
      names the bit; that of two is even and not zero, hence never corrected (Hsiao).
    - Address columns differ and have an even number of ones: an odd number in the lower half of the check bits, and so
      in the upper half. So the syndrome of any wrong address bits is even, hence never corrected. It is not zero for
      one or any odd number of them, for the lower half is odd; nor for two, which differ. A word read from an address
      with one to three wrong bits is always flagged.

    There are as few check bits as give enough columns. The lightest columns are taken first and the ones are spread
    evenly over the check bits, which makes the sums few and short. Bits whose columns have alike or complementary upper
    halves stand together: of 64, each byte has the eight columns of one such pair, and little need be known of a
    syndrome to tell that the byte is wrong.

    M. Y. Hsiao, "A Class of Optimal Minimum Odd-weight-column SEC-DED Codes", IBM Journal of Research and Development
    14(4), 1970, pages 395-401.

    Parameters
    ----------
    data_bits : int
        Bits of a word, one or more.
    address_bits : int
        Bits of its address; none for a word that has no address.

    Raises
    ------
    TypeError
        If a size is not an integer.
    ValueError
        If a size is too small, or a word or an address has more bits than the code.
    """

    data_bits: int
    address_bits: int

    def __post_init__(self) -> None:
        for field, least in (("data_bits", 1), ("address_bits", 0)):
            value = getattr(self, field)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{field} must be an integer, not {value!r}")
            if value < least:
                raise ValueError(f"{field} must be at least {least}, not {value!r}")

    @cached_property
    def check_bits(self) -> int:
        """Check bits of a word; ``n`` have ``2^(n - 1) - n`` columns for data and ``2^(n - 2)`` for the address."""
        bits = 2
        while self.data_bits > (1 << bits - 1) - bits or self.address_bits > 1 << bits - 2:
            bits += 1
        return bits

    @property
    def word_bits(self) -> int:
        """Bits of a codeword: data below, check bits above."""
        return self.data_bits + self.check_bits

    @property
    def parity_bits(self) -> int:
        """Bytes of the data; the last may be shorter."""
        return -(-self.data_bits // 8)

    @cached_property
    def data_columns(self) -> tuple[int, ...]:
        """By data bit: its column."""
        return self._columns[: self.data_bits]

    @cached_property
    def address_columns(self) -> tuple[int, ...]:
        """By address bit: its column."""
        return self._columns[self.data_bits :]

    def check(self, data: int, address: int) -> int:
        """Check bits of ``data`` at ``address``."""
        self._require_bits("data", data, self.data_bits)
        self._require_bits("address", address, self.address_bits)
        bits = data | address << self.data_bits
        return sum(((bits & row).bit_count() & 1) << index for index, row in enumerate(self._rows))

    def encode(self, data: int, address: int) -> int:
        """The codeword."""
        return data | self.check(data, address) << self.data_bits

    def decode(self, word: int, address: int) -> Decoded:
        """What a codeword read from ``address`` says."""
        self._require_bits("word", word, self.word_bits)
        data = word & (1 << self.data_bits) - 1
        syndrome = word >> self.data_bits ^ self.check(data, address)
        if syndrome == 0:
            return Decoded(data, Status.CLEAN)
        if syndrome in self.data_columns:
            return Decoded(data ^ 1 << self.data_columns.index(syndrome), Status.CORRECTED)
        is_check_bit = syndrome.bit_count() == 1
        return Decoded(data, Status.CORRECTED if is_check_bit else Status.UNCORRECTABLE)

    @cached_property
    def _columns(self) -> tuple[int, ...]:
        """Columns of the data bits, then of the address bits."""
        columns = range(1, 1 << self.check_bits)
        odd = [column for column in columns if column.bit_count() % 2 and column.bit_count() > 1]
        even = [column for column in columns
                if all(half.bit_count() % 2 for half in self._halves(column))]  # fmt: skip
        ones = [0] * self.check_bits
        data = sorted(self._balanced(odd, self.data_bits, ones), key=lambda column: (self._pair(column), column))
        return (*data, *sorted(self._balanced(even, self.address_bits, ones)))

    def _balanced(self, candidates: Iterable[int], count: int, ones: list[int]) -> Iterable[int]:
        """``count`` columns: the lightest first, of these those with the lightest half, each from where the rows have
        the fewest ``ones`` so far."""
        left = set(candidates)
        for _ in range(count):
            column = min(left, key=lambda column: (
                column.bit_count(), min(half.bit_count() for half in self._halves(column)),
                sum(have for row, have in enumerate(ones) if column >> row & 1), column,
            ))  # fmt: skip
            left.remove(column)
            for row in range(len(ones)):
                ones[row] += column >> row & 1
            yield column

    def _halves(self, column: int) -> tuple[int, int]:
        """Lower and upper half."""
        bits = self.check_bits // 2
        return column & (1 << bits) - 1, column >> bits

    def _pair(self, column: int) -> int:
        """The same number for columns whose upper halves are alike or complementary."""
        _, upper = self._halves(column)
        _, every = self._halves((1 << self.check_bits) - 1)
        return min(upper, upper ^ every)

    @cached_property
    def _rows(self) -> list[int]:
        """By check bit: a mask of the bits it sums, address above data."""
        return [sum((column >> row & 1) << bit for bit, column in enumerate(self._columns))
                for row in range(self.check_bits)]  # fmt: skip

    def _require_bits(self, name: str, value: int, bits: int) -> None:
        if not 0 <= value < 1 << bits:
            raise ValueError(f"{name} must have at most {bits} bits, not be {value!r}")
