"""The driver of a protected chip: what is struck on its way is done again, and what can't be repaired is an error."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import preset
from vanallen.rtl.registers import Injection, State, Window, register
from vanallen.sw.driver import (
    BusError,
    Driver,
    DriverError,
    Failure,
    GoldenTarget,
    Health,
    JobFailed,
    Response,
    TransferFailed,
    Uncorrectable,
)
from vanallen.sw.driver.checked_target import PIECE
from vanallen.sw.driver.packing import pack_register

FULL = preset("nano", "full")
ALWAYS = 1 << 30


class Struck(GoldenTarget):
    """A golden target that does wrong, as often as told, by kind; ``replies`` are what registers read as, in turn."""

    def __init__(self) -> None:
        self.struck: Counter[str] = Counter()
        self.replies: dict[int, list[int]] = {}
        self.written: list[tuple[int, int]] = []
        super().__init__(FULL)

    def script(self, name: str, *words: int) -> None:
        self.replies[register(name).address] = list(words)

    def take(self, kind: str) -> bool:
        """Whether this access is struck."""
        if self.struck[kind] == 0:
            return False
        self.struck[kind] -= 1
        return True

    def write_block(self, address: int, data: NDArray[np.uint64]) -> None:
        if self.take("refuse write"):
            raise BusError(address, Response.SLVERR)
        memory = address >= Window.COMMAND.base
        self.written.append((address, len(data)))
        words = data.copy()
        if memory and self.take("write"):
            words[len(words) // 2] ^= np.uint64(1)
        super().write_block(address, words)

    def read_block(self, address: int, count: int) -> NDArray[np.uint64]:
        if self.take("refuse read"):
            raise BusError(address, Response.SLVERR)
        if count == 1 and address in self.replies:
            words = self.replies[address]
            return np.array([words.pop(0) if len(words) > 1 else words[0]], np.uint64)
        data = super().read_block(address, count)
        if address >= Window.COMMAND.base and self.take("read"):
            data[count // 2] ^= np.uint64(1)
        return data


@pytest.fixture
def target() -> Struck:
    return Struck()


@pytest.fixture
def driver(target: Struck) -> Driver:
    return Driver(target, config=FULL)


VALUES = np.random.default_rng(1).integers(-128, 128, (PIECE + 5, 4)).astype(np.int8)


@pytest.mark.parametrize("kind", ["write", "read", "refuse write", "refuse read"])
@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_transfer_that_differs_is_done_again(target: Struck, driver: Driver, kind: str, times: int) -> None:
    target.struck[kind] = times
    driver.load_activations(3, VALUES)
    assert np.array_equal(driver.read_activations(3, len(VALUES)), VALUES)
    assert np.array_equal(target.accelerator.activation[3 : 3 + len(VALUES)], VALUES)
    assert target.struck[kind] == 0


def test_only_the_piece_that_differs_is_done_again(target: Struck, driver: Driver) -> None:
    target.struck["write"], target.written = 1, []
    driver.load_activations(0, VALUES)
    base = Window.ACTIVATION.base
    blocks = [block for block in target.written if block[0] >= base]
    assert blocks == [(base, PIECE), (base, PIECE), (base + 8 * PIECE, 5)]


def test_what_always_differs_is_an_error(target: Struck, driver: Driver) -> None:
    target.struck["write"] = ALWAYS
    with pytest.raises(TransferFailed, match="5 words written to address 0x200010 differed 4 times in turn") as failed:
        driver.load_weights(2, VALUES[:5])
    assert (failed.value.address, failed.value.words) == (0x20_0010, 5)
    target.struck = Counter({"read": ALWAYS})
    with pytest.raises(TransferFailed, match="5 words read from address 0x300000 differed"):
        driver.read_activations(0, 5)
    for kind in ("refuse write", "refuse read"):
        target.struck = Counter({kind: ALWAYS})
        with pytest.raises(BusError, match="SLVERR"):
            driver.load_weights(0, VALUES[:5])
    target.struck.clear()
    target.script("written", *range(40))
    with pytest.raises(TransferFailed, match="differed 8 times"):
        driver.load_weights(0, VALUES[:5])


def status(state: State, *, error: int = 0, job: int = 1) -> int:
    return pack_register(register("status"), state=state, error=error, command=9, job=job, blocks=7)


def test_the_status_is_believed_when_two_reads_agree(target: Struck, driver: Driver) -> None:
    good = status(State.DONE)
    target.script("status", good ^ 1 << 30, good ^ 1, good)
    driver.run(0, 1)
    target.script("status", status(State.DONE, job=2) ^ 1 << 33)
    with pytest.raises(DriverError, match="status must be the end of job 2"):
        driver.run(0, 1)


@pytest.mark.parametrize("code", [code for code in ErrorCode if code is not ErrorCode.NONE])
def test_what_the_chip_gives_up_on_has_an_error_of_its_own(target: Struck, driver: Driver, code: ErrorCode) -> None:
    target.script("status", status(State.FAILED, error=code))
    with pytest.raises(JobFailed, match=f"command 9: {code.name}") as failed:
        driver.run(0, 1)
    assert (failed.value.error, failed.value.command) == (code, 9)
    assert isinstance(failed.value, Uncorrectable) == (code >= ErrorCode.COMMAND_MEMORY)
    if isinstance(failed.value, Uncorrectable):
        assert failed.value.block == 7 and str(failed.value).endswith("block 7")


def test_an_unprotected_chip_says_only_what_it_knows() -> None:
    config = preset("nano", "none")
    target = GoldenTarget(config)
    driver = Driver(target, config=config)
    driver.clear_health()
    assert driver.health() == Health() and driver.health().good
    with pytest.raises(ValueError, match="point must be one of a protected chip, nano isn't"):
        driver.inject(Injection.TAG_ROW)


@pytest.mark.parametrize(
    ("limit", "patience"), [(1, 1), (512, 1), (513, 2), (1 << 20, 2048), (65535 << 9, 65535), (1 << 25, 0)]
)
def test_patience_of_the_watchdog(limit: int, patience: int) -> None:
    words = []

    class Watched(GoldenTarget):
        def write(self, address: int, data: int) -> None:
            if address == register("start").address:
                words.append(data)
            super().write(address, data)

    for config in (FULL, preset("nano", "none")):
        with pytest.raises(JobFailed, match="BAD_CHECKSUM"):
            Driver(Watched(config), config=config).run(0, 1, cycle_limit=limit)
    assert [word >> 48 for word in words] == [patience, 0]


def test_health_is_what_the_counters_say(target: Struck, driver: Driver) -> None:
    assert driver.health() == Health()
    failure = pack_register(register("last_failure"), row=300, window=Window.WEIGHT, uncorrectable=1)
    target.script("last_failure", failure)
    assert driver.health().last_failure is None, "nothing failed since the counters were cleared"
    for number, name in enumerate(("corrected", "recovered", "uncorrectable", "outvoted", "refused_writes"), 1):
        target.script(name, number)
    target.script("faults", pack_register(register("faults"), tag=3, requantizer=1))
    health = driver.health()
    assert health == Health(
        corrected=1, recovered=2, uncorrectable=3, outvoted=4, refused_writes=5, faults={"tag": 3, "requantizer": 1},
        last_failure=Failure("weight", 300, True),
    )  # fmt: skip
    assert not health.good
    assert health + Health() == Health() + health == health
    both = health + Health(recovered=1, faults={"checksum": 1, "tag": 1}, last_failure=Failure("command", 1, False))
    assert both.faults == {"tag": 4, "checksum": 1, "requantizer": 1} and both.recovered == 3
    assert both.last_failure == Failure("command", 1, False)
    target.written.clear()
    driver.clear_health()
    names = {register(name).address for name in (*health.counted, "faults")}
    assert {address for address, _ in target.written} == names


def test_points_of_injection(target: Struck, driver: Driver) -> None:
    target.written.clear()
    driver.inject(Injection.HOST_WORD)
    assert target.written == [(register("inject").address, 1)]
