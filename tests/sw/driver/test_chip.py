"""The driver on the chip itself, simulated, beside the golden target."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from vanallen.rtl.commands import ErrorCode, Opcode, encode
from vanallen.rtl.config import preset
from vanallen.rtl.registers import REGISTERS, Access, State, Window, register
from vanallen.sw.driver import (
    BusError,
    Driver,
    GoldenTarget,
    JobFailed,
    JobTimeout,
    Response,
    SimulationTarget,
)

NANO = preset("nano", "none")


@pytest.fixture
def chip() -> Iterator[SimulationTarget]:
    target = SimulationTarget(NANO)
    yield target
    target.close()


def product(rows: int, groups: int, blocks: int, **change: int) -> NDArray[np.uint64]:
    """A product from activation word 0 to word 1024, weights and parameters from 0."""
    return np.array([encode({
        "opcode": Opcode.MATMUL, "clamp_low": -128, "clamp_high": 127, "output_zero_point": 3,
        "input_words": rows * groups, "output_base": 1024, "output_words": rows * blocks,
        "column_blocks": blocks, "output_groups": blocks, "rows": rows, "block_rows": min(rows, 50),
        "output_width": rows, "input_groups": groups, "input_height": 1, "input_width": rows, "kernel_height": 1,
        "kernel_width": 1, "stride_height": 1, "stride_width": 1, "pixel_step": groups, "line_step": groups,
        "tap_line_step": 1,
    } | change)], np.uint64)  # fmt: skip


def test_jobs_equal_the_golden_targets(chip: SimulationTarget) -> None:
    """Several commands a job, and everything that the host can read of the result."""
    rng = np.random.default_rng(7)
    drivers = [Driver(target, config=NANO) for target in (chip, GoldenTarget(NANO))]
    commands = np.concatenate([product(20, 3, 5), product(1, 1, 1, output_base=1500), product(70, 2, 3)])
    a = rng.integers(-128, 128, (2048, 4)).astype(np.int8)
    b = rng.integers(-128, 128, (2048, 4)).astype(np.int8)
    bias = rng.integers(-(1 << 14), 1 << 14, (512, 1)).astype(np.int32)
    results = []
    for driver in drivers:
        driver.load_activations(0, a)
        driver.load_weights(0, b)
        driver.load_parameters(0, bias, np.full((512, 1), 0.004, np.float32))
        driver.load_commands(61, commands)
        results.append(driver.run(61, 3))
    assert np.array_equal(drivers[0].read_activations(0, 2048), drivers[1].read_activations(0, 2048))
    statuses = [driver.target.read(register("status").address) for driver in drivers]
    assert statuses[0] == statuses[1]
    assert min(results[0].cycles) > 0
    assert results[0].job_cycles == sum(results[0].cycles)
    assert results[0].counters["issued_slots"] == 20 * 3 * 5 + 1 + 70 * 2 * 3


@pytest.mark.parametrize(
    ("change", "want"),
    [
        ({"block_rows": 0}, ErrorCode.BAD_SHAPE),
        ({"first_address": 1}, ErrorCode.INPUT_ADDRESS),
        ({"weight_base": 2040}, ErrorCode.WEIGHT_ADDRESS),
        ({"parameter_base": 509}, ErrorCode.PARAMETER_ADDRESS),
        ({"output_words": 7}, ErrorCode.OUTPUT_ADDRESS),
    ],
)
def test_errors_of_a_command(chip: SimulationTarget, change: dict[str, int], want: ErrorCode) -> None:
    for target in (chip, GoldenTarget(NANO)):
        driver = Driver(target, config=NANO)
        driver.load_parameters(0, np.zeros((8, 1), np.int32), np.ones((8, 1), np.float32))
        driver.load_commands(0, np.concatenate([product(4, 3, 2), product(4, 3, 2, **change)]))
        with pytest.raises(JobFailed) as caught:
            driver.run(0, 2)
        assert (caught.value.error, caught.value.command) == (want, 1)
        driver.run(0, 1)


def test_a_job_that_takes_too_long(chip: SimulationTarget) -> None:
    driver = Driver(chip, config=NANO)
    driver.load_activations(0, np.ones((1, 4), np.int8))
    driver.load_commands(0, product(60, 16, 10))
    with pytest.raises(JobTimeout, match="still at command 0 after 500 cycles"):
        driver.run(0, 1, cycle_limit=500)
    assert chip.read(register("status").address) & 0xFF == State.BUSY
    for access in (lambda: driver.read_activations(0, 1), lambda: chip.write(register("start").address, 1 << 16)):
        with pytest.raises(BusError) as caught:
            access()
        assert caught.value.response is Response.SLVERR
    driver.soft_reset()
    assert not driver.read_activations(0, 1).any()
    driver.load_commands(0, product(4, 3, 2))
    driver.run(0, 1)


@pytest.mark.parametrize("where", [0x1F8, 0x3F8, 0x600, Window.COMMAND.base - 8, 3 << 19, (1 << 22) - 8])
def test_nothing_is_mapped_there(chip: SimulationTarget, where: int) -> None:
    Driver(chip, config=NANO)
    for target in (chip, GoldenTarget(NANO)):
        with pytest.raises(BusError) as read:
            target.read(where)
        with pytest.raises(BusError) as written:
            target.write(where, 0)
        for error in (read.value, written.value):
            assert (error.address, error.response) == (where, Response.SLVERR)


def test_registers_read_as_the_golden_targets(chip: SimulationTarget) -> None:
    """After a bad job and writes of all settings, what isn't the time that passes is equal."""
    words = {"steal_interval": 0x5_4321, "governor": 0xA_1220, "replay_limit": 0xF7, "throttled_slots": 1,
             "corrected": 1}  # fmt: skip
    for target in (chip, golden := GoldenTarget(NANO)):
        driver = Driver(target, config=NANO)
        with pytest.raises(JobFailed, match=f"command {70 % 64}: BAD_JOB"):
            driver.run(70, 1)
        for name, word in words.items():
            target.write(register(name).address, word)
    for entry in REGISTERS:
        if entry.access is not Access.WRITE and entry.name != "job_cycles":
            assert chip.read(entry.address) == golden.read(entry.address), entry.name


def test_transfers_take_a_cycle_a_word(chip: SimulationTarget) -> None:
    driver = Driver(chip, config=NANO)
    values = np.random.default_rng(1).integers(-128, 128, (2048, 4)).astype(np.int8)
    begin = chip.cycles
    driver.load_activations(0, values)
    assert chip.cycles - begin <= 2048 + 8
    begin = chip.cycles
    assert np.array_equal(driver.read_activations(0, 2048), values)
    assert chip.cycles - begin <= 2048 + 8


def test_the_steal_interval_stays_while_a_job_runs(chip: SimulationTarget) -> None:
    """An interval of 0 in mid-job would steal every slot."""
    driver = Driver(chip, config=NANO)
    driver.load_commands(0, product(70, 8, 4))
    alone = driver.run(0, 1).cycles
    interval, start = register("steal_interval").address, register("start").address
    chip.write(register("interrupt").address, 0b11)  # enabled, and the last job's acknowledged
    chip.write(start, 1 << 16)
    for value in (0, 1, 16):
        with pytest.raises(BusError):
            chip.write(interval, value)
    chip.wait(10_000)
    assert chip.read(register("status").address) & 0xFF == State.DONE
    assert driver.run(0, 1).cycles == alone


@pytest.mark.parametrize("cycles", range(0, 400, 37))
def test_a_reset_at_any_time_leaves_zeros_and_a_chip_that_works(chip: SimulationTarget, cycles: int) -> None:
    driver = Driver(chip, config=NANO)
    rng = np.random.default_rng(cycles)
    memories = rng.integers(-128, 128, (2, 2048, 4)).astype(np.int8)

    def job() -> NDArray[np.int8]:
        driver.load_activations(0, memories[0])
        driver.load_weights(0, memories[1])
        driver.load_parameters(0, np.zeros((512, 1), np.int32), np.full((512, 1), 0.004, np.float32))
        driver.load_commands(0, product(20, 2, 2))
        driver.run(0, 1)
        return driver.read_activations(1024, 40)

    want = job()
    chip.write(register("interrupt").address, 0b10)  # acknowledged, and no line to wait for
    chip.write(register("start").address, 1 << 16)
    chip.wait(cycles)
    driver.soft_reset()
    assert not driver.read_activations(0, 2048).any()
    assert np.array_equal(job(), want)
