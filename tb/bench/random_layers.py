"""Random jobs against the golden model and the cycle model."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from vanallen.rtl.registers import State, Window
from vanallen.tb.coverage import job_points
from vanallen.tb.jobs import Job, check_activations, check_cycles, expected_cycles, make_job, run_golden

from .environment import Environment, environment
from .host import Host, expect

__all__ = ["load_job", "random_layers", "run_job"]


async def load_job(host: Host, job: Job) -> None:
    """Load a job's memories and commands."""
    arena, lanes = job.arena, job.config.lanes
    records = np.empty((arena.parameter.count, lanes), [("bias", "<i4"), ("scale", "<f4")])
    records["bias"], records["scale"] = job.bias, job.scale
    await host.store(Window.ACTIVATION, arena.activation.start, job.activation)
    await host.store(Window.WEIGHT, arena.weight.start, job.weight)
    await host.store(Window.PARAMETER, arena.parameter.start, records)
    await host.store(Window.COMMAND, 8 * job.first, job.commands.reshape(-1, 1))
    await host.put("steal_interval", slots=job.steal_interval)


async def run_job(host: Host, job: Job, env: Environment) -> None:
    """Run a loaded job and compare everything with the models."""
    golden, outcome = run_golden(job)
    limit = sum(expected_cycles(job.config, fields, job.steal_interval) for fields in job.layers)
    await host.start(job.first, len(job.layers))
    status = await host.finish(limit + 1000)
    expect("state", State(status["state"]), State.DONE)
    expect("command", status["command"], job.first + len(job.layers) - 1)
    cycles = await host.layer_cycles(job.first, len(job.layers))
    space = job.arena.activation
    got = await host.load(Window.ACTIVATION, space.start, space.count, job.config.rows, np.int8)
    check_activations(job, golden, got, cycles)
    check_cycles(job, cycles)
    counters = {name: (await host.get(name))["count"] for name in ("job_cycles", "stalled_slots", "stolen_slots")}
    expect("cycles of the job", counters["job_cycles"], sum(cycles))
    env.cover(job_points(job, outcome, stalled=counters["stalled_slots"], stolen=counters["stolen_slots"]))


@cocotb.test(timeout_time=60, timeout_unit="ms")
async def random_layers(dut: Any) -> None:
    """``jobs`` random jobs of ``kind``: every word of the arena and the cycles of every layer."""
    env = environment()
    host = Host(dut, env.config)
    await host.begin()
    options = {name: env.settings[name] for name in ("kind", "layers", "slots", "first") if name in env.settings}
    for index in range(env.settings["jobs"]):
        interval = env.settings.get("steal_intervals", [1024])
        job = make_job(env.config, env.seed + index, steal_interval=interval[index % len(interval)], **options)
        await load_job(host, job)
        await run_job(host, job, env)
        cocotb.log.info("job %d: seed %d, %d layers agree", index, env.seed + index, len(job.layers))
    await host.end()
