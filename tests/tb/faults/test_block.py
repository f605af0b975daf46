"""The model of a block: wide ports, random power-up, faults that show and faults that don't."""

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from vanallen.tb.faults.block import BlockModel
from vanallen.tb.faults.storage import Storage

WIDE = 100


class Delay(wiring.Component):
    """``o`` is ``i`` a cycle later, ``low`` a cycle later still; ``stored`` is a word of a memory."""

    i: In(WIDE)
    address: In(2)
    write: In(1)
    o: Out(WIDE)
    low: Out(4)
    stored: Out(8)

    def elaborate(self, platform):
        m = Module()
        m.submodules.ram = ram = Memory(shape=8, depth=4, init=[])
        read, write = ram.read_port(), ram.write_port()
        whole, low = Signal(WIDE, reset_less=True), Signal(4)
        m.d.sync += [whole.eq(self.i), low.eq(whole)]
        m.d.comb += [self.o.eq(whole), self.low.eq(low), self.stored.eq(read.data)]
        m.d.comb += [read.addr.eq(self.address), write.addr.eq(self.address), write.en.eq(self.write)]
        return m


@pytest.fixture(scope="module")
def block():
    return BlockModel(Delay())


def storage_of(block, bits, *, memory=False):
    (found,) = [storage for storage in block.storage if storage.bits == bits and storage.is_memory == memory]
    return found


ROWS = [{"i": (0x123456789 << 61) + cycle, "address": cycle % 4} for cycle in range(8)]


def test_outputs_follow(block):
    got = block.run(ROWS)
    assert got["o"][1:] == [row["i"] for row in ROWS[:-1]]
    assert got["low"][2:] == [row["i"] & 15 for row in ROWS[:-2]]


def test_the_power_up_is_random_and_reset_is_not(block):
    runs = [block.run(ROWS, seed=seed) for seed in range(1, 9)]
    assert len({tuple(run["stored"]) for run in runs}) == len(runs)
    assert {run["low"][0] for run in runs} == {0}


@pytest.mark.parametrize("bit", [0, 3, 4, 63, 64, WIDE - 1])
def test_a_flip_shows_for_as_long_as_it_lasts(block, bit):
    good = block.run(ROWS)
    bad = block.strike(storage_of(block, WIDE), bit, 3)
    changed = {name: [cycle for cycle in range(len(ROWS)) if bad[name][cycle] != good[name][cycle]] for name in good}
    assert changed == {"o": [3], "low": [4] if bit < 4 else [], "stored": []}
    assert bad["o"][3] ^ good["o"][3] == 1 << bit


def test_a_flip_that_does_nothing(block):
    block.run(ROWS)
    assert block.strike(storage_of(block, 8, memory=True), 0, len(ROWS) - 1, element=0) is None


def test_a_flip_in_memory(block):
    good = block.run(ROWS)
    bad = block.strike(storage_of(block, 8, memory=True), 5, 2, element=3)
    changed = [cycle for cycle in range(len(ROWS)) if bad["stored"][cycle] != good["stored"][cycle]]
    assert changed == [4]


def test_what_is_no_variable_of_the_model(block):
    with pytest.raises(KeyError):
        block.strike(Storage("x", 1, 1, "block.x"), 0, 3)
