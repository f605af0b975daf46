"""The queues of the AXI4-Lite subordinate: first in, first out, nothing lost, nothing twice, nothing changed."""

from __future__ import annotations

from amaranth.asserts import AnySeq
from amaranth.hdl import Cat, Const, Module, Mux, ResetSignal, Signal, Value, ValueLike

from vanallen.rtl.bus.axi_lite import ReadChannelMachine, WriteChannelMachine
from vanallen.rtl.bus.host_decode import MEMORIES, PLACE_BITS, WINDOW_BITS
from vanallen.rtl.bus.read_address import ReadAddress
from vanallen.rtl.control.voter import agreed
from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.rtl.registers import Window, window_banks

from .bridge import BridgeSpecification, distance, number, ones
from .specification import always, history

__all__ = ["ReadQueue", "WriteQueues"]


class _Watched(BridgeSpecification):
    """A bridge in which the transactions of one number, any, are watched; chosen while the reset is high."""

    def specify(self, m: Module) -> None:
        super().specify(m)
        self.watched = Signal.like(number("watched"), reset_less=True)
        with m.If(ResetSignal()):
            m.d.sync += self.watched.eq(AnySeq(len(self.watched)))

    def _noted(self, m: Module, name: str, value: ValueLike, when: Value) -> Signal:
        """``value`` as it was when the watched transaction had it."""
        noted = Signal(len(Value.cast(value)), name=f"noted_{name}", reset_less=True)
        with m.If(when):
            m.d.sync += noted.eq(value)
        return noted


class WriteQueues(_Watched):
    """The n-th write executes with the n-th address and the n-th word, and the n-th response is the answer to it.

    The order is the hosts': of addresses among themselves, of words among themselves. As many writes execute as
    addresses and words came, by the counters of :class:`BridgeSpecification`. With protection a write may be refused
    after a flip: then nothing is done, and it is answered with an error.
    """

    struck = ("addresses", "words")

    def specify(self, m: Module) -> None:
        super().specify(m)
        port, write, watched, bridge = self.bridge.port, self.write, self.watched, self.bridge
        addresses, words = ([held.entry_0, held.entry_1] for held in (self.addresses_held, self.words_held))
        entry = Cat(port.wdata, port.wstrb.all())
        address = self._noted(m, "address", port.awaddr[3:], port.awvalid & port.awready & (self.addresses == watched))
        word = self._noted(m, "word", entry, port.wvalid & port.wready & (self.words == watched))
        executes = self.execute & (self.executed == watched)
        struck = ~(bridge.addresses.sound & bridge.words.sound) if self.config.protected else Const(0)
        does = executes & ~struck
        always(m, "a write is struck only by a flip", ~(executes & struck) | self.spent)
        always(m, "a write executes with its address", ~does | (bridge.addresses.first == address))
        always(m, "a write executes with its word", ~does | (bridge.words.first == word))
        written = does & agreed(bridge.register_write)
        always(m, "a register is written at its address", ~written | (bridge.register_address[3:] == address[:9]))
        always(m, "a register is written with its word", ~written | (bridge.register_word == word[:64]))
        always(m, "a register is written by a whole word", ~written | word[64])
        done, filling = history(m, does, "done_before"), history(m, bridge.fill, "filling_before")
        always(m, "a memory gets its word a cycle later", ~done | filling | (bridge.word == word[:64]))
        always(m, "a memory that is filled gets zero a cycle later", ~filling | (bridge.word == 0))
        self._responses(m, executes, struck)
        for name, noted, count, held in (
            ("address", address, write.addresses, addresses), ("word", word, write.words, words),
        ):  # fmt: skip
            for place, entry in enumerate(held):
                # an odd number of bits differ after the one flip: it shows in the parity
                different = entry ^ (Cat(noted, noted.xor()) if self.config.protected else noted)
                here = self._at(self.executed, place) & (count > place)
                always(m, f"invariant: {name} {place}",
                       ~here | (different == 0) | (self.spent & different.xor()))  # fmt: skip

    def _at(self, first: Signal, place: ValueLike) -> Value:
        """Whether the watched transaction is ``place`` behind number ``first``."""
        return distance(self.watched, first) == place

    def _responses(self, m: Module, executes: Value, struck: Value) -> None:
        write, bridge, port = self.write, self.bridge, self.bridge.port
        to_register, to_memory = agreed(bridge.register_write) & bridge.write_decode.writable, Cat(
            self.asks(f"{name}_write", "enable").any() for name in ("command", "parameter", "weight", "activation")
        ).any()  # fmt: skip
        always(m, "nothing is done but by a write that executes", ~(to_register | to_memory) | self.execute)
        good = history(m, ~struck, "good_before")
        wrote, stored = history(m, to_register, "register_before"), history(m, to_memory, "memory_before")
        always(m, "a register is written unless the write was struck", ~wrote | (agreed(bridge.register_good) == good))
        if self.config.protected:
            refused = history(m, self.execute & struck, "refused_before")
            always(m, "a write that was struck is refused", bridge.refused == refused)
            always(m, "and goes to no memory", agreed(bridge.stray) == (stored & refused))
        done = self._noted(m, "done", (to_register | to_memory) & ~struck, executes)
        okay = (write.to_memory | write.to_register) & write.sound
        always(m, "invariant: what came of a write",
               ~(write.executed & self._at(self.answered, write.responses)) | (okay == done))  # fmt: skip
        answers = port.bvalid & (self.answered == self.watched)
        always(m, "a write is answered with an error exactly if it did nothing", ~answers | (port.bresp.any() != done))
        for place in range(WriteChannelMachine.depth):
            always(m, f"invariant: response {place}",
                   ~self._at(self.answered, place) | (write.responses <= place)
                   | (write.errors[place] != done))  # fmt: skip


class ReadQueue(_Watched):
    """The n-th read asks for the n-th address and is answered with the word and error that were collected for it, the
    bridge's latency after it was asked for. With protection it may be an error instead, after a flip."""

    struck = ("reads",)

    def specify(self, m: Module) -> None:
        super().specify(m)
        bridge, port, reads, watched = self.bridge, self.bridge.port, self.reads, self.watched
        address = self._noted(m, "address", port.araddr[3:], port.arvalid & port.arready & (self.asked == watched))
        issues = self.issue & (self.issued == watched)
        collects = self.collect & (self.collected == watched)
        refused = self._noted(m, "refused", bridge.reads.refused, issues)
        odd = Cat(reads.address, reads.address_parity).xor() if self.config.protected else Const(0)
        always(m, "a read asks for its address", ~issues | (reads.address == address) | (self.spent & odd))
        *_, last, _ = self._here()
        read_there = bridge.read_address[3:] == address[:PLACE_BITS]
        always(m, "a register is read at its address, or it is an error",
               ~last | read_there | (self.spent & bridge.reads.next_error))  # fmt: skip
        self._in_time(m, issues, collects)
        self._on_their_way(m, address, refused)
        self._sources(m, address, refused, collects)
        self._words(m, collects)

    def _here(self) -> list[Value]:
        """For each stage of the reads under way, the youngest first: whether it has the watched one."""
        flight = self.read.flight
        return [flight[stage] & (distance(self.watched, self.collected) == ones(flight[stage + 1 :]))
                for stage in range(len(flight))]  # fmt: skip

    def _on_their_way(self, m: Module, address: Value, refused: Value) -> None:
        """Each stage holds what it should, or shows that it doesn't: by its parity, or as an error."""
        expected = Cat(address[-WINDOW_BITS:], address[:PLACE_BITS], refused)  # as ReadAddress.flight
        *stages, end = self._here()
        for stage, here in enumerate(stages):
            flight = getattr(self.reads, f"flight_{stage}")
            different = Value.cast(flight) ^ expected
            shows = Const(0)
            if self.config.protected:
                parity = getattr(self.reads, f"parity_{stage}")
                different = Cat(different, parity ^ expected.xor())
                shows = Cat(flight, parity).xor() | ReadAddress.flight(flight).error
            always(m, f"invariant: address of flight {stage}", ~here | ~different.any() | (self.spent & shows))
        known = Cat(address[-WINDOW_BITS:] == window for window in (Window.REGISTERS, *MEMORIES)).any()
        always(m, "invariant: what isn't refused is somewhere",
               ~Cat(self._here()).any() | refused | known | self.spent)  # fmt: skip
        always(m, "invariant: error at the end", ~end | (self.reads.error == refused) | self.spent)

    def _sources(self, m: Module, address: Value, refused: Value, collects: Value) -> None:
        """Which word the bridge hands the queue, a cycle after it was collected: of the memory and bank at the address;
        zero where nothing may be read."""
        bridge = self.bridge
        handed, error, comes = bridge.queue.word_in, bridge.queue.error_in, history(m, collects, "collected_before")
        always(m, "nothing is read where nothing may be", ~comes | ~refused | (handed == 0))
        register_value = history(m, history(m, bridge.register_value, "register_before"), "register_before_that")
        at_register = comes & ~error & (address[-WINDOW_BITS:] == Window.REGISTERS)
        always(m, "word of a register", ~at_register | (handed == register_value))
        reasons = refused
        for window in MEMORIES:
            name, (banks, bits) = window.name.lower(), window_banks(self.config, window)
            bank_address = address.bit_select(0, (banks - 1).bit_length())
            for bank in range(banks):
                at_bank = (address[-WINDOW_BITS:] == window) & (bank_address == bank)
                here = comes & ~error & at_bank
                word = history(m, getattr(bridge, f"{name}_data").word_select(bank, bits), f"{name}_{bank}_before")
                always(m, f"word of {name} {bank}", ~here | (handed == word))
                if self.config.protected:
                    parity, failed = (
                        history(m, getattr(bridge, f"{name}_{what}"), f"{name}_{bank}_{what}_before")
                        for what in ("parity", "failed")
                    )
                    parity = parity.word_select(bank, bits // 8)
                    odd = Cat(word.word_select(byte, 8).xor() for byte in range(bits // 8)) ^ parity
                    wrong = failed | odd.any()
                    always(m, f"no word of {name} {bank} that failed or disagrees with its parity", ~here | ~wrong)
                    reasons |= at_bank & wrong
        always(m, "an error has a reason", ~comes | (error == reasons) | (self.spent & error))

    def _in_time(self, m: Module, issues: Value, collects: Value) -> None:
        late = Signal(Scratchpad.host_latency)
        m.d.sync += late.eq(Cat(issues, late[:-1]))
        always(m, "a read collects when its memory answers", late[-1] == collects)
        for stage, here in enumerate(self._here()):
            always(m, f"invariant: the watched read in flight {stage}", late[stage] == here)

    def _words(self, m: Module, collects: Value) -> None:
        port = self.bridge.port
        # what the bridge hands the queue: the word of the memory or register at the address collected
        handed = Cat(self.bridge.queue.word_in, self.bridge.queue.error_in)
        comes = history(m, collects, "comes")
        noted = self._noted(m, "word", handed, comes)
        answers = port.rvalid & (self.taken == self.watched)
        shown = Cat(port.rdata, port.rresp[1])
        always(m, "a read is answered with the word collected for it", ~answers | (shown == Mux(comes, handed, noted)))
        for slot in range(ReadChannelMachine.depth):
            place = distance(self.watched, self.taken)
            here = (place < self.stored) & ((self.read.taken + place)[:3] == slot)
            always(m, f"invariant: slot {slot}", ~here | comes | (getattr(self.queue, f"entry_{slot}") == noted))
