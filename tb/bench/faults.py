"""Faults in each class of storage of the test plan, during real layers and between them."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge

from vanallen.rtl.control.job import Phase
from vanallen.tb.faults.layers import LAYERS

from .deposits import Deposits, Place
from .environment import Environment, environment
from .host import Unexpected, expect
from .rig import PatientHost, Rig, Seen, Strike

__all__ = ["HOW", "MAY_MOVE", "after", "begin_rigs", "faults"]

HOW = ("busy", "idle", "again", "last")
"""When a bit flips: in any cycle from the write that starts a job to its end; between two jobs; and once more in the
same cycle of the replay that it led to; in one of the last cycles before the end."""

_MEMORIES = {f"faults.{name}_memory" for name in ("activation", "weight", "parameter", "command")}
_PARITIES = {"faults.weight_parity", "faults.activation_parity", "faults.requantizer"}


def _told(*checks: str) -> set[str]:
    return {"recovered", *(f"faults.{check}" for check in checks)}


_FOUND = {"corrected", "uncorrectable", *_MEMORIES, *_PARITIES, *_told("tag", "weight_identity", "checksum")}

MAY_MOVE: dict[str, set[str]] = {
    "ram_words": {"corrected"},
    "ram_written": {"corrected"},
    "ram_read": {"corrected", "uncorrectable", "recovered", *_MEMORIES, *_PARITIES},
    "ram_row": {"uncorrectable", "recovered", *_MEMORIES},
    **{name: {"outvoted"} for name in ("ram_control", "machines", "job_machine", "bus_control")},
    "bus_writes": {"refused_writes"},
    "bus_reads": set(),
    "tags": _told("tag", "weight_identity", "checksum"),
    "weight_edge": _told("weight_parity", "activation_parity"),
    "weights": _told("checksum", "weight_parity"),
    "weight_enables": _told("weight_identity", "checksum"),
    "activations": _told("activation_parity", "checksum"),
    "sums": _told("checksum"),
    "lanes": _told("requantizer", "activation_memory"),
    "packer": _told("requantizer", "activation_memory"),
    "alarms": _FOUND,
    "held_command": {"recovered"},
    "injection": set(),
    "choices": {"refused_writes", *_FOUND},
    "alarm_input": set(),
}
"""Counters that a flip in each class may move; any, where the counters themselves are hit."""

_QUIET = {"reports", "injection", "alarm_input", "bus_reads"}
"""Classes of which no flip need move a counter."""

_LAST = 4
_BUS_SLACK = 64
"""Cycles by which a start that has to be written again is late."""


def places(deposits: Deposits, rig: Rig, name: str) -> Iterator[Place]:
    """Random bits of a class without end; of memories, mostly of words that the layer uses."""
    rng = random.Random(f"{name} {rig.job.first} {rig.model}")
    while True:
        names = deposits.classes[name]
        if name == "ram_written" and rng.random() < 0.8:  # the RAM that a layer writes
            names = [part for part in names if part.startswith("activation")]
        chosen = rng.choice(names)
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


REPLAY = Phase.REPLAY.value
"""``JobMachine``'s phase."""
FETCH_AFTER = 8
"""Cycles from the write that starts a job to its first fetch, about."""


def phase(deposits: Deposits) -> int:
    """The job's phase: what most copies hold."""
    held = [deposits.value(f"job.copy_{copy}.phase") for copy in range(3)]
    return Counter(held).most_common(1)[0][0]


@cocotb.test(timeout_time=2000, timeout_unit="ms")
async def faults(dut: Any) -> None:
    """``jobs`` flips of class ``storage`` in each layer and of each way in :data:`HOW`; a job without one after each.

    Outputs are right, the job ends well and in time: without a replay in exactly as many cycles as without a fault,
    with one at most :attr:`Rig.replay` later. Only counters move that may.
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
                held = rig.deposits.value(*place[:2])
                cycle = _cycle(rig, name, how, rng)
                seen = await _run(rig, name, place, cycle, how)
                what = f"{place} {how} at {cycle} of {layer}"
                _check(rig, name, seen, what, how)
                seen_all.update({how: 1, **dict.fromkeys(seen.moved, 1), "masked": not seen.moved})
                await _next_job(rig, place, held, what)
        cocotb.log.info("%s, %s: %s", name, layer, dict(seen_all))
    (env.folder / "faults.json").write_text(json.dumps(seen_all), encoding="utf-8")
    if name not in _QUIET and not set(seen_all) - {*HOW, "masked"}:
        raise Unexpected(f"some flip of {name} must move a counter")
    await rig.host.end()


def _cycle(rig: Rig, name: str, how: str, rng: random.Random) -> int:
    """When to flip: what the host writes is under way at the start alone, what the layer writes at the end."""
    if how == "last":
        return rig.length - 1 - rng.randrange(_LAST)
    if name == "bus_writes":
        return rng.randrange(8)
    if name == "ram_written":
        return rng.randrange(rig.length // 2, rig.length)
    return rng.randrange(rig.length)


def _at_bus(name: str) -> bool:
    """Whether a flip in this class may be one of a write of the host."""
    return name.startswith("bus") or name == "choices"


async def _run(rig: Rig, name: str, place: Place, cycle: int, how: str) -> Seen:
    bus = _at_bus(name)
    if how == "idle":
        await rig.deposits.flip([place])
        await ClockCycles(rig.host.dut.clk, 3)
        return await rig.run(poll=bus)
    return await rig.run(after(rig, cycle, place, again=how == "again"), poll=bus)


def _check(rig: Rig, name: str, seen: Seen, what: str, how: str) -> None:
    cocotb.log.info("%s: %s", what, seen.moved)
    if name == "reports":
        rig.sound(replace(seen, moved={}, cycles=rig.cycles), what, replays=0)
        return
    slack = _BUS_SLACK if _at_bus(name) else 0
    rig.sound(seen, what, replays=2 if how == "again" else 1, slack=slack)
    expect(f"{what}: counters that must not move, {seen}", set(seen.moved) - MAY_MOVE[name], set())


async def _next_job(rig: Rig, place: Place, held: int, what: str) -> None:
    """The next job is good; a bit of a RAM that is still wrong is put right, not to meet a later one."""
    seen = await rig.run()
    try:
        rig.good(seen, moved=("corrected",))
    except Unexpected as error:
        raise Unexpected(f"the job after {what}: {error}; {seen}") from error
    name, element, _ = place
    if name.endswith("_ram.ram") and not (name == "activation_ram.ram" and rig.is_output(element)):
        await FallingEdge(rig.host.dut.clk)
        await rig.deposits.put({(name, element): held})
