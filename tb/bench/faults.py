"""Faults in each class of storage of the test plan, during real layers and between them."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge

from vanallen.tb.faults.layers import LAYERS
from vanallen.tb.plan import PLAN

from .deposits import Deposits, Place
from .environment import Environment, environment
from .host import Unexpected
from .rig import PatientHost, Rig, Seen, Strike

__all__ = ["HOW", "MAY_MOVE", "after", "begin_rigs", "faults"]

HOW = ("busy", "idle", "again", "last")
"""When a bit flips: in any cycle from the write that starts a job to its end; between two jobs; and once more in the
same cycle of the replay that it led to; in one of the last cycles before the end."""

_OUTVOTED, _CORRECTED = {"outvoted"}, {"corrected"}
_REPLAYED = {"recovered", "faults.*"}

MAY_MOVE: dict[str, set[str]] = {
    "ram_words": _CORRECTED,
}
"""Counters that a flip in each class may move."""

_LAST = 4


def places(deposits: Deposits, rig: Rig, name: str) -> Iterator[Place]:
    """Random bits of a class without end; of memories, mostly of words that the layer uses."""
    rng = random.Random(f"{name} {rig.job.first} {rig.model}")
    while True:
        chosen = rng.choice(deposits.classes[name])
        storage = deposits.storage[chosen]
        yield chosen, _element(rig, chosen, storage.elements, rng), rng.randrange(storage.bits)


def _element(rig: Rig, name: str, elements: int, rng: random.Random) -> int:
    if elements == 1:
        return 0
    job, fields = rig.job, rig.job.layers[0]
    used = {
        "activation_ram.ram": (fields["input_base"], fields["input_words"]),
        "weight_ram.ram": (job.arena.weight.start, job.arena.weight.count),
        "parameter_ram.ram": (fields["parameter_base"], fields["output_groups"] * job.config.steps_per_word),
        "command_ram.ram": (8 * job.first, 8 * len(job.layers)),
    }
    start, count = used.get(name, (0, min(elements, fields["block_rows"])))
    return rng.randrange(elements) if rng.random() < 0.1 else start + rng.randrange(count)


async def begin_rigs(dut: Any, env: Environment) -> list[tuple[str, Rig]]:
    """A rig for each layer, one after the other to be begun; the host waits for the chip first."""
    host = PatientHost(dut, env.config)
    await host.begin()
    deposits = Deposits(dut, env.chip)
    return [(layer, Rig(host, deposits, make(env.config))) for layer, make in LAYERS.items()]


def after(rig: Rig, cycle: int, place: Place, *, again: bool = False) -> Strike:
    """Flips a bit ``cycle`` cycles after the start; ``again`` in the same cycle of the replay, if there is one."""
    deposits, clk = rig.deposits, rig.host.dut.clk

    async def strike() -> None:
        await ClockCycles(clk, cycle + 1, FallingEdge)
        await deposits.flip_now([place])
        if not again:
            return
        for _ in range(rig.replay):  # until the command is fetched again
            await FallingEdge(clk)
            if phase(deposits) == REPLAY:
                break
        else:
            return
        while phase(deposits) == REPLAY:
            await FallingEdge(clk)
        await ClockCycles(clk, max(1, cycle - FETCH_AFTER), FallingEdge)
        await deposits.flip_now([place])

    return strike


REPLAY = 6
"""``JobMachine``'s phase."""
FETCH_AFTER = 8
"""Cycles from the write that starts a job to its first fetch, about."""


def phase(deposits: Deposits) -> int:
    """The job's phase: what most copies hold."""
    held = [deposits.value(f"job.copy_{copy}.phase") for copy in range(3)]
    return Counter(held).most_common(1)[0][0]


@cocotb.test(timeout_time=2000, timeout_unit="ms")
async def faults(dut: Any) -> None:
    """``jobs`` flips of class ``storage`` in each layer and of each way in :data:`HOW`; a job without a fault after each.

    Outputs are right, the job ends well and in time: without a replay in exactly as many cycles as without a fault, with
    one at most :attr:`Rig.replay` later. Only counters move that may.
    """
    env = environment()
    name, seen_all = env.settings["storage"], Counter[str]()
    for layer, rig in await begin_rigs(dut, env):
        await rig.begin()
        rng = random.Random(f"{env.seed} {name} {layer}")
        drawn = places(rig.deposits, rig, name)
        for how in HOW:
            for _ in range(env.settings["jobs"]):
                place = next(drawn)
                cycle = rig.length - 1 - rng.randrange(_LAST) if how == "last" else rng.randrange(rig.length)
                seen = await _run(rig, name, place, cycle, how)
                what = f"{place} {how} at {cycle} of {layer}"
                _check(env, rig, name, seen, what, how)
                seen_all.update({how: 1, **dict.fromkeys(seen.moved, 1), "masked": not seen.moved})
                await _next_job(rig, place, what)
        cocotb.log.info("%s, %s: %s", name, layer, dict(seen_all))
    (env.folder / "faults.json").write_text(json.dumps(seen_all), encoding="utf-8")
    if name not in _MASKED and not set(seen_all) - {*HOW, "masked"}:
        raise Unexpected(f"some flip of {name} must move a counter")
    await rig.host.end()


_MASKED = {"reports", "alarm_input", "ram_written", "alarms", "packer"}


async def _run(rig: Rig, name: str, place: Place, cycle: int, how: str) -> Seen:
    bus = name.startswith("bus")
    if how == "idle":
        await rig.deposits.flip([place])
        await ClockCycles(rig.host.dut.clk, 3)
        return await rig.run(poll=bus)
    return await rig.run(after(rig, cycle, place, again=how == "again"), poll=bus)


def _check(env: Environment, rig: Rig, name: str, seen: Seen, what: str, how: str) -> None:
    bus = name.startswith("bus")
    rig.sound(seen, what, replays=2 if how == "again" else 1, slack=64 if bus else 0, counted=name != "reports")
    cocotb.log.info("%s: %s", what, seen.moved)


async def _next_job(rig: Rig, place: Place, what: str) -> None:
    """The next job is good; a bit of a RAM that is still wrong is put right, not to meet a later one."""
    seen = await rig.run()
    try:
        rig.good(seen, moved=("corrected",))
    except Unexpected as error:
        raise Unexpected(f"the job after {what}: {error}; {seen}") from error
