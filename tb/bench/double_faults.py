"""Two bits of one codeword: told, never a wrong output; what stays is the job's error, what passes is done again."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge

from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.registers import State, Window, register

from .deposits import Place
from .environment import environment
from .faults import begin_rigs
from .host import Unexpected, expect
from .rig import Rig, Seen

__all__ = ["double_faults", "first_block", "words_read"]

_CODES = {
    Window.ACTIVATION: ErrorCode.ACTIVATION_MEMORY, Window.WEIGHT: ErrorCode.WEIGHT_MEMORY,
    Window.PARAMETER: ErrorCode.PARAMETER_MEMORY, Window.COMMAND: ErrorCode.COMMAND_MEMORY,
}  # fmt: skip


def words_read(rig: Rig, window: Window) -> list[int]:
    """Rows of a memory that the layer reads, in the order of the first read."""
    fields, config = rig.job.layers[0], rig.job.config
    if window is Window.ACTIVATION:
        return list(first_block(rig))
    tiles = fields["kernel_height"] * fields["kernel_width"] * fields["input_groups"]
    start, count = {
        Window.WEIGHT: (fields["weight_base"], fields["column_blocks"] * tiles * config.rows),
        Window.PARAMETER: (fields["parameter_base"], fields["output_groups"] * config.steps_per_word),
        Window.COMMAND: (8 * rig.job.first, 8),
    }[window]
    return list(range(start, start + count))


def first_block(rig: Rig) -> dict[int, int]:
    """The row block that first reads each word of activation RAM: a layer of one channel group and column block."""
    fields, found = rig.job.layers[0], dict[int, int]()
    for row in range(fields["rows"]):
        line, pixel = divmod(row, fields["output_width"])
        for tap in range(fields["kernel_height"] * fields["kernel_width"]):
            down, right = divmod(tap, fields["kernel_width"])
            y = line * fields["stride_height"] - fields["pad_top"] + down
            x = pixel * fields["stride_width"] - fields["pad_left"] + right
            if 0 <= y < fields["input_height"] and 0 <= x < fields["input_width"]:
                found.setdefault(fields["input_base"] + y * fields["input_width"] + x, row // fields["block_rows"])
    return found


def _two(rig: Rig, name: str, element: int, rng: random.Random) -> list[Place]:
    """Two bits of a codeword, in one bank of the word."""
    ram = name.partition(".")[0]
    banks = sum(part.startswith(f"{ram}.decoder_") and part.endswith(".stored") for part in rig.deposits.storage)
    size = rig.deposits.storage[name].bits // banks
    bank = rng.randrange(banks)
    return [(name, element, bank * size + bit) for bit in rng.sample(range(size), 2)]


@cocotb.test(timeout_time=2000, timeout_unit="ms")
async def double_faults(dut: Any) -> None:
    """``jobs`` times, of each memory and in each layer: words that are read and others, before and during the job; the
    register behind the RAM; words as they are written, and after that."""
    env = environment()
    for layer, rig in await begin_rigs(dut, env):
        await rig.begin()
        rng = random.Random(f"{env.seed} {layer}")
        for window, code in _CODES.items():
            words, name = words_read(rig, window), f"{window.name.lower()}_ram.ram"
            for _ in range(env.settings["jobs"]):
                await _read_before(rig, window, code, rng.choice(words), rng)
                await _read_during(rig, code, name, rng.choice(words), rng)
                await _not_read(rig, window, rng)
                await _passing(rig, f"{name}.read_0", rng)
        for _ in range(2 * env.settings["jobs"]):
            await _written(rig, rng, late=False)
            await _written(rig, rng, late=True)
        cocotb.log.info("%s: %d deposits", layer, rig.deposits.done)
    await rig.host.end()


def _failed(rig: Rig, seen: Seen, code: ErrorCode, what: str) -> None:
    """The job failed for the memory, after all its replays, and said so."""
    expect(f"{what}: state, error, command, {seen}", (seen.state, seen.error, seen.command),
           (State.FAILED, code, rig.job.first))  # fmt: skip
    expect(f"{what}: told, {seen}", bool(seen.moved.get("uncorrectable")), True)
    times = register("replay_limit").field("times").reset
    if not isinstance(times, int) or not times <= seen.replays <= 2 * times:
        raise Unexpected(f"{what}: {times} replays of a block, not {seen}")


async def _reloaded(rig: Rig) -> None:
    """The next job is good, once everything that is resident was loaded again."""
    await rig.load()
    rig.good(await rig.run())


async def _read_before(rig: Rig, window: Window, code: ErrorCode, word: int, rng: random.Random) -> None:
    bits = _two(rig, f"{window.name.lower()}_ram.ram", word, rng)
    await rig.deposits.flip(bits)
    seen = await rig.run()
    _failed(rig, seen, code, f"{bits} before the job")
    most = first_block(rig)[word] if window is Window.ACTIVATION else 0
    cocotb.log.info("%s: %s, block %d, first read in %d", bits, seen.error.name, seen.blocks, most)
    expect(f"block of {bits} at most {most}, {seen}", seen.blocks <= most, True)
    await _reloaded(rig)


def _strike(rig: Rig, cycle: int, bits: list[Place]) -> Any:
    async def strike() -> None:
        await ClockCycles(rig.host.dut.clk, cycle + 1, FallingEdge)
        await rig.deposits.flip_now(bits)

    return strike


async def _read_during(rig: Rig, code: ErrorCode, name: str, word: int, rng: random.Random) -> None:
    bits, cycle = _two(rig, name, word, rng), rng.randrange(rig.length)
    seen = await rig.run(_strike(rig, cycle, bits))
    what = f"{bits} at {cycle}"
    cocotb.log.info("%s: %s %s", what, seen.state.name, seen.moved)
    if seen.state == State.FAILED:
        _failed(rig, seen, code, what)
    else:
        rig.sound(seen, what, replays=1)
    await _reloaded(rig)


async def _not_read(rig: Rig, window: Window, rng: random.Random) -> None:
    name = f"{window.name.lower()}_ram.ram"
    others = set(range(rig.deposits.storage[name].elements)) - set(words_read(rig, window))
    others -= set(range(rig.output, rig.output + len(rig.want)))
    bits = _two(rig, name, rng.choice(sorted(others)), rng)
    await rig.deposits.flip(bits)
    rig.good(await rig.run(), moved=("uncorrectable",))
    await rig.deposits.flip(bits)


async def _passing(rig: Rig, name: str, rng: random.Random) -> None:
    bits, cycle = _two(rig, name, 0, rng), rng.randrange(rig.length)
    seen = await rig.run(_strike(rig, cycle, bits))
    rig.sound(seen, f"{bits} at {cycle}", replays=1)
    cocotb.log.info("%s at %d: %s", bits, cycle, seen.moved)
    rig.good(await rig.run())


async def _written(rig: Rig, rng: random.Random, *, late: bool) -> None:
    """An output word as it is written, or ``late``, after the job: its read is refused, or it is right."""
    name = "activation_ram.ram" if late else next(
        part for part in rig.deposits.storage if part.startswith("activation_ram.codeword_")
        or part == "activation_ram.$signature__data"
    )  # fmt: skip
    cycle = rig.length - 1 if late else rng.randrange(rig.length // 2, rig.length)
    bits = _two(rig, name, rig.output + rng.randrange(len(rig.want) - 1) if late else 0, rng)
    seen = await rig.run(_strike(rig, cycle, bits))
    what = f"{bits} at {cycle}"
    expect(f"{what}: state, late, replays, {seen}", (seen.state, seen.late, seen.replays), (State.DONE, 0, 0))
    if late or not seen.right:
        expect(f"{what}: output read, {seen}", seen.read, False)
        expect(f"{what}: told, {seen}", bool(seen.moved.get("uncorrectable")), True)
    rig.good(await rig.run(), moved=("uncorrectable",))
