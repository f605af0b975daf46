"""Sends the reply to a command."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .crc import next_crc
from .layouts import COMMAND, PREFIX, SYMBOL
from .rmap import PROTOCOL, TARGET_ADDRESS, Instruction, Status

__all__ = ["ReplySender"]

_WRITE_HEADER, _READ_HEADER = 7, 11
"""Bytes of a reply from initiator address to header CRC, without it."""


class ReplySender(wiring.Component):
    """Makes a packet of the header of a command, its status, and the words of the buffer.

    ``start`` begins, ``done`` is high for one cycle at the end; all other inputs must stay until then. The reply to a
    read has ``words`` words of data where the status is success, else none; the buffer gives the word of ``index`` as
    ``buffered`` a cycle later.

    Throughput: a byte a cycle, two more cycles a word.
    """

    o: Out(stream.Signature(SYMBOL))
    start: In(1)
    done: Out(1)
    prefix: In(PREFIX)
    command: In(COMMAND)
    status: In(8)
    words: In(6)
    path_count: In(4)
    path_index: Out(4)
    path_byte: In(8)
    index: Out(5)
    buffered: In(64)

    def elaborate(self, platform) -> Module:
        m = Module()
        self._crc, self._position = Signal(8), Signal(4)
        self._word, self._left, self._lane = Signal(64), Signal(6), Signal(3)
        m.d.comb += self.path_index.eq(self._position)
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [self._position.eq(0), self._crc.eq(0), self.index.eq(0), self._left.eq(self._words())]
                with m.If(self.start):
                    m.next = "HEADER"
                    with m.If(self.path_count != 0):
                        m.next = "PATH"
            with m.State("PATH"):
                self._path(m)
            with m.State("HEADER"):
                self._header(m)
            with m.State("HEADER_CRC"):
                self._header_crc(m)
            with m.State("READ"):
                m.next = "LOAD"
            with m.State("LOAD"):
                m.d.sync += [self._word.eq(self.buffered), self._lane.eq(0)]
                m.next = "DATA"
            with m.State("DATA"):
                self._data(m)
            with m.State("DATA_CRC"), m.If(self._send(m, self._crc)):
                m.next = "END"
            with m.State("END"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.end.eq(1), self.done.eq(self.o.ready)]
                with m.If(self.o.ready):
                    m.next = "IDLE"
        return m

    def _is_write(self) -> Value:
        is_write: Value = (self.prefix.instruction & Instruction.WRITE.value) != 0
        return is_write

    def _words(self) -> Value:
        return Mux(self._is_write() | (self.status != Status.SUCCESS), 0, self.words)

    def _send(self, m: Module, byte: Value) -> Value:
        """Offers ``byte``; whether it is taken."""
        m.d.comb += [self.o.valid.eq(1), self.o.payload.data.eq(byte)]
        ready: Value = self.o.ready
        return ready

    def _path(self, m: Module) -> None:
        with m.If(self._send(m, self.path_byte)):
            m.d.sync += self._position.eq(self._position + 1)
            with m.If(self._position + 1 == self.path_count):
                m.d.sync += self._position.eq(0)
                m.next = "HEADER"

    def _header(self, m: Module) -> None:
        """The fields by position."""
        kept = 0xFF ^ (Instruction.RESERVED | Instruction.COMMAND).value
        command = self.command
        fields = Cat(
            command.initiator, Const(PROTOCOL, 8), self.prefix.instruction & kept, self.status,
            Const(TARGET_ADDRESS, 8), command.transaction[8:], command.transaction[:8],
            Const(0, 8), Const(0, 8), self._left[5], self._left[:5] << 3,
        )  # fmt: skip
        byte = fields.word_select(self._position, 8)
        last = Mux(self._is_write(), _WRITE_HEADER, _READ_HEADER) - 1
        with m.If(self._send(m, byte)):
            m.d.sync += [self._position.eq(self._position + 1), self._crc.eq(next_crc(self._crc, byte))]
            with m.If(self._position == last):
                m.next = "HEADER_CRC"

    def _header_crc(self, m: Module) -> None:
        with m.If(self._send(m, self._crc)):
            m.d.sync += self._crc.eq(0)
            with m.If(self._is_write()):
                m.next = "END"
            with m.Elif(self._left == 0):
                m.next = "DATA_CRC"
            with m.Else():
                m.next = "READ"

    def _data(self, m: Module) -> None:
        byte = self._word[:8]
        with m.If(self._send(m, byte)):
            m.d.sync += [
                self._word.eq(self._word >> 8), self._lane.eq(self._lane + 1), self._crc.eq(next_crc(self._crc, byte)),
            ]  # fmt: skip
            with m.If(self._lane == 7):
                m.d.sync += [self.index.eq(self.index + 1), self._left.eq(self._left - 1)]
                m.next = "READ"
                with m.If(self._left == 1):
                    m.next = "DATA_CRC"
