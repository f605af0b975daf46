"""Frames to packets and back, as streams. The format is in :mod:`.framing`."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .framing import BLOCK
from .layouts import CHARACTER, SYMBOL

__all__ = ["CobsDecoder", "CobsEncoder"]


class CobsDecoder(wiring.Component):
    """Packets from the frames on the line.

    A frame that is cut off, or that had a character with ``error``, ends with ``error``. Nothing comes of frames
    without a byte, so zeros between frames do no harm; the first zero after garbage ends the garbage.

    Latency: one cycle. Throughput: a character a cycle.
    """

    i: In(stream.Signature(CHARACTER))
    o: Out(stream.Signature(SYMBOL))

    def elaborate(self, platform) -> Module:
        m = Module()
        left, zero, begun, broken = Signal(8), Signal(), Signal(), Signal()
        data, out = self.i.payload.data, self.o.payload
        m.d.comb += self.i.ready.eq(~self.o.valid | self.o.ready)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [begun.eq(1), out.data.eq(data), out.end.eq(0), out.error.eq(0)]
            with m.If(self.i.payload.error):
                m.d.sync += broken.eq(1)
            with m.Elif(data == 0):
                m.d.sync += [
                    self.o.valid.eq(begun), out.end.eq(1), out.error.eq(broken | (left != 0)),
                    begun.eq(0), broken.eq(0), left.eq(0), zero.eq(0),
                ]  # fmt: skip
            with m.Elif(left == 0):
                m.d.sync += [self.o.valid.eq(zero), out.data.eq(0), left.eq(data - 1), zero.eq(data <= BLOCK)]
            with m.Else():
                m.d.sync += [self.o.valid.eq(1), left.eq(left - 1)]
        return m


class CobsEncoder(wiring.Component):
    """Frames, each with the zero that ends it, from packets. ``error`` at the end of a packet is ignored.

    Collects a block, a byte a cycle, then gives it, a byte in three cycles; takes nothing meanwhile.
    """

    i: In(stream.Signature(SYMBOL))
    o: Out(stream.Signature(8))

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.block = block = Memory(shape=8, depth=256, init=[])
        write, read = block.write_port(), block.read_port()
        count, index = Signal(8), Signal(8)
        full, last = Signal(), Signal()
        byte = Signal(8)
        data, end = self.i.payload.data, self.i.payload.end
        m.d.comb += [write.addr.eq(count), write.data.eq(data), read.addr.eq(index), read.en.eq(0)]
        with m.FSM():
            with m.State("COLLECT"):
                m.d.comb += [self.i.ready.eq(1), write.en.eq(self.i.valid & ~end & (data != 0))]
                m.d.sync += [index.eq(0), last.eq(end)]
                with m.If(write.en):
                    m.d.sync += count.eq(count + 1)
                with m.If(self.i.valid & end & full & (count == 0)):
                    m.next = "END"
                with m.Elif(self.i.valid & (end | (data == 0) | (count == BLOCK - 1))):
                    m.d.sync += full.eq(write.en)
                    m.next = "CODE"
            with m.State("CODE"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(count + 1)]
                with m.If(self.o.ready):
                    m.next = "READ"
            with m.State("READ"):
                m.d.comb += read.en.eq(1)
                m.next = "HOLD"
                with m.If(index == count):
                    m.d.sync += count.eq(0)
                    m.next = "COLLECT"
                    with m.If(last):
                        m.next = "END"
            with m.State("HOLD"):  # a block RAM's output is late in the cycle
                m.d.sync += byte.eq(read.data)
                m.next = "BYTE"
            with m.State("BYTE"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(byte)]
                with m.If(self.o.ready):
                    m.d.sync += index.eq(index + 1)
                    m.next = "READ"
            with m.State("END"):
                m.d.comb += self.o.valid.eq(1)
                m.d.sync += full.eq(0)
                with m.If(self.o.ready):
                    m.next = "COLLECT"
        return m
