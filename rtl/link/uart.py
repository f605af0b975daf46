"""Bytes on two wires: eight bits, no parity, one stop bit."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from .layouts import CHARACTER

__all__ = ["UartReceiver", "UartTransmitter", "divisor_of"]

_SMALLEST_DIVISOR = 8
_TOLERANCE = 0.02
"""Of the bit time, by which the divisor may round it; both ends together may be off by about 5 %."""


def divisor_of(*, clock_hz: int, baud: int) -> int:
    """Clock cycles a bit.

    Raises
    ------
    ValueError
        If there are less than 8, or a whole number of them is off by more than 2 %.
    """
    divisor = round(clock_hz / baud) if baud > 0 else 0
    if divisor < _SMALLEST_DIVISOR:
        limit = clock_hz // _SMALLEST_DIVISOR
        raise ValueError(f"baud must be from 1 to {limit} at a clock of {clock_hz} Hz, not {baud!r}")
    if abs(clock_hz / divisor / baud - 1) > _TOLERANCE:
        near = clock_hz // divisor
        raise ValueError(f"baud must be within 2 % of clock_hz over a whole number, such as {near}, not {baud!r}")
    return divisor


class UartReceiver(wiring.Component):
    """Bytes from the wire ``rx``.

    The wire is asynchronous and high when idle. Every bit is sampled in its middle. A byte whose stop bit is low comes
    with ``error``; the next start bit is looked for when the wire is high again. The wire can't wait: a byte that comes
    while the last one is still not taken is lost, and the next one comes with ``error``.

    Latency: a byte is there about half a bit before its stop bit ends.

    Parameters
    ----------
    divisor : int
        Clock cycles a bit, 8 or more.
    """

    def __init__(self, *, divisor: int):
        if divisor < _SMALLEST_DIVISOR:
            raise ValueError(f"divisor must be at least {_SMALLEST_DIVISOR}, not {divisor!r}")
        self.divisor = divisor
        super().__init__({"rx": In(1), "o": Out(stream.Signature(CHARACTER))})

    def elaborate(self, platform) -> Module:
        m = Module()
        line = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.rx, line, init=1)
        timer, bits, shift, lost = Signal(range(self.divisor)), Signal(range(10)), Signal(8), Signal()
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [timer.eq(self.divisor // 2 - 1), bits.eq(0)]
                with m.If(~line):
                    m.next = "BITS"
            with m.State("BITS"):
                m.d.sync += timer.eq(timer - 1)
                with m.If(timer == 0):
                    m.d.sync += [timer.eq(self.divisor - 1), bits.eq(bits + 1), shift.eq(Cat(shift[1:], line))]
                    with m.If((bits == 0) & line):
                        m.next = "IDLE"
                    with m.If(bits == 9):
                        m.next = "STOP"
                        with m.If(self.o.valid & ~self.o.ready):
                            m.d.sync += lost.eq(1)
                        with m.Else():
                            m.d.sync += [
                                self.o.payload.data.eq(shift), self.o.payload.error.eq(~line | lost),
                                self.o.valid.eq(1), lost.eq(0),
                            ]  # fmt: skip
            with m.State("STOP"):
                with m.If(line):
                    m.next = "IDLE"
        return m


class UartTransmitter(wiring.Component):
    """Bytes onto the wire ``tx``, ten bits each.

    Throughput: a byte every ``10 * divisor + 1`` cycles.

    Parameters
    ----------
    divisor : int
        Clock cycles a bit, 8 or more.
    """

    def __init__(self, *, divisor: int):
        if divisor < _SMALLEST_DIVISOR:
            raise ValueError(f"divisor must be at least {_SMALLEST_DIVISOR}, not {divisor!r}")
        self.divisor = divisor
        super().__init__({"i": In(stream.Signature(8)), "tx": Out(1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        timer, bits, shift = Signal(range(self.divisor)), Signal(range(11)), Signal(9)
        line = Signal(init=1)
        m.d.comb += [self.i.ready.eq(bits == 0), self.tx.eq(line)]
        with m.If(bits != 0):
            m.d.sync += timer.eq(timer - 1)
            with m.If(timer == 0):
                m.d.sync += [
                    timer.eq(self.divisor - 1), bits.eq(bits - 1), line.eq(shift[0]), shift.eq(Cat(shift[1:], 1)),
                ]  # fmt: skip
        with m.Elif(self.i.valid):
            m.d.sync += [
                timer.eq(self.divisor - 1), bits.eq(10), line.eq(0), shift.eq(Cat(self.i.payload, 1)),
            ]  # fmt: skip
        return m
