"""From the AXI4-Lite port to memories and registers."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.config import Config
from vanallen.rtl.control.machine import Control
from vanallen.rtl.memory.access import ReadRequest, WriteRequest
from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.rtl.registers import Window, register, window_banks, window_rows, window_stride

from .axi_lite import OKAY, SLVERR, AxiLitePort, ReadChannelMachine, ResponseQueue, WriteChannelMachine
from .register_file import readable, writable

__all__ = ["MEMORIES", "HostBridge"]

MEMORIES = (Window.COMMAND, Window.PARAMETER, Window.WEIGHT, Window.ACTIVATION)
"""The windows that are RAM in every build."""


class HostBridge(wiring.Component):
    """Decodes the host's reads and writes; one of each a cycle, back to back.

    Latency: a write executes one cycle after it is accepted and is answered in the next; a read's word is there seven
    cycles after its address. A write to a RAM waits while its row is read, so that no memory is asked for both at once,
    for two cycles at most: no read is accepted in the cycle after one in which it waits. SLVERR, and nothing done:
    an address with nothing behind it, the wrong direction, a write of part of a word, RAM access, a start or a new
    steal interval unless ``idle``.

    Members: ``port``; for each RAM ``<name>_read``, ``<name>_write``, ``<name>_data``; for the registers
    ``register_write``, ``register_address``, ``register_word``, and for reads ``read_address`` and, in the same cycle,
    ``register_value``; ``log_address`` reads the cycle log, ``Scratchpad.latency`` cycles earlier.
    """

    def __init__(self, *, config: Config):
        self.config = config
        # an address from this bit on: equal for one row of any memory
        self._row_bit = max(window_stride(config, window) for window in MEMORIES).bit_length() - 1
        members = {
            "port": In(AxiLitePort()), "idle": In(1),
            "register_write": Out(1), "register_address": Out(12), "register_word": Out(64),
            "read_address": Out(12), "register_value": In(64), "log_address": Out(6),
        }  # fmt: skip
        for window in MEMORIES:
            name, rows, (banks, bits) = window.name.lower(), window_rows(config, window), window_banks(config, window)
            members |= {
                f"{name}_read": Out(ReadRequest(rows)),
                f"{name}_write": Out(WriteRequest(rows, banks, bits)),
                f"{name}_data": In(banks * bits),
            }
        super().__init__(members)

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.write_channel = write = Control(machine=WriteChannelMachine())
        m.submodules.read_channel = read = Control(machine=ReadChannelMachine(latency=Scratchpad.host_latency))
        m.submodules.queue = queue = ResponseQueue(depth=ReadChannelMachine.depth)
        for channel, names in ((write, ("awaddr", "awvalid", "wdata", "wstrb", "wvalid", "bready")),
                               (read, ("araddr", "arvalid", "rready"))):  # fmt: skip
            m.d.comb += [getattr(channel, name).eq(getattr(self.port, name)) for name in names]
        m.d.comb += [
            self.port.awready.eq(write.awready), self.port.wready.eq(write.wready),
            self.port.bvalid.eq(write.bvalid), self.port.bresp.eq(write.bresp),
            self.port.arready.eq(read.arready), self.port.rvalid.eq(read.rvalid),
            self.port.rdata.eq(queue.word), self.port.rresp.eq(Mux(queue.error, SLVERR, OKAY)),
            queue.push.eq(read.collect), queue.slot.eq(read.slot), queue.head.eq(read.head),
            queue.error_in.eq(read.collect_error),
        ]  # fmt: skip
        at_ram = write.address[19:] != Window.REGISTERS
        meets = at_ram & read.request & (read.address[self._row_bit :] == write.address[self._row_bit :])
        m.d.comb += [write.hold.eq(meets), read.pause.eq(write.due & meets)]
        self._writes(m, write)
        self._reads(m, read, queue)
        return m

    def _locate(self, address: Value, window: Window) -> tuple[Value, Value, Value]:
        """Row, bank, and whether they exist, of ``address`` in ``window``."""
        banks, _ = window_banks(self.config, window)
        row_bit = window_stride(self.config, window).bit_length() - 1
        row, bank = address[row_bit:19], address[3:row_bit]
        exists = (address[19:] == window) & (row < window_rows(self.config, window))
        return row, bank, exists & (bank < banks) if len(bank) else exists

    def _writes(self, m: Module, write: Control) -> None:
        waits = [write.address[3:19] == register(name).address >> 3 for name in ("start", "steal_interval")]
        at_register = (
            (write.address[19:] == Window.REGISTERS) & writable(write.address[:19]) & (~Cat(waits).any() | self.idle)
        )
        okay = at_register
        for window in MEMORIES:
            row, bank, exists = self._locate(write.address, window)
            banks, bits = window_banks(self.config, window)
            target = getattr(self, f"{window.name.lower()}_write")
            enable = write.request & write.whole & self.idle & exists
            okay = okay | (exists & self.idle)
            m.d.comb += [
                target.enable.eq(Mux(enable, 1 << bank if len(bank) else 1, 0)),
                target.address.eq(row),
                target.data.eq(write.word[:bits].replicate(banks)),
            ]
        m.d.comb += [
            write.okay.eq(write.whole & okay),
            self.register_write.eq(write.request & write.whole & at_register),
            self.register_address.eq(write.address),
            self.register_word.eq(write.word),
        ]

    def _reads(self, m: Module, read: Control, queue: ResponseQueue) -> None:
        okay = (read.address[19:] == Window.REGISTERS) & readable(read.address[:19])
        register_value = Signal(64, reset_less=True)
        m.d.sync += register_value.eq(self.register_value)
        m.d.comb += [self.log_address.eq(read.address[3:]), self.read_address.eq(read.next_address)]
        words = [self._if_next(m, read, register_value, read.next_address[19:] == Window.REGISTERS)]
        for window in MEMORIES:
            name = window.name.lower()
            row, _, exists = self._locate(read.address, window)
            target, word = getattr(self, f"{name}_read"), getattr(self, f"{name}_data")
            okay = okay | (exists & self.idle)
            m.d.comb += [target.enable.eq(read.request & exists & self.idle), target.address.eq(row)]
            banks, bits = window_banks(self.config, window)
            _, bank, _ = self._locate(read.next_address, window)
            at_window = read.next_address[19:] == window
            words += [self._if_next(m, read, word.word_select(index, bits), at_window & (bank == index))
                      for index in range(banks)]  # fmt: skip
        m.d.comb += [read.okay.eq(okay), queue.word_in.eq(reduce(or_, words))]

    def _if_next(self, m: Module, read: Control, word: Value, applies: Value) -> Value:
        """``word`` if the request that is collected is one to which ``applies`` was true a cycle before, else zero.

        A register for each source: the words come from all over the chip, and nothing else may be left to decide.
        """
        chosen = Signal(name="chosen", reset_less=True)
        m.d.sync += chosen.eq(applies & ~read.next_error)
        return word & chosen.replicate(len(word))
