"""The access machine of a protected memory: what nobody asks for in a cycle is read to be put right."""

from types import SimpleNamespace

from amaranth.hdl import Cat, Module, Mux, Signal, Value
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

    ``unsound``: what ``write`` asks for is not to be written; ``blocked``: nor what it asked for in the last cycle;
    ``stray``: nor what is ``served``. The last two come last in their cycle: only what is written (``writing``: by
    ``write``) follows from them; for reads and for the scrubber it is a write. ``next_address`` is the row of what is
    asked for, not of what is written back.

    ``reader`` is who asked for the word that arrives; ``arriving``: three cycles earlier, that it is the data path's;
    ``wrong``, a cycle later: that it was, and can't be corrected (``uncorrectable``, with the word).
    """

    flow = (AccessMachine.flow | {f"reader_{stage}" for stage in range(timing.MEMORY)}
            | {"still", "arrived", "finished", "wrong", "unsound"})  # fmt: skip

    def __init__(self, *, rows: int, banks: int):
        super().__init__(rows=rows, banks=banks)
        members = {name: field.shape for name, field in self.state}
        stages = {f"reader_{stage}": Reader for stage in range(timing.MEMORY)}
        self.state = type(self.state)({
            **members, **stages, "still": timing.MEMORY - 1, "arrived": 1, "finished": 1, "wrong": 1, "unsound": 1,
            "scrubbing": 1,
        })  # fmt: skip
        self.ports = {
            **self.ports,
            "unsound": In(1),
            "blocked": In(1),
            "stray": In(1),
            "corrected": In(banks),
            "uncorrectable": In(1),
            "wrong": Out(1),
            "writing": Out(1),
            "reader": Out(Reader),
            "arriving": Out(1),
            "restores": Out(1),
            "restored": Out(banks),
        }

    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        readers = [getattr(now, f"reader_{stage}") for stage in range(timing.MEMORY)]
        arrives = readers[-1] == Reader.SCRUBBER
        asks, others_row = port.read | now.asked, Mux(now.asked, now.asked_row, now.row)
        own, allowed, meets, puts_right, scrubs = (
            Signal(name=name) for name in ("own", "allowed", "meets", "puts_right", "scrubs")
        )
        own_writes, first = Signal.like(port.write), Signal.like(port.corrected)
        blocked = now.unsound | port.blocked
        self._choose(m, now, then, port)
        m.d.comb += [
            own.eq(now.due_banks.any()),
            then.unsound.eq(port.unsound),
            allowed.eq(Mux(now.served, ~port.stray, ~blocked)),
            own_writes.eq(now.due_banks & allowed.replicate(len(own_writes))),
            port.writing.eq(own & ~now.served & ~blocked),
            scrubs.eq(~(asks | now.filling | now.scrubbing)),
            then.read_address.eq(Mux(port.read, port.read_row, others_row)),
            # who reads is known last: what may be read is compared by then
            meets.eq(own & Mux(port.read, port.read_row == now.due_row, others_row == now.due_row)),
        ]
        self._read(m, now, then, port, asks=asks, scrubs=scrubs, meets=meets)
        m.d.comb += [
            port.restores.eq(arrives & now.still[-1] & ~own),
            first.eq(port.corrected & (~port.corrected + 1)), port.restored.eq(first),
            puts_right.eq(
                port.restores & ~Mux(port.read, port.read_row == now.row, now.asked & (now.asked_row == now.row))
            ),
            then.writes.eq(Mux(puts_right, first, own_writes)),
            then.write_address.eq(Mux(port.restores, now.row, now.due_row)),
            then.still.eq(Cat(~own, now.still[:-1] & (~own).replicate(timing.MEMORY - 2))),
            # on when nothing is wrong in this row any more, or nothing that could be put right
            then.arrived.eq(arrives),
            then.finished.eq(arrives & (~port.corrected.any() | (puts_right & (first == port.corrected)))),
            then.row.eq(now.row + (now.filling | now.finished)),
        ]  # fmt: skip
        with m.If(now.arrived):
            m.d.comb += then.scrubbing.eq(0)
        with m.Elif(scrubs & ~meets):
            m.d.comb += then.scrubbing.eq(1)

    def _read(self, m: Module, now, then, port, *, asks: Value, scrubs: Value, meets: Value) -> None:
        """The read port, and who gets what comes of it."""
        for stage in range(1, timing.MEMORY):
            m.d.comb += getattr(then, f"reader_{stage}").eq(getattr(now, f"reader_{stage - 1}"))
        with m.If(meets | ~(asks | scrubs)):
            m.d.comb += then.reader_0.eq(Reader.NOBODY)
        with m.Elif(port.read):
            m.d.comb += then.reader_0.eq(Reader.DATA_PATH)
        with m.Else():
            m.d.comb += then.reader_0.eq(Mux(now.asked, Reader.HOST, Reader.SCRUBBER))
        m.d.comb += [then.reads.eq((asks | scrubs) & ~meets), then.collided.eq(asks & meets)]
        self._pins(m, now, port)
        last = getattr(now, f"reader_{timing.MEMORY - 1}")
        m.d.comb += [
            then.wrong.eq(port.uncorrectable & (last == Reader.DATA_PATH)), port.wrong.eq(now.wrong),
            port.reader.eq(last), port.arriving.eq(now.reader_0 == Reader.DATA_PATH),
        ]  # fmt: skip
