"""Registers: what they say, what the chip refuses, soft reset, interrupt, counters."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles

from vanallen.rtl.config import Config
from vanallen.rtl.registers import (
    COUNTERS,
    IDENTITY,
    REGISTERS,
    VERSION,
    Access,
    State,
    Window,
    register,
    window_rows,
    window_stride,
)
from vanallen.tb.jobs import Job, make_job

from .environment import environment
from .host import SLVERR, Host, expect
from .random_layers import load_job, run_job

__all__ = ["busy", "interrupt_line", "refused", "registers", "soft_reset"]


def _job(config: Config, seed: int) -> Job:
    return make_job(config, seed, layers=4, slots=2000)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def registers(dut: Any) -> None:
    """Constants are the configuration's; job numbers come back; counters clear."""
    env = environment()
    host, config = Host(dut, env.config), env.config
    await host.begin()
    expect("identity", (await host.get("identity"))["identity"], IDENTITY)
    version = await host.get("version")
    expect("version", (version["major"], version["minor"], version["patch"]), VERSION)
    names = ("rows", "columns", "lanes", "side_columns", "parameter_rows", "command_rows")
    sizes = {name: getattr(config, name) for name in names}
    expect("configuration", await host.get("configuration"), sizes)
    capacity = {
        "activation": config.activation_words,
        "weight": config.weight_words,
        "accumulator": config.accumulator_rows,
    }
    expect("capacity", await host.get("capacity"), capacity)
    expect("steal interval after reset", (await host.get("steal_interval"))["slots"], 1024)
    for number in (0x1234, 0xFFFF, 0):
        host.job = number - 1
        job = _job(config, env.seed + number)
        await load_job(host, job)
        await run_job(host, job, env)
    for name in COUNTERS:
        await host.put(name)
        expect(f"{name} after clearing", (await host.get(name))["count"], 0)
    env.cover({"status.job_number", "counters.cleared"})
    await host.end()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def refused(dut: Any) -> None:
    """Addresses with nothing behind them, the wrong direction and partial writes are refused and change nothing."""
    env = environment()
    host, config = Host(dut, env.config), env.config
    await host.begin()
    holes = [0xF8, 0x3F8, 0x600, 0xFF8, 0x1000, 3 << 19, 5 << 19, 7 << 19]
    for window in (Window.COMMAND, Window.PARAMETER, Window.WEIGHT, Window.ACTIVATION):
        end = window_rows(config, window) * window_stride(config, window)
        holes += [window.base + end] if end < 1 << 19 else []
    for address in holes:
        expect(f"write to {address:#x}", await host.try_write(address, bytes(8)), SLVERR)
        expect(f"read from {address:#x}", await host.try_read(address), (SLVERR, bytes(8)))
    for entry in REGISTERS:
        if entry.access is Access.READ:
            before = await host.read(entry.address)
            expect(f"write to {entry.name}", await host.try_write(entry.address, b"\xff" * 8), SLVERR)
            expect(f"{entry.name} after a refused write", await host.read(entry.address), before)
        elif entry.access is Access.WRITE:
            expect(f"read of {entry.name}", (await host.try_read(entry.address))[0], SLVERR)
    for window in (Window.COMMAND, Window.PARAMETER, Window.WEIGHT, Window.ACTIVATION):
        await host.write(window.base, b"\x55" * 8)
        before = await host.read(window.base)
        for offset, length in ((0, 4), (4, 4), (0, 7), (1, 7), (3, 1)):
            expect("partial write", await host.try_write(window.base + offset, b"\xaa" * length), SLVERR)
        expect("word after refused partial writes", await host.read(window.base), before)
    entry = register("steal_interval")
    expect("partial register write", await host.try_write(entry.address, b"\x11\x11"), SLVERR)
    expect("steal interval", (await host.get("steal_interval"))["slots"], 1024)
    env.cover({"refused.unmapped_write", "refused.unmapped_read", "refused.read_only", "refused.write_only",
               "refused.partial_strobe"})  # fmt: skip
    await host.end()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def busy(dut: Any) -> None:
    """While a job runs, memories and start are refused, and the job's results are none the worse."""
    env = environment()
    host, config = Host(dut, env.config), env.config
    await host.begin()
    job = make_job(config, env.seed, kind="blocks", layers=6, slots=3000)
    await load_job(host, job)
    meddling = cocotb.start_soon(_meddle(host, env.seed))
    await run_job(host, job, env)
    expect("accesses refused while busy", min((await meddling).values()) > 0, True)
    env.cover({"refused.write_while_busy", "refused.read_while_busy", "refused.start_while_busy"})
    await host.end()


async def _meddle(host: Host, seed: int) -> dict[str, int]:
    """Access everything while the job runs; how often each kind was refused."""
    values = np.random.default_rng(seed)
    refusals = {"write": 0, "read": 0, "start": 0}
    while (await host.get("status"))["state"] != State.BUSY:
        await ClockCycles(host.dut.clk, 1)
    for _ in range(12):
        window = (Window.COMMAND, Window.PARAMETER, Window.WEIGHT, Window.ACTIVATION)[int(values.integers(4))]
        address = window.base + 8 * int(values.integers(64))
        outcomes = {
            "write": await host.try_write(address, values.bytes(8)),
            "read": (await host.try_read(address))[0],
            "start": await host.try_write(register("start").address, values.bytes(8)),
        }
        if (await host.get("status"))["state"] != State.BUSY:
            break
        for kind, response in outcomes.items():
            expect(f"{kind} while busy", response, SLVERR)
            refusals[kind] += 1
    return refusals


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def soft_reset(dut: Any) -> None:
    """A soft reset at any time of a job empties the chip; the next job is good."""
    env = environment()
    host, config = Host(dut, env.config), env.config
    values = np.random.default_rng(env.seed)
    await host.begin()
    for index in range(env.settings["jobs"]):
        job = _job(config, env.seed + index)
        await load_job(host, job)
        await host.start(job.first, len(job.layers))
        await ClockCycles(dut.clk, int(values.integers(0, 600)))
        running = (await host.get("status"))["state"] == State.BUSY
        await host.put("reset", reset=1)
        expect("state", State((await host.get("status"))["state"]), State.FILLING)
        expect("write while filling", await host.try_write(Window.WEIGHT.base, bytes(8)), SLVERR)
        expect("start while filling", await host.try_write(register("start").address, bytes(8)), SLVERR)
        await host.ready()
        expect("state", State((await host.get("status"))["state"]), State.READY)
        expect("interrupt line", int(dut.interrupt.value), 0)
        space = job.arena.activation
        empty = await host.load(Window.ACTIVATION, space.start, space.count, config.rows, np.int8)
        expect("bytes left after a reset", int(np.count_nonzero(empty)), 0)
        await load_job(host, job)
        await run_job(host, job, env)
        env.cover({"refused.filling", "reset.while_busy" if running else "reset.while_idle"})
    await host.put("reset", reset=1)
    await host.ready()
    env.cover({"reset.while_idle"})
    await host.end()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def interrupt_line(dut: Any) -> None:
    """The line is enable and pending; writing 1 acknowledges."""
    env = environment()
    host = Host(dut, env.config)
    await host.begin()
    job = _job(env.config, env.seed)
    await load_job(host, job)
    await run_job(host, job, env)
    expect("line after the job", int(dut.interrupt.value), 1)
    await host.put("interrupt", enable=1)
    expect("line when not acknowledged", int(dut.interrupt.value), 1)
    await host.put("interrupt", enable=1, pending=1)
    await ClockCycles(dut.clk, 2)
    expect("line after acknowledging", int(dut.interrupt.value), 0)
    await host.put("interrupt", enable=0, pending=1)
    await host.put("start", first=job.first, count=len(job.layers), job=77)
    while (status := await host.get("status"))["state"] == State.BUSY:
        expect("line while disabled", int(dut.interrupt.value), 0)
        await ClockCycles(dut.clk, 50)
    expect("status", (State(status["state"]), status["job"]), (State.DONE, 77))
    expect("line while disabled", int(dut.interrupt.value), 0)
    expect("pending while disabled", await host.get("interrupt"), {"enable": 0, "pending": 1})
    await host.put("interrupt", enable=1)
    await ClockCycles(dut.clk, 2)
    expect("line once enabled", int(dut.interrupt.value), 1)
    env.cover({"interrupt.enabled", "interrupt.disabled", "interrupt.acknowledged"})
    await host.end()
