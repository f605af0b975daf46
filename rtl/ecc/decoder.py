"""Corrects the words of a memory."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from .correction import Correction, outputs
from .secded import Secded
from .syndrome import Syndrome

__all__ = ["Decoder"]


class Decoder(wiring.Component):
    """Corrects one wrong bit of a word; tells more, and a wrong address.

    ::

        word ----> [stored] --+------------------> flip the bit named --> [data, check]
                              +--> byte parity --> flip its byte's -----> [parity]
        address -> [row] -----+--> sum of columns -> compare with columns -> [corrected, uncorrectable]

    Latency two cycles, one word a cycle. The first is the RAM's: it takes most of one (5.7 ns on an ECP5 by nextpnr;
    ``docs/decisions/ecp5-timing.md``). There is no ``valid``: the outputs are those of whatever was at the inputs two
    cycles ago, and the user says which of them count.

    The parity is predicted from the word as stored and corrected beside the data, never made from the corrected data.
    So a flip of any register in here, while the word has no wrong bit or a single one, leaves the data right, or a byte
    whose parity doesn't match, or ``uncorrectable``; ``stored`` and ``row`` are under the code themselves.

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
            **outputs(code),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        stored = Signal(self.code.word_bits, reset_less=True)
        row = Signal(self.code.address_bits, reset_less=True)
        m.submodules.syndrome = syndrome = Syndrome(code=self.code)
        m.submodules.correction = correction = Correction(code=self.code)
        m.d.sync += [stored.eq(self.word), row.eq(self.address)]
        m.d.comb += [
            syndrome.word.eq(stored), syndrome.address.eq(row),
            correction.word.eq(stored), correction.syndrome.eq(syndrome.syndrome),
            correction.stored_parity.eq(syndrome.parity),
        ]  # fmt: skip
        for name in outputs(self.code):
            output = getattr(self, name)
            register = Signal.like(output, name=f"{name}_register", reset_less=True)
            m.d.sync += register.eq(getattr(correction, name))
            m.d.comb += output.eq(register)
        return m
