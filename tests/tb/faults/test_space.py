"""Numbers of upsets, and that what only reports steers nothing."""

import numpy as np

from vanallen.rtl.config import preset
from vanallen.rtl.verilog import Top
from vanallen.synth.netlist import read_netlist
from vanallen.tb.faults.space import RECORDS, is_record, make_space
from vanallen.tb.faults.storage import Storage

REGISTERS = [Storage("a", 2, 1, "t.a"), Storage("m", 3, 4, "t.m"), Storage("z", 1, 1, "t.z")]

_READ = ("accelerator.bridge.register_value", "accelerator.bridge.read_channel.")
"""What a host's read of a register goes through."""


def test_every_bit_has_a_place() -> None:
    space = make_space(REGISTERS, start=5, end=9, memories=False)
    assert (space.bits, space.cycles, space.faults) == (3, 4, 12)
    assert space.owner.tolist() == [0, 0, 2] and space.bit.tolist() == [0, 1, 0] and not space.element.any()


def test_memories_are_counted_word_by_word() -> None:
    space = make_space(REGISTERS, start=0, end=1, memories=True)
    assert space.bits == 12 and set(space.owner.tolist()) == {1}
    assert (space.element == np.repeat(np.arange(4), 3)).all() and space.bit.tolist() == [0, 1, 2] * 4


def test_what_only_reports_reaches_nothing_but_what_the_host_reads() -> None:
    netlist = read_netlist(Top(config=preset("nano", "none")))
    cells = [cell for cell in [*netlist.registers, *netlist.read_ports] if _label(netlist, cell).startswith(RECORDS)]
    assert len(cells) > 10
    reached = netlist.reached(bit for cell in cells for bit in cell.stored)
    others = {_label(netlist, pin.cell) for pin in reached if pin.cell.is_state or pin.cell.is_write_port}
    assert not {name for name in others if not name.startswith((*RECORDS, *_READ))}
    assert is_record(Storage("accelerator.cycle_log.log", 32, 64, "")) and not is_record(REGISTERS[0])


def _label(netlist, cell) -> str:
    return ".".join([*cell.path, netlist.label(cell).rpartition(".")[2]])
