"""The wrapper round every RAM of the chip but the accumulators."""

from functools import reduce
from itertools import pairwise
from operator import or_
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing
from vanallen.rtl.control.machine import replicate
from vanallen.rtl.control.voter import agreed
from vanallen.rtl.ecc.decoder import Decoder
from vanallen.rtl.ecc.encoder import Encoder
from vanallen.rtl.ecc.secded import Secded

from .access import AccessMachine, ReadRequest, WriteRequest
from .scrubber import Reader, ScrubbedAccessMachine

__all__ = ["Scratchpad"]


class Scratchpad(wiring.Component):
    """A RAM with one read and one write port, shared between the data path, the host and the fill pass.

    ::

        host_read ---------> register --.
        read ---------------------------+--> [address compare] --> register --> RAM --> register --> register --> data
        write, host_write --> register -+------------------------> register --> RAM
        fill --> register --> register -'

    Latency: ``data`` four cycles after ``read`` (a register at the RAM's pins, the RAM's own cycle and two for error
    decoding), five after ``host_read``; one request a cycle. What is written is in the RAM three cycles after it was
    asked for, by ``fill`` four: a later request of the host sees it, and a ``read`` two cycles later. A read of the row
    that is written in the same cycle is dropped and ``collision`` is high in the next: the RAM's ports never meet, so
    the technology's collision behaviour doesn't matter. The host never reads and writes one row in one cycle; the data
    path, in which regions are disjoint, counts a collision as an error. In a slot the sequencer steals, no read is
    requested.

    With protection each bank holds a codeword of :class:`~vanallen.rtl.ecc.secded.Secded`, with its row folded in. What
    a single flip has changed in it arrives corrected, and the scrubber puts it right in the RAM. The requests come from
    three copies of what asks; so are the registers at the address and enable pins, whose majority the pins get.

    Parameters
    ----------
    rows, banks, bank_bits : int
        Rows of the RAM; a row is ``banks`` codewords of ``bank_bits`` data bits.
    writable : bool
        Whether the data path writes it too.
    protected : bool
        With codes, scrubber and three copies of control.

    Members
    -------
    read, host_read : In(ReadRequest), one a copy
        ``read`` goes first.
    write, host_write : In(WriteRequest), one a copy
        The caller never uses both in one cycle.
    write_data, host_data : In
        The row that ``write`` of a cycle ago writes, and the word that ``host_write`` of a cycle ago writes to its
        banks.
    write_parity : In
        With protection: the parity of each byte of ``write_data``.
    unsound : In, a bit a copy
        With protection: what ``write`` asks for is not to be written.
    blocked, stray : In, a bit a copy
        With protection: what ``write``, what ``host_write`` asked for in the last cycle is not to be written after all.
    fill : In, a bit a copy
        Writes ``host_data`` of two cycles later to every bank, before everything else: a row a cycle, every row in as
        many cycles as there are rows.
    data, parity : Out
        The row read, and with protection the parity of each of its bytes.
    collision : Out, a bit a copy
        A read was dropped a cycle ago.
    wrong : Out, a bit a copy
        With protection: the row that arrived for ``read`` a cycle ago has a bank that can't be corrected, or a word
        that was written then disagreed with its parity.
    failed : Out(1)
        With protection: the row that arrives for ``host_read`` has a bank that can't be corrected.
    corrected, uncorrectable : Out(1), and row : Out
        With protection, for the host to know: a word that arrived a cycle ago, for whomever, had one wrong bit, or
        more; and its row.
    inject : In(2), injected : Out(1)
        With protection: flips the two lowest bits of the next word that ``read`` gets, as they leave the RAM.
    differs : Out(1)
        With protection: a copy of the control was struck and is being put right.

    Raises
    ------
    ValueError
        If ``rows`` is no power of two: filling goes round.
    """

    latency = timing.MEMORY
    host_latency = timing.MEMORY + 1

    def __init__(self, *, rows: int, banks: int, bank_bits: int, writable: bool = True, protected: bool = False):
        if rows & (rows - 1):
            raise ValueError(f"rows must be a power of two, not {rows!r}")
        self.rows, self.banks, self.bank_bits = rows, banks, bank_bits
        self.writable, self.protected = writable, protected
        self.copies = copies = 3 if protected else 1
        self.address_bits = (rows - 1).bit_length()
        machine = ScrubbedAccessMachine if protected else AccessMachine
        self.access = replicate(machine(rows=rows, banks=banks), copies)
        members = {
            "read": In(ReadRequest(rows)).array(copies),
            "host_read": In(ReadRequest(rows)).array(copies),
            "host_write": In(WriteRequest(rows, banks)).array(copies),
            "host_data": In(bank_bits),
            "fill": In(copies),
            "data": Out(banks * bank_bits),
            "collision": Out(copies),
        }
        if writable:
            members |= {"write": In(WriteRequest(rows, banks)).array(copies), "write_data": In(banks * bank_bits)}
        if protected:
            self.code = Secded(data_bits=bank_bits, address_bits=self.address_bits)
            members |= {"parity": Out(banks * bank_bits // 8), "wrong": Out(copies), "failed": Out(1),
                        "corrected": Out(1), "uncorrectable": Out(1), "row": Out(self.address_bits),
                        "differs": Out(1), "inject": In(2), "injected": Out(1), "stray": In(copies)}  # fmt: skip
        if protected and writable:
            members |= {"write_parity": In(banks * bank_bits // 8), "unsound": In(copies), "blocked": In(copies)}
        self.stored_bits = bank_bits + (self.code.check_bits if protected else 0)
        super().__init__(members)

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.ram = self.ram = ram = Memory(shape=self.banks * self.stored_bits, depth=self.rows, init=[])
        m.submodules.access = access = self.access
        self._requests(m, access)
        write, read = ram.write_port(granularity=self.stored_bits), ram.read_port()

        def pins(name: str) -> Value:
            return agreed(getattr(copy, name) for copy in access.copies)

        m.d.comb += [
            read.en.eq(pins("reads")), read.addr.eq(pins("read_address")),
            write.en.eq(pins("writes")), write.addr.eq(pins("write_address")),
        ]  # fmt: skip
        if self.protected:
            corrected = self._decode(m, access, read)
            m.d.comb += write.data.eq(self._encode(m, access, corrected))
        else:
            decoded = Signal.like(self.data, reset_less=True)
            corrected = Signal.like(self.data, reset_less=True)
            written = Signal.like(self.data, reset_less=True)
            own = self.write_data if self.writable else 0
            m.d.sync += [decoded.eq(read.data), corrected.eq(decoded),
                         written.eq(Mux(pins("served"), self.host_data.replicate(self.banks), own))]  # fmt: skip
            m.d.comb += [self.data.eq(corrected), write.data.eq(written)]
        return m

    def _requests(self, m: Module, access: wiring.Component) -> None:
        """From copy to copy."""
        for index, copy in enumerate(access.copies):
            m.d.comb += [
                copy.read.eq(self.read[index].enable), copy.read_row.eq(self.read[index].address),
                copy.host_read.eq(self.host_read[index].enable), copy.host_read_row.eq(self.host_read[index].address),
                copy.fill.eq(self.fill[index]),
                copy.host_write.eq(self.host_write[index].enable),
                copy.host_write_row.eq(self.host_write[index].address),
                self.collision[index].eq(copy.collision),
            ]  # fmt: skip
            if self.writable:
                m.d.comb += [copy.write.eq(self.write[index].enable), copy.write_row.eq(self.write[index].address)]
            if self.writable and self.protected:
                m.d.comb += [copy.unsound.eq(self.unsound[index]), copy.blocked.eq(self.blocked[index])]
            if self.protected:
                m.d.comb += copy.stray.eq(self.stray[index])

    def _decode(self, m: Module, access: wiring.Component, read: Any) -> list[Value]:
        """A decoder a bank; it takes the place of the two registers of an unprotected memory. Corrected codewords."""
        rows = [Signal(self.address_bits, name=f"row_{stage}", reset_less=True) for stage in range(4)]
        m.d.sync += [rows[0].eq(read.addr), *(later.eq(earlier) for earlier, later in pairwise(rows))]
        corrected, uncorrectable = (Signal(self.banks, name=f"{name}_banks") for name in ("corrected", "uncorrectable"))
        arriving = agreed(copy.arriving for copy in access.copies)
        flips = Signal(2, reset_less=True)  # behind a RAM there is no time to decide
        stored = read.data ^ flips
        m.d.sync += flips.eq(self.inject & arriving.replicate(2))
        m.d.comb += self.injected.eq(arriving & self.inject.any())
        size = self.bank_bits
        codewords: list[Value] = []
        for bank in range(self.banks):
            m.submodules[f"decoder_{bank}"] = decoder = Decoder(code=self.code)
            m.d.comb += [
                decoder.word.eq(stored.word_select(bank, self.stored_bits)), decoder.address.eq(rows[0]),
                self.data.word_select(bank, size).eq(decoder.data),
                self.parity.word_select(bank, size // 8).eq(decoder.parity),
                corrected[bank].eq(decoder.corrected), uncorrectable[bank].eq(decoder.uncorrectable),
            ]  # fmt: skip
            codewords.append(Cat(decoder.data, decoder.check))
        written_wrong = self._check_written(m, access) if self.writable else 0
        reader = agreed(copy.reader for copy in access.copies)
        someone = reader != Reader.NOBODY
        told = [Signal(name=f"{name}_word", reset_less=True) for name in ("corrected", "uncorrectable")]
        m.d.sync += [word.eq(someone & found.any())
                     for word, found in zip(told, (corrected, uncorrectable), strict=True)]  # fmt: skip
        m.d.comb += [
            *(copy.corrected.eq(corrected) for copy in access.copies),
            *(copy.uncorrectable.eq(uncorrectable.any()) for copy in access.copies),
            *(wrong.eq(copy.wrong | written_wrong) for wrong, copy in zip(self.wrong, access.copies, strict=True)),
            self.corrected.eq(told[0]), self.uncorrectable.eq(told[1]),
            self.row.eq(rows[-1]), self.differs.eq(access.differs),
            self.failed.eq(uncorrectable.any() & (reader == Reader.HOST)),
        ]  # fmt: skip
        return codewords

    def _encode(self, m: Module, access: wiring.Component, corrected: list[Value]) -> Value:
        """The registers at the RAM's data pins: a codeword a bank, or one for all banks if only the host writes. What
        the scrubber writes back are ``corrected`` codewords as they are, never encoded anew: a fault on their way is a
        wrong bit in the RAM, not another valid word."""
        served, restores = (agreed(getattr(copy, name) for copy in access.copies) for name in ("served", "restores"))
        address = agreed(copy.next_address for copy in access.copies)
        if self.writable:
            written = [Mux(served, self.host_data, self.write_data.word_select(bank, self.bank_bits))
                       for bank in range(self.banks)]  # fmt: skip
        else:
            written = [self.host_data]
            chosen = agreed(copy.restored for copy in access.copies)
            corrected = [reduce(or_, (word & chosen[bank].replicate(len(word)) for bank, word in enumerate(corrected)))]
        codewords = []
        for bank, (word, right) in enumerate(zip(written, corrected, strict=True)):
            m.submodules[f"encoder_{bank}"] = encoder = Encoder(code=self.code)
            m.d.comb += [encoder.data.eq(word), encoder.address.eq(address)]
            codeword = Signal(self.stored_bits, name=f"codeword_{bank}", reset_less=True)
            m.d.sync += codeword.eq(Mux(restores, right, Cat(encoder.data, encoder.check)))
            codewords.append(codeword)
        return Cat(codewords) if self.writable else codewords[0].replicate(self.banks)

    def _check_written(self, m: Module, access: wiring.Component) -> Signal:
        """Whether what the data path wrote a cycle ago had another parity than came with it."""
        wrong = Signal(name="written_wrong", reset_less=True)
        parity = Cat(self.write_data.word_select(byte, 8).xor() for byte in range(len(self.write_parity)))
        m.d.sync += wrong.eq(agreed(copy.writing for copy in access.copies) & (parity != self.write_parity))
        return wrong
