"""The running checksum of a transfer."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.transfers import CHECKSUM_BITS

from .host_decode import WORD_ADDRESS_BITS

__all__ = ["TransferChecksum"]


class TransferChecksum(wiring.Component):
    """The checksum of :func:`vanallen.rtl.transfers.checksum` over ``word`` and word ``address`` of every cycle with
    ``enable``; ``clear`` goes first. It only reports: a flip in it makes the host transfer again."""

    enable: In(1)
    word: In(64)
    address: In(WORD_ADDRESS_BITS)
    clear: In(1)
    value: Out(CHECKSUM_BITS)

    def elaborate(self, platform) -> Module:
        m = Module()
        value = Signal(CHECKSUM_BITS)
        with m.If(self.clear):
            m.d.sync += value.eq(0)
        with m.Elif(self.enable):
            m.d.sync += value.eq(value.rotate_left(1) ^ self.word[:32] ^ self.word[32:] ^ self.address)
        m.d.comb += self.value.eq(value)
        return m
