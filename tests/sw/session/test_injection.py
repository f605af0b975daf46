"""What is said of faults that were injected, on a chip that does as told, and that a failed job has no outputs."""

import numpy as np
import pytest

from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import preset
from vanallen.rtl.registers import Injection, State, register
from vanallen.sw.compiler import InputError, compile_model
from vanallen.sw.driver import INJECTION_POINTS, Driver, GoldenTarget, JobFailed, Uncorrectable
from vanallen.sw.driver.packing import pack_register
from vanallen.sw.models import load_input, load_model
from vanallen.sw.session import Session
from vanallen.sw.session.injection import injection_points, run_injections

FULL = preset("nano", "full")
IMAGES = {"image": load_input("digits:test").arrays["image"][:2]}


class Chip(GoldenTarget):
    """A golden target; its next job after an injection moves ``counters`` and, if ``fails``, ends with that error."""

    def __init__(self):
        self.counters = {}
        self.fails = None
        self.spoils = False
        self.armed = []
        self.shown = {}
        super().__init__(FULL)

    def write_block(self, address, data):
        super().write_block(address, data)
        if address == register("inject").address:
            self.armed.append(int(data[0]))
        if address == register("start").address and self.armed and self.armed[-1]:
            self.shown = {register(name).address: word for name, word in self.counters.items()}
            if self.fails:
                self._status |= {"state": State.FAILED, "error": self.fails}
            if self.spoils:
                self.accelerator.activation[:] ^= 1
        elif address in self.shown:
            self.shown[address] = 0

    def read_block(self, address, count):
        data = super().read_block(address, count)
        if count == 1 and address in self.shown:
            data[0] = self.shown[address]
        return data


@pytest.fixture
def chip():
    return Chip()


@pytest.fixture
def session(chip):
    return Session(compile_model(load_model("digits"), FULL), Driver(chip, config=FULL))


def inject(session, *names):
    return run_injections(session, injection_points(names, FULL, "sim"), IMAGES)


@pytest.mark.parametrize(
    ("counters", "outcome"),
    [
        ({"corrected": 1}, "corrected"),
        ({"uncorrectable": 1, "recovered": 1, "corrected": 2}, "recovered"),
        ({"outvoted": 3}, "outvoted"),
        ({"refused_writes": 1}, "refused"),
        ({}, "nothing"),
    ],
)
def test_outcome_is_what_the_counters_say(chip, session, counters, outcome):
    chip.counters = counters
    first, second, third = inject(session, "tag:row", "array:psum", "host:word")
    assert (first.point, second.point, third.point) == ("tag:row", "array:psum", "host:word")
    for result in (first, second, third):
        assert (result.counted, result.outcome, result.right) == (counters, outcome, True)
        assert result.good == (outcome != "nothing") and result.extra_cycles == 0
    assert chip.armed == [13, 0, 12, 0, 19, 0], "what wasn't hit is taken back"
    assert session.health.counted == {name: 3 * count for name, count in counters.items()}


def test_checks_are_named(chip, session):
    chip.counters = {"recovered": 1, "faults": pack_register(register("faults"), checksum=1, tag=2)}
    (result,) = inject(session, "tag:drain")
    assert result.counted == {"recovered": 1, "faults.tag": 2, "faults.checksum": 1}


def test_a_wrong_answer_is_not_good(chip, session):
    chip.counters, chip.spoils = {"recovered": 1}, True
    (result,) = inject(session, "array:psum")
    assert not result.right and not result.good


def test_a_chip_that_gives_up(chip, session):
    chip.counters, chip.fails = {"uncorrectable": 1}, ErrorCode.WEIGHT_MEMORY
    (result,) = inject(session, "weight-ram:double")
    assert (result.outcome, result.right, result.good, result.extra_cycles) == ("gave up", False, False, None)
    assert result.counted == session.health.counted == {"uncorrectable": 1}


@pytest.mark.parametrize("code", [ErrorCode.CHECKSUM, ErrorCode.WATCHDOG, ErrorCode.BAD_CHECKSUM])
def test_a_failed_job_has_no_outputs(chip, session, code, monkeypatch):
    """Neither are they returned, nor read from the chip at all."""
    chip.fails = code
    read = []
    monkeypatch.setattr(session.driver, "read_activations", lambda *where: read.append(where))
    with pytest.raises(JobFailed) as failed:
        session.run(IMAGES, inject=Injection.ARRAY_PSUM)
    assert isinstance(failed.value, Uncorrectable) == (code >= ErrorCode.COMMAND_MEMORY)
    assert not read and session.inferences == 0


def test_resident_data_can_be_loaded_again(chip, session):
    want = session.run(IMAGES)
    chip.accelerator.weight[:] ^= 1
    session.load()
    assert np.array_equal(session.run(IMAGES)["logits"], want["logits"])


def test_points_that_are_not_there():
    assert injection_points((), preset("nano", "none"), "golden") == []
    assert len(injection_points(list(INJECTION_POINTS), FULL, "serial:x")) == 19
    with pytest.raises(InputError, match=r"one of activation-ram:single, .*, not 'ram'"):
        injection_points(["ram"], FULL, "sim")
    with pytest.raises(InputError, match="add --protection full"):
        injection_points(["tag:row"], preset("nano", "none"), "sim")
