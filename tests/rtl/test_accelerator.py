"""What the parts of the chip owe each other; the chip as a whole is tested in tests/tb and tests/sw."""

import pytest
from amaranth.hdl import Fragment

from vanallen.rtl.accelerator import Accelerator
from vanallen.rtl.config import PRESETS, Config

SMALLEST_MEMORIES = Config(
    name="small", rows=16, columns=64, lanes=1, activation_bytes=16 * 64, weight_bytes=64 * 64,
    accumulator_rows=16, parameter_rows=64, command_rows=64, protection="none",
)  # fmt: skip


@pytest.mark.parametrize("config", [*PRESETS.values(), SMALLEST_MEMORIES], ids=lambda config: config.name)
def test_the_fill_pass_and_a_failed_job_outlast_the_pipeline(config):
    chip = Accelerator(config=config)
    Fragment.get(chip, None)
    in_flight = chip.array.latency + chip.array.drain_latency + chip.requantizer.latency
    fill, job = (chip.machines[name].machine for name in ("fill", "job"))
    assert fill.rows > in_flight
    assert fill.rows >= max(memory.rows for memory in chip.memories.values())
    assert job.flush_cycles > in_flight
