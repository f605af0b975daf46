"""The access machine of a protected memory: what nobody asks for in a cycle is read to be put right."""

from types import SimpleNamespace

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing

from .access import AccessMachine

__all__ = ["Reader", "ScrubbedAccessMachine"]


class Reader(enum.Enum, shape=2):
    """Who asked for the word that arrives."""

    NOBODY = 0
    DATA_PATH = 1
    HOST = 2
    SCRUBBER = 3


class ScrubbedAccessMachine(AccessMachine):
    """An access machine that reads, in cycles in which nobody else does, one word after the other, round and round.

    A word that arrives with one wrong bit (``corrected``, a bit a bank, with the word) is written back corrected, one
    bank at a time (``restored``), in the cycle it arrives (``restores``): unless anything was written since it was
    asked for, so that newer data are never overwritten, or someone reads the row in this cycle, whose read goes first;
    the same row is then read again. Nothing else writes back. A word that can't be corrected stays as it is:
    ``corrected`` is low for it.

    ``reader`` is who asked for the word that arrives; ``arriving``: two cycles earlier, that it is the data path's.
    """

    flow = AccessMachine.flow | {f"reader_{stage}" for stage in range(timing.MEMORY)} | {"still"}

    def __init__(self, *, rows: int, banks: int):
        super().__init__(rows=rows, banks=banks)
        members = {name: field.shape for name, field in self.state}
        stages = {f"reader_{stage}": Reader for stage in range(timing.MEMORY)}
        self.state = type(self.state)({**members, **stages, "still": timing.MEMORY - 1, "scrubbing": 1})
        self.ports = {
            **self.ports,
            "corrected": In(banks),
            "reader": Out(Reader),
            "arriving": Out(1),
            "restores": Out(1),
            "restored": Out(banks),
        }

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        readers = [getattr(now, f"reader_{stage}") for stage in range(timing.MEMORY)]
        arrives = readers[-1] == Reader.SCRUBBER
        self._choose(m, now, then, port)
        own = Signal()
        scrubs = Signal()
        puts_right = Signal()
        first = Signal(len(port.corrected))
        m.d.comb += [
            own.eq(now.served | port.write.any()),
            port.restores.eq(arrives & now.still[-1] & ~own),
            first.eq(port.corrected & (~port.corrected + 1)),
            port.restored.eq(first),
            scrubs.eq(~(port.read | now.asked | port.fill | now.scrubbing)),
        ]
        with m.If(port.restores):
            m.d.comb += then.write_address.eq(now.row)
        with m.If(scrubs):
            m.d.comb += then.read_address.eq(now.row)
        read_too = (port.read | now.asked) & (then.read_address == then.write_address)
        m.d.comb += puts_right.eq(port.restores & ~read_too)
        with m.If(puts_right):
            m.d.comb += then.writes.eq(first)
        meets = self._ports_never_meet(m, now, then, port, requested=port.read | now.asked | scrubs)
        m.d.comb += [
            then.collided.eq((port.read | now.asked) & meets),
            then.reader_0.eq(Mux(meets, Reader.NOBODY, Mux(port.read, Reader.DATA_PATH, Mux(
                now.asked, Reader.HOST, Mux(scrubs, Reader.SCRUBBER, Reader.NOBODY))))),
            *(getattr(then, f"reader_{stage}").eq(readers[stage - 1]) for stage in range(1, timing.MEMORY)),
            then.still.eq(Cat(~own, now.still[:-1] & (~own).replicate(timing.MEMORY - 2))),
            port.reader.eq(readers[-1]), port.arriving.eq(readers[1] == Reader.DATA_PATH),
        ]  # fmt: skip
        # on when nothing is wrong in this row any more, or nothing that could be put right
        done = arrives & (~port.corrected.any() | (puts_right & (first == port.corrected)))
        m.d.comb += then.row.eq(now.row + (port.fill | done))
        with m.If(arrives):
            m.d.comb += then.scrubbing.eq(0)
        with m.Elif(scrubs & ~meets):
            m.d.comb += then.scrubbing.eq(1)
