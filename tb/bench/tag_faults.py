"""What steers the data path, hit one by one: a row skipped or added twice, a wrong row, a lost swap, and so on.

All columns do the same wrong thing then, so the checksum column, which shows that they agree, says nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from vanallen.rtl import timing
from vanallen.rtl.config import Config
from vanallen.rtl.control.tag import drain_tag, steering_tag

from .deposits import Place
from .environment import Environment, environment
from .faults import after, begin_rigs
from .host import Deadline, Unexpected, expect
from .rig import Rig, Seen

__all__ = ["TAG_FAULTS", "TagFault", "tag_faults", "tag_faults_bite"]

_ENTERING = timing.MEMORY + 1
"""Cycles from a tag to the first row of the array; padding is chosen one earlier."""


def _add(config: Config, column: int) -> int:
    """Cycles from a tag to the addition in a column."""
    return _ENTERING + config.rows - 1 + column + timing.ELEMENT


@dataclass(frozen=True)
class TagFault:
    """A ``field`` of the tags ``pipe`` is flipped, in slots for which ``when`` holds, at each of ``stages``."""

    name: str
    field: str
    when: Callable[[Mapping[str, int]], int | bool]
    stages: Callable[[Config], Iterable[int]]
    pipe: str = "array.tags"


def _all(config: Config) -> list[int]:
    """From the first stage to that of the last column's addition, some of them."""
    return [1, timing.MEMORY, _ENTERING, _add(config, 0) - timing.ACCUMULATOR, _add(config, 0), _add(config, 1)]


def _entered(config: Config) -> list[int]:
    return [1, _ENTERING - 1, _ENTERING]


TAG_FAULTS = (
    TagFault("row_skipped", "valid", lambda tag: tag["valid"], lambda config: _all(config)[:4]),
    TagFault("added_twice", "valid", lambda tag: not tag["valid"], lambda config: _all(config)[:4]),
    TagFault("wrong_row", "row", lambda tag: tag["valid"], lambda config: _all(config)[:4]),
    TagFault("wrong_bank", "bank", lambda tag: tag["valid"], lambda config: _all(config)[:4]),
    TagFault("lost_swap", "swap", lambda tag: tag["swap"], lambda config: range(1, _ENTERING + config.rows)),
    TagFault("lost_load", "load", lambda tag: tag["load"], _entered),
    TagFault("wrong_weight_row", "load_row", lambda tag: tag["load"], _entered),
    TagFault("lost_first", "first", lambda tag: tag["first"], _all),
    TagFault("wrong_padding", "padding", lambda tag: tag["valid"], lambda config: [1, timing.MEMORY]),
    TagFault("lost_write_enable", "valid", lambda tag: tag["valid"],
             lambda config: [_add(config, column) + 1 for column in (0, 1, config.columns - 1)]),
    TagFault("word_not_written", "write", lambda tag: tag["write"], lambda config: [1, timing.MEMORY],
             pipe="array.drain_tags"),
    TagFault("word_not_written_late", "write", lambda tag: tag["write"], lambda config: [1, timing.LANE],
             pipe="requantizer.tags"),
)  # fmt: skip
"""Each must be told by a check."""


async def _slots(rig: Rig, pipe: str) -> list[dict[str, int]]:
    """The tags at the first stage of ``pipe``, by the cycle since the write that starts the job."""
    layout = steering_tag(rig.job.config) if pipe == "array.tags" else drain_tag(rig.job.config)
    found: list[dict[str, int]] = []

    async def watch() -> None:
        for _ in range(rig.length):
            await FallingEdge(rig.host.dut.clk)
            word = rig.deposits.value(f"{pipe}.tag_1")
            found.append({name: word >> field.offset & (1 << field.width) - 1 for name, field in layout})

    await rig.run(watch)
    return found


def _places(rig: Rig, fault: TagFault, slots: list[dict[str, int]]) -> Iterator[tuple[int, Place]]:
    """The cycle and the bit of each deposit: at every stage in the first, a middle and the last slot that qualifies."""
    layout = steering_tag(rig.job.config) if fault.pipe == "array.tags" else drain_tag(rig.job.config)
    streams = [cycle for cycle, tag in enumerate(slots) if tag["valid"]]
    cycles = [cycle for cycle, tag in enumerate(slots) if fault.when(tag) and
              (fault.field != "valid" or streams[0] < cycle <= streams[-1])]  # fmt: skip
    chosen = sorted({cycles[0], cycles[len(cycles) // 2], cycles[-1]})
    for stage in fault.stages(rig.job.config):
        name = f"{fault.pipe}.tag_{stage}"
        if name in rig.deposits.storage:
            for cycle in chosen:
                yield cycle + stage - 1, (name, 0, layout[fault.field].offset)


def _chosen(env: Environment) -> tuple[TagFault, ...]:
    wanted = env.settings.get("faults")
    return tuple(fault for fault in TAG_FAULTS if wanted is None or fault.name in wanted)


@cocotb.test(timeout_time=2000, timeout_unit="ms")
async def tag_faults(dut: Any) -> None:
    """Every one is told, and the block done again: output right, a replay counted, a check that tells it."""
    env = environment()
    for layer, rig in await begin_rigs(dut, env):
        await rig.begin()
        slots = {pipe: await _slots(rig, pipe) for pipe in sorted({fault.pipe for fault in _chosen(env)})}
        for fault in _chosen(env):
            told = Counter[str]()
            for cycle, place in _places(rig, fault, slots[fault.pipe]):
                what = f"{fault.name}: {place} at {cycle} of {layer}"
                seen = await rig.run(after(rig, cycle, place))
                rig.sound(seen, what, replays=1)
                expect(f"{what}: replays, {seen}", seen.replays, 1)
                told.update(name for name in seen.moved if name.startswith("faults."))
                rig.good(await rig.run())
            expect(f"{fault.name}: places hit", bool(told), True)
            cocotb.log.info("%s, %s: told by %s", fault.name, layer, dict(told))
    await rig.host.end()


@cocotb.test(timeout_time=2000, timeout_unit="ms")
async def tag_faults_bite(dut: Any) -> None:
    """Without protection each of them makes a wrong output that nothing tells, in at least one of the layers."""
    env = environment()
    outcomes: dict[str, Counter[str]] = {fault.name: Counter() for fault in _chosen(env)}
    for _, rig in await begin_rigs(dut, env):
        await rig.begin()
        slots = {pipe: await _slots(rig, pipe) for pipe in sorted({fault.pipe for fault in _chosen(env)})}
        for fault in _chosen(env):
            for cycle, place in _places(rig, fault, slots[fault.pipe]):
                outcomes[fault.name][await _unprotected(rig, cycle, place)] += 1
    for name, found in outcomes.items():
        cocotb.log.info("%s: %s", name, dict(found))
    (env.folder / "faults.json").write_text(json.dumps(outcomes), encoding="utf-8")
    harmless = [name for name, found in outcomes.items() if not found["wrong"]]
    if harmless:
        raise Unexpected(f"without protection, {', '.join(harmless)} must change an output somewhere; {outcomes}")


async def _unprotected(rig: Rig, cycle: int, place: Place) -> str:
    """What becomes of the deposit; the chip is emptied and loaded again afterwards."""
    host = rig.host
    try:
        seen: Seen = await rig.run(after(rig, cycle, place))
        outcome = "wrong" if seen.wrong else seen.state.name.lower()
    except Deadline:
        outcome = "hang"
    if outcome != "done":
        await host.put("reset", reset=1)
        await host.ready()
        await rig.load()
    return outcome
