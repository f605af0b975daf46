"""Counters that only report."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.rtl.registers import register

__all__ = ["LAYERS_LOGGED", "CycleLog", "SaturatingCounter"]

LAYERS_LOGGED = register("layer_cycles").words
"""Commands whose cycles are kept: that of command ``k`` at row ``k`` modulo this."""


class SaturatingCounter(wiring.Component):
    """Counts cycles in which ``count`` is high, up to 2^bits - 1; ``clear`` goes first.

    Latency: two cycles, for what is counted comes from all over the chip.
    """

    def __init__(self, *, bits: int):
        self.bits = bits
        super().__init__({"count": In(1), "clear": In(1), "value": Out(bits)})

    def elaborate(self, platform) -> Module:
        m = Module()
        value = Signal(self.bits)
        counts = Signal()
        m.d.sync += counts.eq(self.count)
        with m.If(self.clear):
            m.d.sync += value.eq(0)
        with m.Elif(counts & ~value.all()):
            m.d.sync += value.eq(value + 1)
        m.d.comb += self.value.eq(value)
        return m


class CycleLog(wiring.Component):
    """Cycles of each command: ``count`` is high in every cycle of it, ``done`` in the last one. ``fill`` zeroes a row,
    the next one in the next cycle, round and round.

    Latency: what is counted is written two cycles after ``done``; a read takes as long as a scratchpad's. A row that is
    read while it is written is not read: the word that is written goes past the RAM, whose ports never meet.
    """

    latency = Scratchpad.latency

    count: In(1)
    done: In(1)
    index: In(range(LAYERS_LOGGED))
    address: In(range(LAYERS_LOGGED))
    fill: In(1)
    value: Out(32)

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.log = log = Memory(shape=32, depth=LAYERS_LOGGED, init=[])
        write, read = log.write_port(), log.read_port()
        counting, done, filling = Signal(name="counting"), Signal(name="done_before"), Signal(name="filling")
        index = Signal.like(self.index, name="index_before", reset_less=True)
        m.d.sync += [counting.eq(self.count), done.eq(self.done), index.eq(self.index), filling.eq(self.fill)]
        cycles = Signal(32)
        with m.If(done | ~counting):
            m.d.sync += cycles.eq(0)
        with m.Elif(~cycles.all()):
            m.d.sync += cycles.eq(cycles + 1)

        fill_row = Signal(range(LAYERS_LOGGED))
        writes = Signal()
        row = Signal.like(write.addr, reset_less=True)
        written = Signal(32, reset_less=True)
        wanted = Signal.like(read.addr, reset_less=True)
        m.d.sync += [
            fill_row.eq(fill_row + filling),
            writes.eq(filling | done),
            row.eq(Mux(filling, fill_row, index)),
            written.eq(Mux(filling, 0, cycles + 1)),
            wanted.eq(self.address),
        ]
        meets = Signal()
        m.d.comb += [
            write.en.eq(writes), write.addr.eq(row), write.data.eq(written),
            meets.eq(writes & (row == wanted)),
            read.en.eq(~meets), read.addr.eq(wanted),
        ]  # fmt: skip

        passes = [Signal(name=f"passes_{stage}", reset_less=True) for stage in range(2)]
        passed = [Signal(32, name=f"passed_{stage}", reset_less=True) for stage in range(2)]
        word = Signal(32, reset_less=True)
        value = Signal(32, reset_less=True)
        m.d.sync += [
            passes[0].eq(meets), passed[0].eq(written),
            passes[1].eq(passes[0]), passed[1].eq(passed[0]), word.eq(read.data),
            value.eq(Mux(passes[1], passed[1], word)),
        ]  # fmt: skip
        m.d.comb += self.value.eq(value)
        return m
