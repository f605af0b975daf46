"""The scrubber: what it writes back is what it read, and nothing was written there since."""

from __future__ import annotations

from amaranth.hdl import Fragment, Module, Signal

from vanallen.rtl import timing
from vanallen.rtl.control.machine import Control
from vanallen.rtl.memory.scrubber import Reader, ScrubbedAccessMachine

from .specification import Specification, always, drive_freely, history, registers

__all__ = ["ScrubberContract"]


class ScrubberContract(Specification):
    """Under any requests: a word is written back to the row that the scrubber read last, if no word of this row was
    written after it was read; nothing else is ever written but what host, fill pass and data path ask for."""

    def __init__(self, *, rows: int, banks: int) -> None:
        self.rows = rows
        self.banks = banks

    def specify(self, m: Module) -> None:
        access = Control(machine=ScrubbedAccessMachine(rows=self.rows, banks=self.banks))
        m.submodules.access = fragment = Fragment.get(access, None)
        drive_freely(m, access, but=("restart",))
        held = registers(fragment)
        row, dirty = Signal.like(held.row, name="read_row"), Signal()
        reads = access.reads & (held.reader_0 == Reader.SCRUBBER)
        writes = access.writes.any()
        with m.If(reads):
            m.d.sync += [row.eq(access.read_address), dirty.eq(0)]
        with m.Elif(writes & (access.write_address == row)):
            m.d.sync += dirty.eq(1)
        scrubs = [getattr(held, f"reader_{stage}") == Reader.SCRUBBER for stage in range(timing.MEMORY)]
        always(m, "invariant: one word at a time", held.scrubbing == sum(scrubs, held.arrived))
        always(m, "invariant: the row at the pins", ~scrubs[0] | held.served | (held.read_address == held.row))
        for stage, scrub in enumerate(scrubs[1:]):
            moved = held.due_banks.any() | ~held.still[stage]
            always(m, f"invariant: the row of stage {stage + 1}", ~scrub | moved | (held.row == row))
            always(m, f"invariant: nothing written by stage {stage + 1}", ~scrub | ~held.still[stage] | ~dirty)
        restored = history(m, access.restores, "restored_before")
        asked = history(m, held.due_banks.any(), "asked_before")
        always(m, "a word goes back to the row that it came from", ~restored | (access.write_address == row))
        always(m, "newer data are never overwritten", ~(restored & writes) | ~dirty)
        always(m, "nothing is written that nobody asked for", ~writes | restored | asked)
        due = history(m, held.filling | access.host_write.any() | access.write.any(), "due_before")
        always(m, "what is asked for is due a cycle later", due == held.due_banks.any())
        always(m, "what is asked for goes before", ~(restored & asked))
