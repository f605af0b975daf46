"""Flips in what repairs, while it repairs: the scrubbers of the memories, and the machines that do a block again."""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge

from vanallen.rtl.ecc.secded import Secded, Status
from vanallen.rtl.registers import MEMORY_WINDOWS, Window, window_banks, window_rows

from .deposits import Place
from .environment import environment
from .faults import REPLAY, begin_rigs, phase
from .host import Unexpected, expect
from .rig import Rig

__all__ = ["replay_faults", "scrub_faults"]

_AHEAD = 3
"""Rows from the one that the scrubber is at to the one that is hit."""
_PATIENCE = 400


@cocotb.test(timeout_time=2000, timeout_unit="ms")
async def scrub_faults(dut: Any) -> None:
    """A wrong bit ahead of each memory's scrubber; while it is put right a flip in the scrubber, ``jobs`` times.

    No other word of the memory changes, and this one has one wrong bit at most, which the next round puts right; flips
    of what the copies hold don't delay it. Only a flip of the row that the word is decoded with may give it a second
    one, for with that row it has two wrong things: that is told. A layer then runs well.
    """
    env = environment()
    rng = random.Random(env.seed)
    for layer, rig in await begin_rigs(dut, env):
        await rig.begin()
        for window in MEMORY_WINDOWS:
            ram, told = f"{window.name.lower()}_ram", Counter[str]()
            cycles = max([await _put_right(rig, ram, rng) for _ in range(4)])
            names = [name for name in rig.deposits.storage if name.startswith(f"{ram}.") and name != f"{ram}.ram"]
            for _ in range(env.settings["jobs"]):
                name = rng.choice(names)
                place = (name, 0, rng.randrange(rig.deposits.storage[name].bits))
                told[await _struck(rig, ram, place, rng.randrange(cycles + 4), rng)] += 1
            rig.good(await rig.run(), moved=("corrected",))
            cocotb.log.info("%s, %s: right after %d cycles at most, %s", layer, ram, cycles, dict(told))
            expect("some are put right in time", told["right"] > 0, True)
        await _while_running(rig, layer, rng, env.settings["jobs"])
    await rig.host.end()


def _ahead(rig: Rig, ram: str) -> int:
    """A row that the scrubber will come to."""
    elements = rig.deposits.storage[f"{ram}.ram"].elements
    return (rig.deposits.value(f"{ram}.access.copy_0.row") + _AHEAD) % elements


def _contents(rig: Rig, ram: str) -> list[int]:
    return [rig.deposits.value(f"{ram}.ram", row) for row in range(rig.deposits.storage[f"{ram}.ram"].elements)]


async def _hit(rig: Rig, ram: str, rng: random.Random) -> tuple[int, int]:
    """A bit of a word ahead of the scrubber flipped: row, and what was there."""
    await FallingEdge(rig.host.dut.clk)
    row = _ahead(rig, ram)
    before = rig.deposits.value(f"{ram}.ram", row)
    await rig.deposits.flip_now([(f"{ram}.ram", row, rng.randrange(rig.deposits.storage[f"{ram}.ram"].bits))])
    return row, before


async def _put_right(rig: Rig, ram: str, rng: random.Random) -> int:
    """Cycles until a word that is hit is right again, without another flip."""
    row, before = await _hit(rig, ram, rng)
    for cycle in range(_PATIENCE):
        await FallingEdge(rig.host.dut.clk)
        if rig.deposits.value(f"{ram}.ram", row) == before:
            return cycle
    raise Unexpected(f"row {row} of {ram} must be put right within {_PATIENCE} cycles")


async def _struck(rig: Rig, ram: str, place: Place, cycle: int, rng: random.Random) -> str:
    contents = _contents(rig, ram)
    row, before = await _hit(rig, ram, rng)
    await ClockCycles(rig.host.dut.clk, cycle + 1, FallingEdge)
    await rig.deposits.flip_now([place])
    await ClockCycles(rig.host.dut.clk, 64, FallingEdge)
    after = _contents(rig, ram)
    what = f"{place} {cycle} cycles after row {row} of {ram} was hit"
    others = [index for index, word in enumerate(after) if word != contents[index] and index != row]
    expect(f"{what}: other rows that changed", others, [])
    wrong = (after[row] ^ before).bit_count()
    if wrong > 1 and re.fullmatch(rf"{ram}\.(address|decoder_\d+\.row)", place[0]):
        expect(f"{what}: what is said of the word", _said(rig, ram, row), Status.UNCORRECTABLE)
    else:
        expect(f"{what}: wrong bits of the row at most one, not {wrong}", wrong <= 1, True)
    if wrong:
        await FallingEdge(rig.host.dut.clk)
        await rig.deposits.put({(f"{ram}.ram", row): before})
    return ("right", "later", "told")[min(wrong, 2)]


def _said(rig: Rig, ram: str, row: int) -> Status:
    """What the code says of a word, or of the worst of a row's."""
    config, window = rig.job.config, Window[ram.removesuffix("_ram").upper()]
    banks, bits = window_banks(config, window)
    code = Secded(data_bits=bits, address_bits=(window_rows(config, window) - 1).bit_length())
    stored = rig.deposits.value(f"{ram}.ram", row)
    words = [stored >> bank * code.word_bits & (1 << code.word_bits) - 1 for bank in range(banks)]
    return max((code.decode(word, row).status for word in words), key=list(Status).index)


async def _while_running(rig: Rig, layer: str, rng: random.Random, jobs: int) -> None:
    """The same in a layer's free slots."""
    clk = rig.host.dut.clk
    for _ in range(jobs):
        ram = f"{rng.choice(MEMORY_WINDOWS).name.lower()}_ram"
        names = [name for name in rig.deposits.storage if name.startswith(f"{ram}.access.")]
        name, cycle, wait = rng.choice(names), rng.randrange(rig.length - 60), rng.randrange(40)
        place = (name, 0, rng.randrange(rig.deposits.storage[name].bits))

        async def strike(ram: str = ram, cycle: int = cycle, wait: int = wait, place: Place = place) -> None:
            await ClockCycles(clk, cycle, FallingEdge)
            await _hit(rig, ram, rng)
            await ClockCycles(clk, wait + 1, FallingEdge)
            await rig.deposits.flip_now([place])

        contents = _contents(rig, ram)
        seen = await rig.run(strike)
        what = f"{place} {wait} cycles after a hit of {ram} at {cycle} of {layer}"
        rig.sound(seen, what, replays=1)
        after = _contents(rig, ram)
        wrong = {
            row: (word ^ old).bit_count()
            for row, (word, old) in enumerate(zip(after, contents, strict=True))
            if word != old and not (ram == "activation_ram" and rig.is_output(row))
        }
        expect(f"{what}: rows with more than one wrong bit, {wrong}", [row for row in wrong if wrong[row] > 1], [])
        await FallingEdge(clk)
        await rig.deposits.put({(f"{ram}.ram", row): contents[row] for row in wrong})
        rig.good(await rig.run(), moved=("corrected",))


_PROVOKED = ("array.array.pe_{row}_{column}.product", "array.array.pe_{row}_{column}.total", "array.drained")
_REPAIRS = ("job_machine", "machines", "held_command", "ram_control", "tags")


@cocotb.test(timeout_time=2000, timeout_unit="ms")
async def replay_faults(dut: Any) -> None:
    """``jobs`` replays in each layer, provoked by a flip in the data path; while each is under way, another flip in
    what does the block again: the job, sequencer, drain and commit machines, the held command, memories, tags."""
    env = environment()
    for layer, rig in await begin_rigs(dut, env):
        await rig.begin()
        rng = random.Random(f"{env.seed} {layer}")
        told, done = Counter[str](), 0
        for _ in range(20 * env.settings["jobs"]):
            if done == env.settings["jobs"]:
                break
            kind = rng.choice(_REPAIRS)
            name = rng.choice(rig.deposits.classes[kind])
            place = (name, 0, rng.randrange(rig.deposits.storage[name].bits))
            done += await _in_replay(rig, layer, place, rng, told)
        expect("replays that were hit", done, env.settings["jobs"])
        cocotb.log.info("%s: %d replays hit, %s", layer, done, dict(told))
    await rig.host.end()


async def _in_replay(rig: Rig, layer: str, place: Place, rng: random.Random, told: Counter[str]) -> bool:
    """Whether there was a replay to be hit."""
    config, clk, hit = rig.job.config, rig.host.dut.clk, list[int]()
    first = rng.choice(_PROVOKED).format(row=rng.randrange(config.rows), column=rng.randrange(config.columns))
    bit, cycle = rng.randrange(rig.deposits.storage[first].bits), rng.randrange(rig.length)
    wait = rng.randrange(rig.replay - rig.cycles)

    async def strike() -> None:
        await ClockCycles(clk, cycle + 1, FallingEdge)
        await rig.deposits.flip_now([(first, 0, bit)])
        for _ in range(rig.length):
            await FallingEdge(clk)
            if phase(rig.deposits) == REPLAY:
                break
        else:
            return
        await ClockCycles(clk, wait + 1, FallingEdge)
        await rig.deposits.flip_now([place])
        hit.append(1)

    seen = await rig.run(strike)
    what = f"{place} {wait} cycles into the replay that {first} bit {bit} led to at {cycle} of {layer}"
    rig.sound(seen, what, replays=2)
    if hit:
        told.update(seen.moved.keys())
        expect(f"{what}: a replay is counted, {seen}", seen.replays > 0, True)
    rig.good(await rig.run(), moved=("corrected",))
    return bool(hit)
