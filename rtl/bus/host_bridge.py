"""From the AXI4-Lite port to memories and registers."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.config import Config
from vanallen.rtl.control.machine import replicate
from vanallen.rtl.control.voter import agreed
from vanallen.rtl.memory.access import ReadRequest, WriteRequest
from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.rtl.registers import Window, window_banks, window_rows
from vanallen.rtl.transfers import CHECKSUM_BITS

from .axi_lite import OKAY, SLVERR, AxiLitePort, ReadChannelMachine, ResponseQueue, WriteChannelMachine
from .host_decode import MEMORIES, WINDOW_BITS, WORD_ADDRESS_BITS, HostDecode, bank_bits
from .pair_queue import PairQueue
from .read_address import ReadAddress
from .transfer_checksum import TransferChecksum

__all__ = ["MEMORIES", "HostBridge"]


class HostBridge(wiring.Component):
    """Decodes the host's reads and writes; one of each a cycle, back to back.

    Latency: a write executes one cycle after it is accepted and is answered two cycles later; a read's word is there
    seven cycles after its address. A write to a RAM waits while that RAM is read, so that no row is asked for both ways
    at once: for two cycles at most, as no read is accepted in the cycle after one in which it waits. SLVERR, and
    nothing done: an address with nothing behind it, the wrong direction, a write of part of a word, RAM access, a start
    or a new steal interval unless ``idle``.

    With protection the machines that count are there three times, and what they ask for comes from each copy; what is
    common to the copies comes from the queues of the writes, under parity, or from the addresses of reads. After any
    single flip every access is answered, once and in its turn; a write whose address or word was hit is answered SLVERR
    and not done, or ``written`` differs; a read of a memory gives its word, SLVERR, or ``read_back`` differs; a read of
    a register may give another value.

    Members
    -------
    port : In(AxiLitePort)
    idle : In, a bit a copy
    <name>_read, <name>_write : Out(ReadRequest), Out(WriteRequest), one a copy
        For each RAM.
    word : Out(64)
        One cycle after ``<name>_write``: the word for the bank that it names. Zero during and after ``fill``.
    fill : In(1)
    <name>_data : In
        The row that was read, ``Scratchpad.host_latency`` cycles after it was asked for.
    <name>_parity : In, <name>_failed : In(1)
        With protection, beside ``<name>_data``: the parity of its bytes, and whether it can't be corrected. The host
        gets SLVERR for a word that can't be corrected, or disagrees with its parity on its way here.
    stray : Out, a bit a copy
        With protection, a cycle after ``<name>_write``: it is not to be done after all, for it was struck.
    register_write : Out, a bit a copy
        Writes ``register_word`` to ``register_address`` in this cycle, if it is ``register_good`` in the next, and if
        there is a register that can be written: who has it knows its address.
    read_address : Out(12)
        Register that is read, whose ``register_value`` is due in the same cycle.
    log_address : Out(6)
        Row of the cycle log, ``Scratchpad.latency`` cycles earlier.
    refused : Out(1)
        With protection: a write of the cycle before is not done, since what was queued of it was struck.
    written, read_back : Out(32)
        With protection: checksums of what was written to memories and read from them (:mod:`vanallen.rtl.transfers`);
        ``clear_written``, ``clear_read_back`` clear them.
    inject : In(1), injected : Out(1)
        With protection: flips a bit of the next word that the host writes, and says so a cycle later.
    differs : Out(1)
        With protection: a copy was struck and is being put right.
    """

    def __init__(self, *, config: Config):
        self.config = config
        self.copies = copies = config.copies
        self.write_channel = replicate(WriteChannelMachine(), copies)
        self.read_channel = replicate(ReadChannelMachine(latency=Scratchpad.host_latency), copies)
        self.addresses = PairQueue(bits=WORD_ADDRESS_BITS, protected=config.protected)
        self.words = PairQueue(bits=64 + 1, protected=config.protected)
        self.reads = ReadAddress(latency=Scratchpad.host_latency, protected=config.protected)
        self.write_decode, self.read_decode = HostDecode(config=config), HostDecode(config=config)
        self.queue = ResponseQueue(depth=ReadChannelMachine.depth)
        members = {
            "port": In(AxiLitePort()), "idle": In(copies),
            "register_write": Out(copies), "register_good": Out(copies),
            "register_address": Out(12), "register_word": Out(64),
            "read_address": Out(12), "register_value": In(64), "log_address": Out(6),
            "word": Out(64), "fill": In(1),
        }  # fmt: skip
        for window in MEMORIES:
            name, rows, (banks, bits) = window.name.lower(), window_rows(config, window), window_banks(config, window)
            members |= {
                f"{name}_read": Out(ReadRequest(rows)).array(copies),
                f"{name}_write": Out(WriteRequest(rows, banks)).array(copies),
                f"{name}_data": In(banks * bits),
            }
            if config.protected:
                members |= {f"{name}_failed": In(1), f"{name}_parity": In(banks * bits // 8)}
        if config.protected:
            members |= {"stray": Out(copies), "refused": Out(1), "differs": Out(1), "inject": In(1), "injected": Out(1)}
            for name in ("written", "read_back"):
                members |= {name: Out(CHECKSUM_BITS), f"clear_{name}": In(1)}
        super().__init__(members)

    def elaborate(self, platform) -> Module:
        m = Module()
        for name in ("write_channel", "read_channel", "addresses", "words", "reads", "write_decode", "read_decode",
                     "queue"):  # fmt: skip
            m.submodules[name] = getattr(self, name)
        self._handshakes(m)
        self._queues(m)
        self._writes(m)
        self._reads(m)
        self._collect(m)
        return m

    def _handshakes(self, m: Module) -> None:
        """Each copy sees the manager's side; the manager sees what they agree on."""
        for channel, asked, answered in (
            (self.write_channel, ("awvalid", "wvalid", "bready"), ("awready", "wready", "bvalid", "bresp")),
            (self.read_channel, ("arvalid", "rready"), ("arready", "rvalid")),
        ):
            for copy in channel.copies:
                m.d.comb += [getattr(copy, name).eq(getattr(self.port, name)) for name in asked]
            m.d.comb += [getattr(self.port, name).eq(_agreed(channel, name)) for name in answered]

    def _queues(self, m: Module) -> None:
        """Addresses and words: data, moved by what the copies agree on."""
        write, read, port = self.write_channel, self.read_channel, self.port
        m.d.comb += [
            self.addresses.value.eq(port.awaddr[3:]), self.addresses.place.eq(_agreed(write, "address_place")),
            self.words.value.eq(Cat(port.wdata, port.wstrb.all())), self.words.place.eq(_agreed(write, "word_place")),
            self.addresses.shift.eq(_agreed(write, "request")), self.words.shift.eq(_agreed(write, "request")),
            self.write_decode.address.eq(self.addresses.first),
            self.reads.i.eq(port.araddr[3:]), self.read_decode.address.eq(self.reads.address),
            self.queue.push.eq(_agreed(read, "collect")), self.queue.slot.eq(_agreed(read, "slot")),
            self.queue.head.eq(_agreed(read, "head")),
            port.rdata.eq(self.queue.word), port.rresp.eq(Mux(self.queue.error, SLVERR, OKAY)),
        ]  # fmt: skip

    def _writes(self, m: Module) -> None:
        """What may be done is decided in the cycle of the request; that what was queued is sound, too: both meet behind
        registers, for the parity of a word and the decoding of an address are a cycle each."""
        decode, address, whole = self.write_decode, self.addresses.first, self.words.first[64]
        sound = self.addresses.sound & self.words.sound if self.config.protected else Const(1)
        word = Signal(64, reset_less=True)
        m.d.sync += word.eq(Mux(self.fill, 0, self.words.first))
        m.d.comb += [
            self.register_address.eq(Cat(Const(0, 3), address)), self.register_word.eq(self.words.first),
            self.word.eq(word),
        ]  # fmt: skip
        for index, (write, idle) in enumerate(zip(self.write_channel.copies, self.idle, strict=True)):
            m.d.comb += [
                write.to_register.eq(whole & decode.writable & (idle | ~decode.waits)),
                write.to_memory.eq(whole & decode.memory & idle),
                write.sound.eq(sound),
                self.register_write[index].eq(write.request & whole & decode.in_registers & (idle | ~decode.waits)),
                self.register_good[index].eq(write.good),
            ]
            for window in MEMORIES:
                target, banks, row = self._target(window, "write", index)
                m.d.comb += [
                    target.enable.eq(banks & (write.request & whole & idle).replicate(len(banks))),
                    target.address.eq(row),
                ]
        if self.config.protected:
            hit = Signal(reset_less=True)
            hits = self.inject & ~hit
            m.d.comb += [
                *(stray.eq(write.stray) for stray, write in zip(self.stray, self.write_channel.copies, strict=True)),
                self.refused.eq(_agreed(self.write_channel, "struck")),
                self.differs.eq(self.write_channel.differs | self.read_channel.differs),
                self.words.inject.eq(hits), self.injected.eq(hit),
            ]  # fmt: skip
            m.d.sync += hit.eq(hits & self.port.wvalid & self.port.wready)
            self._sum_written(m)

    def _reads(self, m: Module) -> None:
        decode, reads = self.read_decode, self.reads
        coming, second, first = (
            self._same_ram(address) for address in (self.port.awaddr[3:], self.addresses.second, self.addresses.first)
        )
        copies = zip(self.read_channel.copies, self.write_channel.copies, self.idle, strict=True)
        for index, (read, write, idle) in enumerate(copies):
            meets = Mux(write.address_place[0], coming, Mux(write.request, second, first))
            m.d.comb += [read.meets.eq(meets), write.hold.eq(read.holds), read.pause.eq(write.due & read.holds)]
            for window in MEMORIES:
                target, banks, row = self._target(window, "read", index)
                m.d.comb += [target.enable.eq(read.request & banks.any() & idle), target.address.eq(row)]
        m.d.comb += [
            reads.refused.eq(~(decode.readable | (decode.memory & agreed(self.idle)))),
            self.log_address.eq(reads.address),
            self.read_address.eq(Cat(Const(0, 3), reads.next_place)),
        ]

    def _same_ram(self, address: Value) -> Value:
        """Whether ``address`` and that of the next read are of one RAM. Rows are not compared: that takes too long."""
        window = address[-WINDOW_BITS:]
        same: Value = (window != Window.REGISTERS) & (window == self.reads.i[-WINDOW_BITS:])
        return same

    def _target(self, window: Window, direction: str, index: int) -> tuple[wiring.PureInterface, Value, Value]:
        """The request of copy ``index`` to a RAM, and what is decoded for it: bank, row."""
        name, decode = window.name.lower(), getattr(self, f"{direction}_decode")
        target = getattr(self, f"{name}_{direction}")[index]
        return target, getattr(decode, f"{name}_banks"), getattr(decode, f"{name}_row")

    def _collect(self, m: Module) -> None:
        """The word that was asked for, out of all that arrive; a cycle later it is judged."""
        reads = self.reads
        register_value = Signal(64, reset_less=True)
        m.d.sync += register_value.eq(self.register_value)
        at_register = self._if_next(m, "register", reads.next_window == Window.REGISTERS)
        words, parities, failures, chosens = [register_value & at_register.replicate(64)], [], [], []
        for window in MEMORIES:
            name, low = window.name.lower(), bank_bits(self.config, window)
            banks, bits = window_banks(self.config, window)
            row, at_window = getattr(self, f"{name}_data"), reads.next_window == window
            for bank in range(banks):
                chosen = self._if_next(m, f"{name}_{bank}", at_window & (reads.next_place[:low] == bank))
                chosens.append(chosen)
                words.append(row.word_select(bank, bits) & chosen.replicate(bits))
                if self.config.protected:
                    parity = getattr(self, f"{name}_parity").word_select(bank, bits // 8)
                    parities.append(parity & chosen.replicate(bits // 8))
                    failures.append(getattr(self, f"{name}_failed") & chosen)
        word = Signal(64, name="collected", reset_less=True)
        m.d.sync += word.eq(reduce(or_, words))
        if self.config.protected:
            from_memory = Cat(chosens).any()
            wrong = self._judge(
                m, word, from_memory,
                error=reads.error | ~Cat(at_register, *chosens).xor(),  # exactly one source, or none with an error
                failed=reduce(or_, failures), parity=reduce(or_, parities),
            )  # fmt: skip
        else:
            wrong = Signal(name="collected_error", reset_less=True)
            m.d.sync += wrong.eq(reads.error)
        m.d.comb += [self.queue.word_in.eq(word), self.queue.error_in.eq(wrong)]

    def _judge(self, m: Module, word: Signal, from_memory: Value, **found: Value) -> Value:
        """Whether the ``word`` that was collected is wrong, by what was ``found`` beside it."""
        held = {name: Signal(len(value), name=f"collected_{name}", reset_less=True) for name, value in found.items()}
        m.d.sync += [held[name].eq(value) for name, value in found.items()]
        memory = Signal(name="from_memory", reset_less=True)
        m.d.sync += memory.eq(from_memory)
        odd = Cat(word.word_select(byte, 8).xor() for byte in range(8)) ^ held["parity"]
        wrong = Signal(name="wrong")
        m.d.comb += wrong.eq(held["error"] | held["failed"] | (memory & odd.any()))
        self._sum_read(m, word, memory, wrong)
        return wrong

    def _sum_written(self, m: Module) -> None:
        """Of the word and address that a memory takes in this cycle."""
        m.submodules.written_checksum = total = TransferChecksum()
        address = Signal(WORD_ADDRESS_BITS, name="stored_address", reset_less=True)
        m.d.sync += address.eq(self.addresses.first)
        m.d.comb += [
            total.enable.eq(_agreed(self.write_channel, "stored")), total.word.eq(self.word), total.address.eq(address),
            total.clear.eq(self.clear_written), self.written.eq(total.value),
        ]  # fmt: skip

    def _sum_read(self, m: Module, word: Value, from_memory: Value, wrong: Value) -> None:
        """Of the word that the host gets from a memory, and whether with SLVERR."""
        m.submodules.read_checksum = total = TransferChecksum()
        arrived = Signal(name="arrived")
        m.d.sync += arrived.eq(_agreed(self.read_channel, "collect"))
        m.d.comb += [
            total.enable.eq(arrived & from_memory), total.word.eq(word), total.address.eq(wrong),
            total.clear.eq(self.clear_read_back), self.read_back.eq(total.value),
        ]  # fmt: skip

    def _if_next(self, m: Module, source: str, applies: Value) -> Value:
        """Whether the request that is collected is one to which ``applies`` was true a cycle before, and is no error.

        A register for each source: the words come from all over the chip, and nothing else may be left to decide.
        """
        chosen = Signal(name=f"chosen_{source}", reset_less=True)
        m.d.sync += chosen.eq(applies & ~self.reads.next_error)
        return chosen


def _agreed(channel: wiring.Component, name: str) -> Value:
    """What the copies of a channel's machine agree on."""
    return agreed(getattr(copy, name) for copy in channel.copies)
