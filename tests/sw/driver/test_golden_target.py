"""The address map over the golden model."""

from __future__ import annotations

import numpy as np
import pytest

from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import PRESETS, Config, preset
from vanallen.rtl.registers import IDENTITY, State, Window, register, window_rows, window_stride
from vanallen.sw.driver import BusError, GoldenTarget, Response

WIDE = Config(
    name="wide",
    rows=8,
    columns=24,
    lanes=2,
    activation_bytes=1 << 13,
    weight_bytes=24 << 8,
    accumulator_rows=64,
    protection="none",
)
COUNTERS = ["job_cycles", "issued_slots", "stalled_slots", "stolen_slots", "throttled_slots", "corrected",
            "uncorrectable", "recovered", "outvoted", "refused_writes", "written", "read_back", "faults"]  # fmt: skip
READABLE = ["identity", "version", "configuration", "capacity", "status", "interrupt", "steal_interval", "governor",
            "replay_limit", "last_failure", "layer_cycles", *COUNTERS]  # fmt: skip
WRITABLE = ["start", "reset", "interrupt", "steal_interval", "governor", "replay_limit", "inject", *COUNTERS]


def address(name: str) -> int:
    return register(name).address


def test_registers_after_reset() -> None:
    target = GoldenTarget(PRESETS["payload"])
    assert target.read(address("identity")) == IDENTITY == 0x56414E414C4C454E
    assert target.read(address("version")) == 0x00_03_00
    assert target.read(address("configuration")) == 512 << 48 | 512 << 32 | 0x01_04_10_08
    assert target.read(address("capacity")) == 256 << 32 | 8192 << 16 | 16384
    assert target.read(address("status")) == State.READY
    assert target.read(address("interrupt")) == 0
    assert target.read(address("steal_interval")) == 1024
    assert target.read(address("governor")) == 0
    assert target.read_block(address("layer_cycles"), 64).tolist() == [0] * 64
    assert [target.read(address(name)) for name in (*COUNTERS, "last_failure")] == [0] * 14


def test_registers_of_the_wrong_direction() -> None:
    target = GoldenTarget(PRESETS["nano"])
    for name in {*READABLE, *WRITABLE}:
        for access, allowed in (
            (lambda where: target.read(where), READABLE),
            (lambda where: target.write(where, 0), WRITABLE),
        ):
            if name in allowed:
                access(address(name))
            else:
                with pytest.raises(BusError) as caught:
                    access(address(name))
                assert (caught.value.address, caught.value.response) == (address(name), Response.SLVERR)


@pytest.mark.parametrize("where", [0x1F8, 0x3F8, 0x600, Window.COMMAND.base - 8, 3 << 19])
def test_nothing_is_mapped_there(where: int) -> None:
    target = GoldenTarget(PRESETS["nano"])
    for access in (lambda: target.read(where), lambda: target.write(where, 0)):
        with pytest.raises(BusError) as caught:
            access()
        assert (caught.value.address, caught.value.response) == (where, Response.SLVERR)


@pytest.mark.parametrize(
    ("config", "window"),
    [
        pytest.param(config, window, id=f"{config.name}-{window.name}")
        for config in PRESETS.values()
        for window in Window
        if window is not Window.REGISTERS
    ],
)
def test_windows(config: Config, window: Window) -> None:
    rng, target = np.random.default_rng(3), GoldenTarget(config)
    memory = {
        Window.COMMAND: target.accelerator.commands,
        Window.PARAMETER: target.accelerator.parameters,
        Window.WEIGHT: target.accelerator.weight,
        Window.ACTIVATION: target.accelerator.activation,
    }[window]
    rows, stride = window_rows(config, window), window_stride(config, window)
    used = memory[0].nbytes
    words = rows * stride // 8
    mask = np.zeros(stride, np.uint8)
    mask[:used] = 0xFF
    mask = np.tile(mask, rows).view(np.uint64)
    want = rng.integers(0, 1 << 64, words, dtype=np.uint64)
    target.write_block(window.base, want)
    want &= mask
    assert np.array_equal(target.read_block(window.base, words), want)
    raw = np.frombuffer(memory.tobytes(), np.uint8).reshape(rows, used)
    assert np.array_equal(raw, want.view(np.uint8).reshape(rows, stride)[:, :used])
    for start, count in ((3, 1), (5, 10), (words - 2, 2)):
        part = rng.integers(0, 1 << 64, count, dtype=np.uint64)
        target.write_block(window.base + 8 * start, part)
        want[start : start + count] = part & mask[start : start + count]
        assert np.array_equal(target.read_block(window.base, words), want)
    with pytest.raises(BusError) as caught:
        target.write_block(window.base + 8 * (words - 1), np.full(2, 7, np.uint64))
    assert caught.value.address == window.base + 8 * words
    assert target.read(window.base + 8 * (words - 1)) == 7 & int(mask[-1])
    with pytest.raises(BusError):
        target.read_block(window.base + 8 * (words - 1), 2)


def test_nothing_is_between_rows_of_three_words() -> None:
    target = GoldenTarget(WIDE)
    base = Window.WEIGHT.base + 32
    target.write_block(base, np.arange(1, 4, dtype=np.uint64))
    assert target.read_block(base, 3).tolist() == [1, 2, 3]
    assert target.accelerator.weight[1].tolist() == [1, *[0] * 7, 2, *[0] * 7, 3, *[0] * 7]
    for access in (lambda: target.read_block(base + 8, 3), lambda: target.write_block(base, np.full(4, 9, np.uint64))):
        with pytest.raises(BusError) as caught:
            access()
        assert caught.value.address == base + 24
    assert target.accelerator.weight[1:3].sum() == 27


def test_start_status_and_interrupt() -> None:
    target = GoldenTarget(PRESETS["nano"])
    target.write(address("interrupt"), 1)
    target.write(address("start"), 0x0007_0001_0002)
    fields = ErrorCode.BAD_CHECKSUM << 8 | 2 << 16 | 7 << 32
    assert target.read(address("status")) == State.FAILED | fields
    assert target.read(address("interrupt")) == 3
    target.write(address("interrupt"), 0)
    assert target.read(address("interrupt")) == 2, "writing 0 to pending doesn't clear it"
    target.write(address("interrupt"), 3)
    assert target.read(address("interrupt")) == 1
    assert target.last_job is not None and target.last_job.error is ErrorCode.BAD_CHECKSUM


def test_a_steal_interval_below_16_is_a_bad_job() -> None:
    target = GoldenTarget(PRESETS["nano"])
    target.write(address("steal_interval"), 15)
    target.write(address("start"), 1 << 16)
    assert target.read(address("status")) >> 8 & 0xFF == ErrorCode.BAD_JOB


@pytest.mark.parametrize(("protection", "times"), [("none", 0), ("full", 3)])
def test_settings_are_kept_until_a_reset(protection: str, times: int) -> None:
    """An unprotected chip never begins a block again, and its limit reads as zero whatever is written."""
    target = GoldenTarget(preset("nano", protection))
    assert target.read(address("replay_limit")) == times
    for name, word in (("steal_interval", 0x5_4321), ("governor", 0xA_1220), ("replay_limit", 0xF7)):
        target.write(address(name), word)
    target.write(address("start"), 1 << 16)
    assert target.read(address("steal_interval")) == 0x4321, "bits outside the fields are not"
    assert target.read(address("governor")) == 0x1220
    assert target.read(address("replay_limit")) == (7 if times else 0)
    target.write(address("reset"), 1)
    assert [target.read(address(name)) for name in ("steal_interval", "governor", "replay_limit")] == [1024, 0, times]


def test_a_bad_jobs_command_is_a_number_that_command_ram_has() -> None:
    target = GoldenTarget(PRESETS["nano"])
    target.write(address("start"), 70 | 1 << 16)
    assert target.read(address("status")) == State.FAILED | ErrorCode.BAD_JOB << 8 | 70 % 64 << 16


def test_patience_ends_no_job_that_takes_no_time() -> None:
    target = GoldenTarget(PRESETS["nano"])
    target.write(address("start"), 1 << 48 | 7 << 32 | 1 << 16 | 2)
    assert target.read(address("status")) == State.FAILED | ErrorCode.BAD_CHECKSUM << 8 | 2 << 16 | 7 << 32


def test_reset_is_bit_0() -> None:
    target = GoldenTarget(PRESETS["nano"])
    target.write(Window.WEIGHT.base, 5)
    target.write(address("steal_interval"), 99)
    target.write(address("start"), 0)
    target.write(address("reset"), 2)
    assert target.read(Window.WEIGHT.base) == 5
    target.write(address("reset"), 1)
    assert target.read(Window.WEIGHT.base) == 0
    assert target.read(address("steal_interval")) == 1024
    assert target.read(address("status")) == State.READY
    assert target.read(address("interrupt")) == 0


@pytest.mark.parametrize("where", [4, -8, 1 << 22])
def test_addresses_outside_the_bus(where: int) -> None:
    target = GoldenTarget(PRESETS["nano"])
    for access in (lambda: target.read(where), lambda: target.write(where, 0)):
        with pytest.raises(ValueError, match="address"):
            access()
