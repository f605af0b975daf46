"""Receives a command: takes it apart, checks it, keeps its data."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from vanallen.rtl.registers import ADDRESS_BITS

from .crc import next_crc
from .layouts import COMMAND, PREFIX, SYMBOL
from .rmap import DATA_LIMIT, KEY, PROTOCOL, READ_MODIFY_WRITE, TARGET_ADDRESS, USED_CODES, Instruction, Status

__all__ = ["CommandReceiver", "header_status"]


def _has(instruction: Value, bit: Instruction) -> Value:
    return (instruction & bit.value) != 0


def header_status(prefix: Value, command: Value) -> Value:
    """The status of a sound header: the first that applies of unused code, wrong target, wrong key, data longer than
    the buffer to verify them in, and what isn't authorised (lengths and addresses that the bus hasn't)."""
    instruction, length, address = prefix.instruction, command.length, command.address
    code = instruction[2:6]
    used = Cat(code == value for value in (*USED_CODES, READ_MODIFY_WRITE)).any()
    end = address[:ADDRESS_BITS] + length[:9]
    inside = (command.extended == 0) & (address[ADDRESS_BITS:] == 0) & (end <= 1 << ADDRESS_BITS)
    whole = (length[:3] == 0) & (address[:3] == 0)
    long = length > DATA_LIMIT
    verified = _has(instruction, Instruction.WRITE) & _has(instruction, Instruction.VERIFY)
    checks = (
        (_has(instruction, Instruction.RESERVED) | ~used, Status.UNUSED_CODE),
        (prefix.target != TARGET_ADDRESS, Status.INVALID_TARGET),
        (prefix.key != KEY, Status.INVALID_KEY),
        (verified & long, Status.VERIFY_OVERRUN),
        ((code == READ_MODIFY_WRITE) | long | ~whole | ~inside, Status.NOT_AUTHORISED),
    )
    status: Value = Const(Status.SUCCESS, 8)
    for condition, value in reversed(checks):
        status = Mux(condition, Const(value, 8), status)
    return status


class CommandReceiver(wiring.Component):
    """Takes packets, one at a time, and gives a verdict on each.

    ``done`` is high from the end of a packet until ``next``; it then takes the next packet. ``discard`` says that
    nothing may come of the packet: no command, or a bad header. Else ``prefix`` and ``command`` hold its header and
    ``status`` what its reply says, unless the command fails. Data of a write leave through ``store`` as they arrive,
    word ``index`` of the buffer, little-endian; they count only if the status is success. ``path_count`` bytes of reply
    address, without leading zeros, are read by ``path_index`` as ``path_byte`` in the same cycle.

    Throughput: a byte a cycle. Latency: verdict two cycles after the end.
    """

    i: In(stream.Signature(SYMBOL))
    done: Out(1)
    next: In(1)
    discard: Out(1)
    status: Out(8)
    prefix: Out(PREFIX)
    command: Out(COMMAND)
    store: Out(1)
    index: Out(5)
    word: Out(64)
    path_count: Out(4)
    path_index: In(4)
    path_byte: Out(8)

    def elaborate(self, platform) -> Module:
        m = Module()
        self._crc, self._left = Signal(8), Signal(25, init=3)
        self._lane, self._full, self._long, self._broken = Signal(3), Signal(), Signal(), Signal()
        take, data = self.i.valid & self.i.ready & ~self.i.payload.end, self.i.payload.data
        with m.If(take):
            m.d.sync += self._crc.eq(next_crc(self._crc, data))
        with m.FSM():
            with m.State("PREFIX"):
                self._prefix(m, take, data)
            with m.State("PATH"):
                self._path(m, take, data)
            with m.State("REST"):
                self._rest(m, take, data)
            with m.State("CHECK"):
                self._check(m)
            with m.State("DATA"):
                self._data(m, take, data)
            with m.State("VERDICT"):
                self._verdict(m)
            with m.State("DONE"):
                m.d.comb += self.done.eq(1)
                with m.If(self.next):
                    m.d.sync += [self._crc.eq(0), self._left.eq(3), self.path_count.eq(0)]
                    m.next = "PREFIX"
        self._path_memory(m, take, data)
        return m

    def _header_byte(self, m: Module) -> None:
        """Takes a byte of the header; a packet that ends here has no whole header."""
        m.d.comb += self.i.ready.eq(1)
        with m.If(self.i.valid & self.i.payload.end):
            m.d.sync += self.discard.eq(1)
            m.next = "DONE"

    def _prefix(self, m: Module, take: Value, data: Value) -> None:
        self._header_byte(m)
        with m.If(take):
            m.d.sync += [self.prefix.eq(Cat(data, self.prefix.as_value())), self._left.eq(self._left - 1)]
            with m.If(self._left == 0):
                # the byte before this one, the instruction, is still the lowest
                words = self.prefix.as_value()[:2]
                m.d.sync += self._left.eq(Mux(words == 0, 11, 4 * words - 1))
                m.next = "REST"
                with m.If(words != 0):
                    m.next = "PATH"

    def _path(self, m: Module, take: Value, data: Value) -> None:
        self._header_byte(m)
        with m.If(take):
            m.d.sync += self._left.eq(self._left - 1)
            with m.If((self.path_count != 0) | (data != 0)):
                m.d.sync += self.path_count.eq(self.path_count + 1)
            with m.If(self._left == 0):
                m.d.sync += self._left.eq(11)
                m.next = "REST"

    def _path_memory(self, m: Module, take: Value, data: Value) -> None:
        """The reply address is written where the next byte of it would go, whatever byte comes."""
        m.submodules.path = path = Memory(shape=8, depth=16, init=[])
        write, read = path.write_port(), path.read_port(domain="comb")
        m.d.comb += [
            write.addr.eq(self.path_count), write.data.eq(data), write.en.eq(take),
            read.addr.eq(self.path_index), self.path_byte.eq(read.data),
        ]  # fmt: skip

    def _rest(self, m: Module, take: Value, data: Value) -> None:
        self._header_byte(m)
        with m.If(take):
            m.d.sync += self._left.eq(self._left - 1)
            with m.If(self._left == 0):
                m.next = "CHECK"
            with m.Else():
                m.d.sync += self.command.eq(Cat(data, self.command.as_value()))

    def _check(self, m: Module) -> None:
        is_command = _has(self.prefix.instruction, Instruction.COMMAND)
        is_write = _has(self.prefix.instruction, Instruction.WRITE)
        m.d.sync += [
            self.discard.eq((self._crc != 0) | (self.prefix.protocol != PROTOCOL) | ~is_command),
            self.status.eq(header_status(self.prefix, self.command)),
            self._left.eq(Mux(is_write, self.command.length + 1, 0)),
            self._long.eq(0), self._crc.eq(0), self.index.eq(0), self._lane.eq(0),
        ]  # fmt: skip
        m.next = "DATA"

    def _data(self, m: Module, take: Value, data: Value) -> None:
        m.d.comb += [self.i.ready.eq(1), self.store.eq(self._full)]
        m.d.sync += self._full.eq(0)
        with m.If(self._full):
            m.d.sync += self.index.eq(self.index + 1)
        with m.If(take):
            m.d.sync += [
                self.word.eq(Cat(self.word[8:], data)), self._lane.eq(self._lane + 1), self._full.eq(self._lane == 7),
            ]  # fmt: skip
            with m.If(self._left == 0):
                m.d.sync += self._long.eq(1)
            with m.Else():
                m.d.sync += self._left.eq(self._left - 1)
        with m.If(self.i.valid & self.i.payload.end):
            m.d.sync += self._broken.eq(self.i.payload.error)
            m.next = "VERDICT"

    def _verdict(self, m: Module) -> None:
        is_write = _has(self.prefix.instruction, Instruction.WRITE)
        with m.If(self.status == Status.SUCCESS):
            with m.If(self._broken):
                m.d.sync += self.status.eq(Status.ERROR_END)
            with m.Elif(self._left != 0):
                m.d.sync += self.status.eq(Status.EARLY_END)
            with m.Elif(self._long):
                m.d.sync += self.status.eq(Status.TOO_MUCH_DATA)
            with m.Elif(is_write & (self._crc != 0)):
                m.d.sync += self.status.eq(Status.INVALID_DATA_CRC)
        m.next = "DONE"
