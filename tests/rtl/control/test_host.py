"""What the host's writes do to the registers."""

import pytest

from vanallen.rtl.control.host import CLEARED, HostMachine
from vanallen.rtl.control.machine import Control
from vanallen.rtl.registers import REGISTERS, register
from vanallen.sw.driver.packing import pack_register

START = pack_register(register("start"), first=3, count=2, job=7, patience=9)
RESET = pack_register(register("reset"), reset=1)


def write(entry, data=0):
    """A request of the bridge, and the cycle behind it."""
    address = register(entry).address
    return [{"write": 1, "address": address, "data": data}, {"write": 0, "address": 0, "data": 0}]


@pytest.fixture
def host(trace):
    def host(steps, outputs, *, protected=True):
        return trace(Control(machine=HostMachine(protected=protected)), [{"good": 1}, *steps], outputs)[1:]

    return host


@pytest.mark.parametrize(("entry", "data"), [("start", START), ("reset", RESET)])
def test_it_is_not_idle_in_the_cycle_of_a_pulse(host, entry, data):
    """A write behind it is decided in that cycle; in the next ``busy`` says the same from a register, after a reset a
    cycle later."""
    rows = host([*write(entry, data), {}, {}, {}], [entry, "idle"])
    assert rows == [(0, 1), (1, 0), (0, 0), (0, entry == "start"), (0, 1)]


def test_it_is_idle_a_cycle_after_nobody_is_busy(host):
    rows = host([{"busy": 1}, {"busy": 1}, {"busy": 0}, {}], ["idle"])
    assert rows == [(1,), (0,), (0,), (1,)]


def test_a_start_says_what_for(host):
    rows = host([*write("start", START), {}], ["start", "first", "count", "number", "patience"])
    assert rows[1] == (1, 3, 2, 7, 9)
    assert rows[0][0] == rows[2][0] == 0


@pytest.mark.parametrize("entry", ["start", "reset", *CLEARED])
def test_what_was_struck_on_the_way_does_nothing(host, entry):
    before = host([{}], ["start", "reset", "clear"])
    steps = write(entry, (1 << 64) - 1)
    steps[1]["good"] = 0
    assert host([*steps, {"good": 1}, {}], ["start", "reset", "clear"]) == before * 4


@pytest.mark.parametrize("entry", ["interrupt", "steal_interval", "governor", "replay_limit", "inject"])
def test_what_was_struck_on_the_way_changes_no_setting(host, entry):
    outputs = ["enable", "pending", "steal_interval", "window", "slots", "replay_limit", "inject"]
    steps = write(entry, (1 << 64) - 1)
    good = host([*steps, {}], outputs)
    steps[1]["good"] = 0
    struck = host([*steps, {"good": 1}, {}], outputs)
    assert len(set(good)) == 2 and len(set(struck)) == 1


@pytest.mark.parametrize("entry", CLEARED)
def test_a_write_clears_its_own_counter(host, entry):
    assert host([*write(entry), {}], ["clear"]) == [(0,), (1 << list(CLEARED).index(entry),), (0,)]


@pytest.mark.parametrize(("entry", "field", "port"), [
    ("steal_interval", "slots", "steal_interval"), ("governor", "window", "window"), ("governor", "slots", "slots"),
    ("replay_limit", "times", "replay_limit"),
])  # fmt: skip
def test_a_setting_is_kept_until_reset(host, entry, field, port):
    first = register(entry).field(field).reset or 0
    data = pack_register(register(entry), **{field: first + 1})
    reset = write("reset", RESET)
    rows = host([*write(entry, data), *[{}] * 5, *reset, {}], [port])
    assert rows == [(first,)] * 2 + [(first + 1,)] * 7 + [(first,)]


def test_other_registers_change_nothing(host):
    outputs = ["start", "reset", "clear", "enable", "steal_interval", "window", "slots", "replay_limit", "inject"]
    heard = {"start", "reset", "interrupt", "steal_interval", "governor", "replay_limit", "inject", *CLEARED}
    others = [entry.name for entry in REGISTERS if entry.name not in heard]
    steps = [step for entry in others for step in write(entry, (1 << 64) - 1)]
    assert len(others) > 5
    assert len(set(host([*steps, {}], outputs))) == 1


def test_an_interrupt_stays_until_it_is_acknowledged(host):
    entry = register("interrupt")
    enable, acknowledge = pack_register(entry, enable=1), pack_register(entry, enable=1, pending=1)
    ends = [{"finished": 1}, {"finished": 0}, {}]
    rows = host([*write("interrupt", enable), *ends, *write("interrupt", acknowledge), {}], ["interrupt"])
    assert [row[0] for row in rows] == [0, 0, 0, 1, 1, 1, 1, 0]


def test_an_injection_is_told_until_it_is_done(host):
    point = pack_register(register("inject"), point=5)
    rows = host([*write("inject", point), {}, {"injected": 1}, {"injected": 0}], ["inject"])
    assert [row[0] for row in rows] == [0, 0, 5, 5, 0]
