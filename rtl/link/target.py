"""The remote memory access target: packets in, bus accesses, packets out."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out, connect, flipped

from vanallen.rtl.bus.axi_lite import AxiLitePort
from vanallen.rtl.bus.counters import SaturatingCounter

from .command import CommandReceiver
from .layouts import SYMBOL
from .manager import AxiManager
from .reply import ReplySender
from .rmap import DATA_LIMIT, Instruction, Status

__all__ = ["RmapTarget"]


class RmapTarget(wiring.Component):
    """Carries out commands one after another; takes no byte of the next one until the reply to the last has left.

    ::

        i --> CommandReceiver --> buffer <--> AxiManager <--> bus
                                  buffer ---> ReplySender --> o

    A write goes to the bus when all of its packet is good. ``discarded`` counts packets of which nothing came (no
    command, header cut off or its CRC bad), up to 255.
    """

    i: In(stream.Signature(SYMBOL))
    o: Out(stream.Signature(SYMBOL))
    bus: Out(AxiLitePort())
    discarded: Out(8)

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.receiver = self._receiver = receiver = CommandReceiver()
        m.submodules.manager = self._manager = manager = AxiManager()
        m.submodules.sender = self._sender = sender = ReplySender()
        m.submodules.counter = counter = SaturatingCounter(bits=8)
        connect(m, flipped(self.i), receiver.i)
        connect(m, sender.o, flipped(self.o))
        connect(m, manager.bus, flipped(self.bus))
        m.d.comb += [
            manager.address.eq(receiver.command.address), manager.words.eq(receiver.command.length[3:]),
            manager.write.eq((receiver.prefix.instruction & Instruction.WRITE.value) != 0),
            manager.increment.eq((receiver.prefix.instruction & Instruction.INCREMENT.value) != 0),
            sender.prefix.eq(receiver.prefix), sender.command.eq(receiver.command),
            sender.words.eq(manager.words), sender.path_count.eq(receiver.path_count),
            receiver.path_index.eq(sender.path_index), sender.path_byte.eq(receiver.path_byte),
            counter.count.eq(receiver.done & receiver.next & receiver.discard), self.discarded.eq(counter.value),
        ]  # fmt: skip
        self._buffer(m)
        self._sequence(m)
        return m

    def _buffer(self, m: Module) -> None:
        """One packet's data: written by the receiver or the manager, a cycle later, read by the manager or the sender.

        Whoever reads does so at least two cycles after the last word was stored: the data's CRC, or the reply's header,
        comes between.
        """
        receiver, manager, sender = self._receiver, self._manager, self._sender
        m.submodules.buffer = buffer = Memory(shape=64, depth=DATA_LIMIT // 8, init=[])
        write, read = buffer.write_port(), buffer.read_port()
        self._replying = Signal()
        stores = Signal()
        row, word = Signal.like(write.addr), Signal(64)
        m.d.sync += [
            stores.eq(receiver.store | manager.store),
            row.eq(Mux(receiver.store, receiver.index, manager.index)),
            word.eq(Mux(receiver.store, receiver.word, manager.word)),
        ]
        m.d.comb += [
            write.en.eq(stores), write.addr.eq(row), write.data.eq(word),
            read.addr.eq(Mux(self._replying, sender.index, manager.index)),
            read.en.eq(~write.en),
            manager.buffered.eq(read.data), sender.buffered.eq(read.data),
        ]  # fmt: skip

    def _sequence(self, m: Module) -> None:
        receiver, manager, sender = self._receiver, self._manager, self._sender
        wanted = (receiver.prefix.instruction & Instruction.REPLY.value) != 0
        with m.FSM():
            with m.State("RECEIVE"):
                m.d.sync += sender.status.eq(receiver.status)
                with m.If(receiver.done & receiver.discard):
                    m.d.comb += receiver.next.eq(1)
                with m.Elif(receiver.done & (receiver.status == Status.SUCCESS)):
                    m.d.comb += manager.start.eq(1)
                    m.next = "EXECUTE"
                with m.Elif(receiver.done):
                    m.next = "ANSWER"
            with m.State("EXECUTE"), m.If(manager.done):
                with m.If(manager.failed):
                    m.d.sync += sender.status.eq(Status.GENERAL_ERROR)
                m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += [sender.start.eq(wanted), receiver.next.eq(~wanted)]
                m.next = "RECEIVE"
                with m.If(wanted):
                    m.next = "REPLY"
            with m.State("REPLY"):
                m.d.comb += [self._replying.eq(1), receiver.next.eq(sender.done)]
                with m.If(sender.done):
                    m.next = "RECEIVE"
