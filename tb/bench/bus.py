"""The bus: a word a cycle, idle insertion and back-pressure, and the chip's state after reset."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge

from vanallen.rtl.registers import State, Window
from vanallen.tb.jobs import make_job

from .environment import environment
from .host import Deadline, Host, Unexpected, expect
from .random_layers import load_job, run_job

__all__ = ["back_to_back", "pauses", "start_state"]

_WORDS = 48
_OVERHEAD = 20
"""Cycles of a block transfer beyond one a word: latency, and starting and ending it."""

_IDLE, _PRESSURE = ("aw", "w", "ar"), ("b", "r")


def _pattern(seed: int, busy: float) -> Iterator[bool]:
    rng = random.Random(seed)
    while True:
        yield rng.random() < busy


async def _write_and_read(host: Host, window: Window, seed: int, words: int) -> None:
    data = np.random.default_rng(seed).integers(0, 256, 8 * words, np.uint8)
    data.reshape(-1, 8)[:, 4:] *= host.config.rows > 4 or window in (Window.COMMAND, Window.PARAMETER)
    await host.write(window.base, data.tobytes())
    if await host.read(window.base, len(data)) != data.tobytes():
        raise Unexpected(f"words written to {window.name} must come back")


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def back_to_back(dut: Any) -> None:
    """A word a cycle: writes, reads, and both at once."""
    env = environment()
    host = Host(dut, env.config)
    await host.begin()
    for window in (Window.ACTIVATION, Window.WEIGHT, Window.COMMAND, Window.PARAMETER):
        start = host.now()
        await host.write(window.base, bytes(8 * _WORDS))
        middle = host.now()
        await host.read(window.base, 8 * _WORDS)
        for what, cycles in (("writes", middle - start), ("reads", host.now() - middle)):
            cocotb.log.info("%d %s of %s: %d cycles", _WORDS, what, window.name, cycles)
            if not _WORDS <= cycles <= _WORDS + _OVERHEAD:
                raise Deadline(f"{_WORDS} {what} of {window.name} must take a cycle each, not {cycles}")
    env.cover({"bus.writes_back_to_back", "bus.reads_back_to_back"})
    start = host.now()
    reading = cocotb.start_soon(host.read(Window.WEIGHT.base, 8 * _WORDS))
    await host.write(Window.ACTIVATION.base, bytes(8 * _WORDS))
    await reading
    if host.now() - start > _WORDS + _OVERHEAD:
        raise Deadline(f"reads and writes at once must take a cycle each, not {host.now() - start} for {_WORDS}")
    start = host.now()
    same = cocotb.start_soon(host.read(Window.ACTIVATION.base, 8 * _WORDS))
    await host.write(Window.ACTIVATION.base, bytes(8 * _WORDS))
    expect("words read while they are overwritten", await same, bytes(8 * _WORDS))
    if host.now() - start > 3 * _WORDS + _OVERHEAD:  # a write of a row that is read waits for two cycles at most
        raise Deadline(f"reads and writes of the same rows took {host.now() - start} cycles for {_WORDS}")
    env.cover({"bus.both_at_once"})
    await host.end()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def pauses(dut: Any) -> None:
    """Idle cycles on each channel the host drives, back-pressure on each it receives, then all at once and a job."""
    env = environment()
    host = Host(dut, env.config)
    await host.begin()
    windows = (Window.ACTIVATION, Window.WEIGHT, Window.COMMAND, Window.PARAMETER)
    for index, (name, channel) in enumerate(host.channels.items()):
        for busy in (0.3, 0.8):
            channel.set_pause_generator(_pattern(env.seed + index, busy))
            await _write_and_read(host, windows[index % 4], env.seed, 64)
        channel.clear_pause_generator()
        channel.pause = False
        env.cover({f"idle.{name}" if name in _IDLE else f"pressure.{name}"})
    for index, channel in enumerate(host.channels.values()):
        channel.set_pause_generator(_pattern(env.seed + 100 + index, 0.5))
    for window in windows:
        await _write_and_read(host, window, env.seed, 64)
    env.cover({"pause.all"})
    job = make_job(env.config, env.seed, layers=3, slots=1000)
    await load_job(host, job)
    await run_job(host, job, env)
    env.cover({"pause.job"})
    for channel in host.channels.values():
        channel.clear_pause_generator()
        channel.pause = False
    await host.end()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def start_state(dut: Any) -> None:
    """From the second cycle after reset no port is undefined; data and responses are judged while they are valid."""
    env = environment()
    host = Host(dut, env.config)
    watching = cocotb.start_soon(_watch(dut))
    await host.begin()
    expect("state after filling", State((await host.get("status"))["state"]), State.READY)
    job = make_job(env.config, env.seed, layers=2, slots=500)
    await load_job(host, job)
    await run_job(host, job, env)
    await host.end()
    expect("cycles watched", watching.done(), False)
    watching.cancel()
    env.cover({"start.defined"} if env.settings.get("four_valued") else set())


async def _watch(dut: Any) -> None:
    always = ("s_axi_awready", "s_axi_wready", "s_axi_arready", "s_axi_bvalid", "s_axi_rvalid", "interrupt")
    await RisingEdge(dut.rst)
    await ClockCycles(dut.clk, 2)
    while True:
        await RisingEdge(dut.clk)
        await ReadOnly()
        names = list(always)
        for valid, payload in (("s_axi_bvalid", ("s_axi_bresp",)), ("s_axi_rvalid", ("s_axi_rdata", "s_axi_rresp"))):
            if not getattr(dut, valid).value.is_resolvable or int(getattr(dut, valid).value):
                names += payload
        for name in names:
            if not getattr(dut, name).value.is_resolvable:
                raise Unexpected(f"{name} must be defined, not {getattr(dut, name).value}")
