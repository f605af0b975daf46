"""The test that a row's columns add up to its checksum."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.control.tag import TagPipe

from .residue import BITS, MODULUS, biased, opposite

__all__ = ["ChecksumTest"]


class ChecksumTest(wiring.Component):
    """Whether the values of a row that enter the requantizer add up to the checksum column's value, modulo 255.

    ::

        cycle 0        1                   2                    3                   4
        values --> [lanes' bytes] --> [added up] --> [- checksum + slot] --> [wrong: not zero]
        begins, ends                   checksum            |  ^
                                                           `--'  until ends

    ``values`` are ``lanes`` columns of a row, its slots one after the other or with zeros between them. ``begins``
    comes with the first, ``checksum`` two cycles later; ``ends`` with the last, and ``wrong`` 4 cycles after it.

    The sum over the columns of a product is the product with the sum of a weight row (K.-H. Huang and J. A. Abraham,
    "Algorithm-Based Fault Tolerance for Matrix Operations", IEEE Transactions on Computers C-33(6), 1984). No single
    bit in a column changes it by a multiple of 255 (:mod:`.residue`), as long as sums stay within int32: those of a
    block have at most 32,768 products, since each takes a weight of its own from weight RAM.
    """

    def __init__(self, *, lanes: int):
        self.lanes = lanes
        super().__init__({
            "values": In(data.ArrayLayout(signed(32), lanes)), "begins": In(1), "ends": In(1),
            "checksum": In(BITS), "wrong": Out(1),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.marks = marks = TagPipe(tag=data.StructLayout({"begins": 1, "ends": 1}), depth=3)
        m.d.comb += [marks.i.begins.eq(self.begins), marks.i.ends.eq(self.ends)]
        numbers = [biased(self.values[lane]) for lane in range(self.lanes)]
        lanes = [Signal(range(4 * MODULUS + 1), name=f"lane_{lane}", reset_less=True) for lane in range(self.lanes)]
        bias = opposite(self.lanes << 31)
        slot = Signal(range(4 * self.lanes * MODULUS + bias + 1), reset_less=True)
        rest = Signal(BITS + 2, reset_less=True)
        wrong = Signal(reset_less=True)
        before = Mux(marks.taps[2].begins, ~self.checksum, rest)
        m.d.sync += [
            *(lane.eq(sum(number.word_select(byte, BITS) for byte in range(4)))
              for lane, number in zip(lanes, numbers, strict=True)),
            slot.eq(sum(lanes, bias)),
            rest.eq(before[:BITS] + before[BITS:] + slot[:BITS] + slot[BITS:]),
            wrong.eq(marks.taps[3].ends & (rest != 0) & (rest != MODULUS) & (rest != 2 * MODULUS)),
        ]  # fmt: skip
        m.d.comb += self.wrong.eq(wrong)
        return m
