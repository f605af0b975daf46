"""The host link: from two wires to a manager of the chip's bus."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO, SyncFIFOBuffered
from amaranth.lib.wiring import In, Out, connect, flipped

from vanallen.rtl.bus.axi_lite import AxiLitePort

from .cobs import CobsDecoder, CobsEncoder
from .layouts import CHARACTER, SYMBOL
from .rmap import RECEIVE_BYTES
from .target import RmapTarget
from .uart import UartReceiver, UartTransmitter, divisor_of

__all__ = ["FrameLink", "Link"]


class FrameLink(wiring.Component):
    """The link behind its wires: characters of frames in, bytes of frames out, accesses of the bus.

    Members: ``i``, ``o``, ``bus``; ``discarded``, see :class:`.target.RmapTarget`.
    """

    i: In(stream.Signature(CHARACTER))
    o: Out(stream.Signature(8))
    bus: Out(AxiLitePort())
    discarded: Out(8)

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.decoder = decoder = CobsDecoder()
        m.submodules.target = target = RmapTarget()
        m.submodules.encoder = encoder = CobsEncoder()
        connect(m, flipped(self.i), decoder.i)
        connect(m, decoder.o, target.i)
        connect(m, encoder.o, flipped(self.o))
        # Whether the encoder is ready must not reach through target and decoder in one cycle.
        m.submodules.between = between = SyncFIFO(width=SYMBOL.size, depth=2)
        m.d.comb += [
            between.w_data.eq(target.o.payload), between.w_en.eq(target.o.valid), target.o.ready.eq(between.w_rdy),
            encoder.i.payload.eq(between.r_data), encoder.i.valid.eq(between.r_rdy), between.r_en.eq(encoder.i.ready),
        ]  # fmt: skip
        connect(m, target.bus, flipped(self.bus))
        m.d.comb += self.discarded.eq(target.discarded)
        return m


class Link(wiring.Component):
    """Remote memory access over a serial line, as an AXI4-Lite manager.

    ::

        rx --> UartReceiver --> queue --> CobsDecoder --> RmapTarget <--> bus
        tx <-- UartTransmitter <--------- CobsEncoder <-------'

    Commands that arrive while one is carried out and answered wait in the queue; what doesn't fit any more is lost, and
    the packet it was part of ends with an error.

    Parameters
    ----------
    clock_hz, baud : int
        Frequency of the clock and bits a second on the line.

    Raises
    ------
    ValueError
        If the clock can't make the bit rate.
    """

    def __init__(self, *, clock_hz: int, baud: int):
        self.clock_hz = clock_hz
        self.baud = baud
        self.divisor = divisor_of(clock_hz=clock_hz, baud=baud)
        super().__init__({"rx": In(1), "tx": Out(1), "bus": Out(AxiLitePort()), "discarded": Out(8)})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.receiver = receiver = UartReceiver(divisor=self.divisor)
        m.submodules.queue = queue = SyncFIFOBuffered(width=CHARACTER.size, depth=RECEIVE_BYTES)
        m.submodules.frames = frames = FrameLink()
        m.submodules.transmitter = transmitter = UartTransmitter(divisor=self.divisor)
        m.d.comb += [
            receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx), self.discarded.eq(frames.discarded),
            queue.w_data.eq(receiver.o.payload), queue.w_en.eq(receiver.o.valid), receiver.o.ready.eq(queue.w_rdy),
            queue.r_en.eq(~frames.i.valid),
        ]  # fmt: skip
        # A register of its own: a block RAM's output is late in the cycle.
        with m.If(queue.r_en):
            m.d.sync += [frames.i.payload.eq(queue.r_data), frames.i.valid.eq(queue.r_rdy)]
        with m.Elif(frames.i.ready):
            m.d.sync += frames.i.valid.eq(0)
        connect(m, frames.o, transmitter.i)
        connect(m, frames.bus, flipped(self.bus))
        return m
