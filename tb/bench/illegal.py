"""Illegal commands: each error code is provoked, and the next job is good."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from vanallen.rtl.commands import ErrorCode, encode
from vanallen.rtl.config import COMMAND_WORDS
from vanallen.rtl.registers import State, Window
from vanallen.sw.golden.accelerator import GoldenAccelerator
from vanallen.tb.illegal import good_command, illegal_changes, illegal_jobs_of

from .environment import environment
from .host import Host, Unexpected, expect

__all__ = ["illegal_commands", "illegal_jobs"]

_DEADLINE = 2000
_GOOD, _BAD = 3, 4
"""Commands of the job: a good one, then the bad one."""


class _Bench:
    """Memories loaded at random, a golden model beside the chip."""

    def __init__(self, host: Host, seed: int) -> None:
        self.host = host
        config = host.config
        self.golden = GoldenAccelerator(config)
        values = np.random.default_rng(seed)
        self.golden.activation[:64] = values.integers(-128, 128, (64, config.rows))
        self.golden.weight[: config.rows] = values.integers(-128, 128, (config.rows, config.columns))
        self.golden.bias[:64] = values.integers(-1000, 1000, (64, config.lanes))
        self.golden.scale[:64] = values.uniform(0.001, 0.01, (64, config.lanes))

    async def load(self) -> None:
        golden, config = self.golden, self.host.config
        await self.host.store(Window.ACTIVATION, 0, golden.activation[:64])
        await self.host.store(Window.WEIGHT, 0, golden.weight[: config.rows])
        await self.host.store(Window.PARAMETER, 0, golden.parameters[:64])
        await self.put_command(_GOOD, np.array(encode(good_command()), np.uint64))

    async def put_command(self, index: int, words: Any) -> None:
        self.golden.commands[COMMAND_WORDS * index :][:COMMAND_WORDS] = words
        await self.host.store(Window.COMMAND, COMMAND_WORDS * index, np.asarray(words, np.uint64).reshape(-1, 1))

    async def good_job(self) -> None:
        """Run the good command on new input and compare its outputs."""
        config, golden = self.host.config, self.golden
        golden.activation[:4] = golden.activation[:4] + np.int8(37)
        await self.host.store(Window.ACTIVATION, 0, golden.activation[:4])
        golden.run(_GOOD, 1)
        await self.host.start(_GOOD, 1)
        expect("state", State((await self.host.finish(_DEADLINE))["state"]), State.DONE)
        got = await self.host.load(Window.ACTIVATION, 0, 64, config.rows, np.int8)
        if (got != golden.activation[:64]).any():
            raise Unexpected(f"words {np.argwhere(got != golden.activation[:64])[:, 0]} differ after a good job")

    async def bad_job(self, code: ErrorCode, words: list[int]) -> None:
        """Run the good and the bad command, and compare with what must be reported."""
        await self.put_command(_BAD, np.array(words, np.uint64))
        expect("golden model's errors", self.golden.run(_GOOD, 2).errors, (code,))
        await self.host.start(_GOOD, 2)
        status = await self.host.finish(_DEADLINE)
        expect("state", State(status["state"]), State.FAILED)
        expect("error", ErrorCode(status["error"]), code)
        expect("command at fault", status["command"], _BAD)
        await self.host.store(Window.ACTIVATION, 0, self.golden.activation[:64])  # a failing layer may have written


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def illegal_commands(dut: Any) -> None:
    """Every code that a command can provoke, in the second command of a job; a good job after each."""
    env = environment()
    host = Host(dut, env.config)
    await host.begin()
    bench = _Bench(host, env.seed)
    await bench.load()
    values = np.random.default_rng(env.seed)
    for code, change in illegal_changes(env.config):
        cocotb.log.info("%s by %s", code.name, change)
        await bench.bad_job(code, encode(good_command() | change))
        await bench.good_job()
        env.cover({f"error.{code.name.lower()}"})
    for word in range(COMMAND_WORDS):
        words = encode(good_command())
        words[word] ^= 1 << int(values.integers(64))
        await bench.bad_job(ErrorCode.BAD_CHECKSUM, words)
        await bench.good_job()
    await bench.bad_job(ErrorCode.BAD_CHECKSUM, [0] * COMMAND_WORDS)
    await bench.good_job()
    env.cover({"error.bad_checksum"})
    await host.end()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def illegal_jobs(dut: Any) -> None:
    """Jobs without commands, beyond command RAM, or with too small a steal interval."""
    env = environment()
    host = Host(dut, env.config)
    await host.begin()
    bench = _Bench(host, env.seed)
    await bench.load()
    for first, count, interval in illegal_jobs_of(env.config):
        await host.put("steal_interval", slots=interval)
        await host.start(first, count)
        status = await host.finish(_DEADLINE)
        expect("state, error", (State(status["state"]), ErrorCode(status["error"])), (State.FAILED, ErrorCode.BAD_JOB))
        await host.put("steal_interval", slots=1024)
        await bench.good_job()
    env.cover({"error.bad_job"})
    await host.end()
