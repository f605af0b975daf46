"""Clocks the chip while it works, and notes how long that took."""

from __future__ import annotations

import json
import time
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from vanallen.tb.jobs import make_job

from .environment import environment
from .host import Host
from .random_layers import load_job

__all__ = ["speed"]


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def speed(dut: Any) -> None:
    """``cycles`` cycles, Python awake in each as a testbench is, with jobs started again as they end."""
    env = environment()
    host = Host(dut, env.config)
    await host.begin()
    job = make_job(env.config, env.seed, kind="matmul", layers=4, slots=5000)
    await load_job(host, job)
    counted, seconds = 0, 0.0
    while counted < env.settings["cycles"]:
        await host.start(job.first, len(job.layers))
        begin = time.perf_counter()
        while counted < env.settings["cycles"] and not int(dut.interrupt.value):
            await RisingEdge(dut.clk)
            counted += 1
        seconds += time.perf_counter() - begin
        await host.finish(100_000)
    (env.folder / "speed.json").write_text(json.dumps({"cycles": counted, "seconds": seconds}), encoding="utf-8")
    await host.end()
