"""The checks of what a host sees, on the sound chip and on targets that are wrong in one place."""

import pytest

from vanallen.rtl.config import preset
from vanallen.rtl.registers import Window, register
from vanallen.sw.driver.golden_target import GoldenTarget
from vanallen.sw.driver.target import BusError
from vanallen.tb.access import check_empty, check_memories, check_refusals
from vanallen.tb.jobs import Mismatch

NANO = preset("nano")


class Wrong(GoldenTarget):
    """A chip in which reads of ``address`` have bit ``bit`` turned, or which takes what it must refuse."""

    def __init__(self, address=None, bit=0, lenient=False):
        super().__init__(NANO)
        self.address, self.bit, self.lenient = address, bit, lenient

    def read_block(self, address, count):
        words = super().read_block(address, count)
        if self.address is not None and address <= self.address < address + 8 * count:
            words[(self.address - address) // 8] ^= 1 << self.bit
        return words

    def write(self, address, data):
        try:
            super().write(address, data)
        except BusError:
            if not self.lenient:
                raise


def test_a_good_chip_passes():
    target = Wrong()
    check_empty(target, NANO)
    check_refusals(target, NANO)
    check_memories(target, NANO, seed=1)
    with pytest.raises(Mismatch, match="command RAM after a reset"):
        check_empty(target, NANO)


@pytest.mark.parametrize("window", [Window.COMMAND, Window.PARAMETER, Window.WEIGHT, Window.ACTIVATION])
def test_one_wrong_bit_is_found(window):
    target = Wrong(address=window.base + 8 * 63, bit=31)
    with pytest.raises(Mismatch, match=f"{window.name.lower()} RAM after a reset: {window.base + 504:#x}"):
        check_empty(target, NANO)
    with pytest.raises(Mismatch, match=f"{window.name.lower()} RAM: {window.base + 504:#x} must hold"):
        check_memories(target, NANO, seed=1)


def test_a_cycle_count_left_is_found():
    with pytest.raises(Mismatch, match="cycles of commands after a reset"):
        check_empty(Wrong(address=register("layer_cycles").address + 8 * 5), NANO)


def test_what_must_be_refused_and_is_taken_is_found():
    with pytest.raises(Mismatch, match="must be refused"):
        check_refusals(Wrong(lenient=True), NANO)
