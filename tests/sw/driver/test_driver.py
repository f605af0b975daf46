"""The driver on the golden target, and on targets that behave badly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from vanallen.rtl.commands import ErrorCode, Opcode, encode
from vanallen.rtl.config import PRESETS, Config, preset
from vanallen.rtl.registers import State, Window, register
from vanallen.sw.driver import Driver, DriverError, GoldenTarget, JobFailed, JobTimeout, TargetTimeout, WrongChip
from vanallen.sw.driver.packing import pack_register
from vanallen.sw.golden import matrix_product, requantize

WIDE = Config(
    name="wide", rows=8, columns=24, lanes=2, activation_bytes=1 << 13, weight_bytes=24 << 8, accumulator_rows=64,
    command_rows=1024, protection="none"
)  # fmt: skip
NANO = preset("nano", "none")


class Scripted(GoldenTarget):
    """A golden target whose registers in ``replies`` read as told: one value after another, the last one for good."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.replies: dict[int, list[int]] = {}
        self.waited: list[int] = []

    def script(self, name: str, *words: int) -> None:
        self.replies[register(name).address] = list(words)

    def read_block(self, address: int, count: int) -> NDArray[np.uint64]:
        if count == 1 and address in self.replies:
            words = self.replies[address]
            return np.array([words.pop(0) if len(words) > 1 else words[0]], np.uint64)
        return super().read_block(address, count)

    def wait(self, cycles: int) -> None:
        self.waited.append(cycles)


def product(config: Config, rows: int, output_base: int) -> NDArray[np.uint64]:
    """The command of a product rows x R by R x C from activation word 0 to ``output_base``."""
    groups = config.columns // config.rows
    return np.array([encode({
        "opcode": Opcode.MATMUL, "clamp_low": -128, "clamp_high": 127, "output_zero_point": 3,
        "input_words": rows, "output_base": output_base, "output_words": rows * groups,
        "column_blocks": 1, "output_groups": groups, "rows": rows, "block_rows": rows, "output_width": rows,
        "input_groups": 1, "input_height": 1, "input_width": rows, "kernel_height": 1, "kernel_width": 1,
        "stride_height": 1, "stride_width": 1, "pixel_step": 1, "line_step": 1, "tap_line_step": 1,
    })], np.uint64)  # fmt: skip


@pytest.mark.parametrize("config", [*PRESETS.values(), WIDE], ids=lambda config: config.name)
def test_a_product_by_reads_and_writes_alone(config: Config) -> None:
    rng = np.random.default_rng(2)
    driver = Driver(GoldenTarget(config), config=config)
    a = rng.integers(-128, 128, (20, config.rows)).astype(np.int8)
    b = rng.integers(-128, 128, (config.rows, config.columns)).astype(np.int8)
    bias = rng.integers(-(1 << 14), 1 << 14, (config.columns // config.lanes, config.lanes)).astype(np.int32)
    scale = rng.uniform(0.001, 0.01, bias.shape).astype(np.float32)
    driver.load_activations(0, a)
    driver.load_weights(0, b)
    driver.load_parameters(0, bias, scale)
    driver.load_commands(5, product(config, 20, 32))
    result = driver.run(5, 1)
    assert (result.cycles, result.job_cycles) == ((0,), 0)
    want = requantize(matrix_product(a, b), bias.ravel(), scale.ravel(), 3, -128, 127)
    got = driver.read_activations(32, 20 * config.columns // config.rows).reshape(20, -1)
    assert np.array_equal(got, want)
    assert np.array_equal(driver.read_activations(0, 20), a)


def test_rows_go_where_they_are_told() -> None:
    rng, target = np.random.default_rng(4), GoldenTarget(WIDE)
    driver, golden = Driver(target, config=WIDE), target.accelerator
    driver.load_weights(100, weights := rng.integers(-128, 128, (7, 24)).astype(np.int8))
    driver.load_parameters(500, bias := np.arange(24, dtype=np.int32).reshape(12, 2), bias.astype(np.float32))
    driver.load_commands(127, commands := rng.integers(0, 1 << 64, (1, 8), dtype=np.uint64))
    driver.load_activations(1023, activations := np.full((1, 8), -7, np.int8))
    driver.load_activations(1024, activations[:0])
    for memory, row, want in (
        (golden.weight, 100, weights),
        (golden.bias, 500, bias),
        (golden.scale, 500, bias),
        (golden.commands, 127 * 8, commands.ravel()),
        (golden.activation, 1023, activations),
    ):
        assert np.array_equal(memory[row : row + len(want)], want)
        assert np.count_nonzero(memory) == np.count_nonzero(want), "and nowhere else"


def test_arrays_of_the_wrong_kind_are_refused() -> None:
    driver = Driver(GoldenTarget(NANO), config=NANO)
    with pytest.raises(TypeError, match="activations must be int8, not uint8"):
        driver.load_activations(0, np.zeros((1, 4), np.uint8))
    with pytest.raises(ValueError, match=r"weights must be of shape \(rows, 4\), not \(1, 8\)"):
        driver.load_weights(0, np.zeros((1, 8), np.int8))
    with pytest.raises(ValueError, match="weights must lie in rows 0 to 2047, not 2 from row 2047"):
        driver.load_weights(2047, np.zeros((2, 4), np.int8))
    with pytest.raises(ValueError, match="activations must lie in rows 0 to 2047, not 1 from row -1"):
        driver.read_activations(-1, 1)
    with pytest.raises(TypeError, match="scale must be float32, not float64"):
        driver.load_parameters(0, np.zeros((1, 1), np.int32), np.zeros((1, 1)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"scale must be of shape \(2, 1\), not \(1, 1\)"):
        driver.load_parameters(0, np.zeros((2, 1), np.int32), np.zeros((1, 1), np.float32))
    with pytest.raises(ValueError, match=r"commands must be of shape \(commands, 8\), not \(8,\)"):
        driver.load_commands(0, np.zeros(8, np.uint64))
    with pytest.raises(ValueError, match="slots must be from 16 to 65535, not 15"):
        driver.set_steal_interval(15)


def test_another_chip_is_refused() -> None:
    for other in (
        replace(NANO, weight_bytes=4 << 10),
        replace(NANO, activation_bytes=4 << 10),
        replace(NANO, accumulator_rows=32),
    ):
        with pytest.raises(WrongChip, match="capacity of the chip must be that of nano"):
            Driver(GoldenTarget(other), config=NANO)
    smaller = (replace(NANO, parameter_rows=256), replace(NANO, command_rows=256))
    for other in (PRESETS["cubesat"], replace(NANO, lanes=2), preset("nano", "full"), *smaller):
        with pytest.raises(WrongChip, match="configuration of the chip must be that of nano"):
            Driver(GoldenTarget(other), config=NANO)
    target = Scripted(NANO)
    target.script("identity", 0)
    with pytest.raises(WrongChip, match="identity must be 0x56414e414c4c454e, not 0x0"):
        Driver(target, config=NANO)
    target = Scripted(NANO)
    target.script("version", 1 << 16)
    with pytest.raises(WrongChip, match="major version must be 0, not 1"):
        Driver(target, config=NANO)
    target.script("version", 0x02_FF)
    with pytest.raises(WrongChip, match="minor version must be at least 3, not 2"):
        Driver(target, config=NANO)
    target.script("version", 0xFF_FF)
    Driver(target, config=NANO)


def test_the_driver_waits_for_the_fill() -> None:
    target = Scripted(NANO)
    target.script("status", *[State.FILLING] * 3, State.READY)
    Driver(target, config=NANO)
    assert len(target.waited) == 3
    target.script("status", State.FILLING)
    target.waited.clear()
    with pytest.raises(TargetTimeout, match="the chip must be ready"):
        Driver(target, config=NANO)
    assert sum(target.waited) > 2048 * 3


def test_errors_of_a_job() -> None:
    target = GoldenTarget(NANO)
    driver = Driver(target, config=NANO)
    driver.load_commands(0, np.repeat(product(NANO, 4, 8), 3, axis=0))
    target.accelerator.commands[16] ^= np.uint64(1 << 60)
    with pytest.raises(JobFailed, match="the job failed at command 2: BAD_CHECKSUM") as caught:
        driver.run(0, 3)
    assert (caught.value.error, caught.value.command) == (ErrorCode.BAD_CHECKSUM, 2)
    driver.run(0, 2)
    with pytest.raises(JobFailed, match="command 3: BAD_JOB"):
        driver.run(3, 0)
    driver.set_steal_interval(100)
    driver.run(0, 1)
    driver.soft_reset()
    assert not target.accelerator.commands.any()


def status(state: State, *, error: int = 0, job: int = 1) -> int:
    return pack_register(register("status"), state=state, error=error, command=9, job=job)


def test_jobs_that_do_not_end_well() -> None:
    target = Scripted(NANO)
    driver = Driver(target, config=NANO)
    target.script("status", status(State.BUSY))
    with pytest.raises(JobTimeout, match="still at command 9 after 5000 cycles"):
        driver.run(0, 1, cycle_limit=5000)
    assert target.waited == [5000]
    target.script("status", status(State.FAILED, error=200, job=2))
    with pytest.raises(JobFailed, match="command 9: error 200") as caught:
        driver.run(0, 1)
    assert caught.value.error == 200
    for word in (status(State.DONE, job=2), status(State.READY, job=3)):
        target.script("status", word)
        with pytest.raises(DriverError, match="status must be the end of job"):
            driver.run(0, 1)


class Counting(GoldenTarget):
    """A golden target that counts: cycles of command k are k + 100 at the time it last ran."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.kept = [0] * 64
        self.counters: dict[int, int] = {}

    def write_block(self, address: int, data: NDArray[np.uint64]) -> None:
        super().write_block(address, data)
        if address in (register("job_cycles").address, register("stolen_slots").address):
            self.counters[address] = 0
        if address == register("start").address:
            first, count = int(data[0]) & 0xFFFF, int(data[0]) >> 16 & 0xFFFF
            for command in range(first, first + count):
                self.kept[command % 64] = command + 100
                for counter in self.counters:
                    self.counters[counter] += 10

    def read_block(self, address: int, count: int) -> NDArray[np.uint64]:
        base = register("layer_cycles").address
        if base <= address < base + 512:
            return np.array(self.kept, np.uint64)[(address - base) // 8 :][:count]
        if address in self.counters:
            return np.array([self.counters[address]], np.uint64)
        return super().read_block(address, count)


@pytest.mark.parametrize(("first", "count"), [(0, 1), (3, 5), (60, 10), (0, 64), (5, 123), (0, 128)])
def test_cycles_of_every_command(first: int, count: int) -> None:
    driver = Driver(Counting(WIDE), config=WIDE)
    driver.load_commands(0, np.repeat(product(WIDE, 4, 8), 128, axis=0))
    for _ in range(2):
        result = driver.run(first, count)
        assert list(result.cycles) == [command + 100 for command in range(first, first + count)]
        counted = {name: number for name, number in result.counters.items() if number}
        assert counted == {"job_cycles": 10 * count, "stolen_slots": 10 * count}
        names = {"job_cycles", "issued_slots", "stalled_slots", "stolen_slots", "throttled_slots"}
        assert set(result.counters) == names
        assert result.job_cycles == 10 * count


def test_memories_are_not_read_one_word_at_a_time() -> None:
    calls = []

    class Watched(GoldenTarget):
        def write_block(self, address: int, data: NDArray[np.uint64]) -> None:
            calls.append((address, len(data)))
            super().write_block(address, data)

    config = preset("payload", "none")
    driver = Driver(Watched(config), config=config)
    calls.clear()
    driver.load_weights(2, np.zeros((1000, 16), np.int8))
    driver.load_parameters(0, np.zeros((8, 4), np.int32), np.zeros((8, 4), np.float32))
    assert calls == [(Window.WEIGHT.base + 32, 2000), (Window.PARAMETER.base, 32)]
