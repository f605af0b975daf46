"""The drain machine alone, against a direct enumeration of rows and channel groups."""

import random
from dataclasses import replace

import pytest

from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import PRESETS, Config
from vanallen.rtl.control.drain import DrainMachine
from vanallen.rtl.control.machine import Control
from vanallen.rtl.control.tag import End

WIDE = Config(name="wide", rows=8, columns=24, lanes=2, activation_bytes=8192, weight_bytes=24 << 10,
              accumulator_rows=64, protection="none")  # fmt: skip
CONFIGS = [PRESETS["nano"], PRESETS["cubesat"], PRESETS["payload"], WIDE]


def blocks_of(command):
    """(column block, first row, rows, end) in order."""
    for column in range(command["column_blocks"]):
        for start in range(0, command["rows"], command["block_rows"]):
            rows = min(command["block_rows"], command["rows"] - start)
            column_ends = start + rows == command["rows"]
            layer_ends = column_ends and column == command["column_blocks"] - 1
            yield column, start, rows, End.LAYER if layer_ends else End.COLUMN if column_ends else End.BLOCK


def enumerate_slots(command, config):
    """(bank, row, group, parameter row, output word or None, end) of every slot, in order."""
    words, steps = config.columns // config.rows, config.rows // config.lanes
    slots = []
    for index, (column, start, rows, end) in enumerate(blocks_of(command)):
        present = min(words, command["output_groups"] - column * words)
        parameters = command["parameter_base"] + column * config.columns // config.lanes
        for row in range(rows):
            first_word = command["output_base"] + (start + row) * command["output_groups"] + column * words
            for group in range(present * steps):
                address = first_word + group // steps if group % steps == steps - 1 else None
                last = row == rows - 1 and group == present * steps - 1
                slots.append((index % 2, row, group, parameters + group, address, end.value if last else 0))
    return slots


def drain(simulate, config, command, rng, *, tiles=2, skip=0):
    """Passes over the first ``skip`` blocks, a row a cycle, then streams the rows of each block ``tiles`` times and
    lets it drain; (slots with their cycle, error)."""
    machine = Control(machine=DrainMachine(config=config))
    slots, arrivals, errors = [], [], []

    async def watch(ctx, cycles):
        for _ in range(cycles):
            tag = ctx.get(machine.tag)
            assert tag.valid == ctx.get(machine.parameter_read)
            if tag.valid:
                slots.append((tag.bank, tag.row, tag.group, ctx.get(machine.parameter_address),
                              tag.address if tag.write else None, tag.end.value))  # fmt: skip
            else:
                assert ctx.get(machine.tag.as_value()) == 0, "a bubble's tag must be all zero"
            errors.append(ctx.get(machine.error))
            await ctx.tick()

    async def testbench(ctx):
        for name, value in command.items():
            ctx.set(getattr(machine.command, name), value)
        ctx.set(machine.prepare, 1)
        await watch(ctx, 1)
        ctx.set(machine.prepare, 0)
        committed = 0
        for _, _, rows, end in list(blocks_of(command))[:skip]:
            for row in range(rows):
                ctx.set(machine.skips_row, 1)
                ctx.set(machine.skips, end if row == rows - 1 else End.NONE)
                await watch(ctx, 1)
        if skip:
            ctx.set(machine.skips_row, 0)
            ctx.set(machine.skips, End.NONE)
        for index, (_, _, rows, end) in list(enumerate(blocks_of(command)))[skip:]:
            ctx.set(machine.last_block, end != End.BLOCK)
            ctx.set(machine.last_rows, rows - 1 if end != End.BLOCK else rng.randrange(8))
            for tile in range(tiles):
                for row in range(rows):
                    last = tile == tiles - 1
                    ctx.set(machine.arrived, {
                        "valid": 1, "padding": 0, "first": tile == 0, "last": last, "swap": row == 0, "load": 0,
                        "load_row": 0, "bank": index % 2, "row": row,
                        "end": end if last and row == rows - 1 else End.NONE,
                    })  # fmt: skip
                    await watch(ctx, 1)
                    ctx.set(machine.last_block, 0)
                    if rng.random() < 0.2:
                        ctx.set(machine.arrived.as_value(), 0)
                        await watch(ctx, rng.randint(1, 3))
            ctx.set(machine.arrived.as_value(), 0)
            arrivals.append(index)
            while len(arrivals) - committed == 2:  # as the issue machine: two blocks in flight, no more
                await watch(ctx, 1)
                committed = sum(slot[5] != 0 for slot in slots)
        await watch(ctx, 200 + 2 * command["block_rows"] * config.columns // config.lanes)

    simulate(machine, testbench)
    return slots, max(errors)


def random_command(rng, config, **fixed):
    words = config.columns // config.rows
    output_groups = rng.randint(1, 3 * words)
    command = {"rows": rng.randint(1, 40), "block_rows": rng.randint(1, 16), "output_groups": output_groups,
               "parameter_base": rng.randint(0, 50), "output_base": rng.randint(0, 100)} | fixed  # fmt: skip
    command["column_blocks"] = -(-command["output_groups"] // words)
    command["output_words"] = command["rows"] * command["output_groups"]
    return command


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
@pytest.mark.parametrize("seed", range(5))
def test_random_layers(simulate, config, seed):
    rng = random.Random(seed)
    command = random_command(rng, config)
    slots, error = drain(simulate, config, command, rng)
    assert slots == enumerate_slots(command, config)
    assert error == ErrorCode.NONE


@pytest.mark.parametrize("config", CONFIGS[:3], ids=lambda config: config.name)
@pytest.mark.parametrize("seed", range(5))
def test_blocks_that_are_committed_are_passed_over(simulate, config, seed):
    """Also where a column block's rows end in one cycle and the next one's begin in the cycle after."""
    rng, config = random.Random(seed), replace(config, protection="full")
    words = config.columns // config.rows
    command = random_command(rng, config, output_groups=rng.randint(words + 1, 3 * words))
    blocks = list(blocks_of(command))
    per_column = len(blocks) // command["column_blocks"]
    for skip in {per_column, per_column + per_column // 2, len(blocks) - 1}:
        slots, error = drain(simulate, config, command, rng, skip=skip)
        want, ends = enumerate_slots(command, config), 0
        while ends < skip:
            ends += want.pop(0)[5] != 0
        assert slots == want, skip
        assert error == ErrorCode.NONE


@pytest.mark.parametrize(
    "fixed", [{"rows": 1, "block_rows": 1, "output_groups": 1}, {"rows": 9, "block_rows": 1, "output_groups": 4},
              {"rows": 33, "block_rows": 16, "output_groups": 5}], ids=["one", "blocks-of-one", "partial-block"],
)  # fmt: skip
@pytest.mark.parametrize("config", [PRESETS["nano"], WIDE], ids=lambda config: config.name)
def test_corners(simulate, config, fixed):
    rng = random.Random(11)
    command = random_command(rng, config, **fixed)
    assert drain(simulate, config, command, rng, tiles=1)[0] == enumerate_slots(command, config)


@pytest.mark.parametrize("config", [PRESETS["nano"], PRESETS["payload"]], ids=lambda config: config.name)
def test_a_word_outside_the_region_is_not_written_and_is_an_error(simulate, config):
    rng = random.Random(12)
    command = random_command(rng, config, rows=6, block_rows=4, output_groups=3)
    command["output_words"] -= 1
    slots, error = drain(simulate, config, command, rng)
    want = enumerate_slots(command, config)
    limit = command["output_base"] + command["output_words"]
    assert [slot[4] for slot in slots] == [None if slot[4] is None or slot[4] >= limit else slot[4] for slot in want]
    assert error == ErrorCode.OUTPUT_ADDRESS


def test_parameters_past_the_end_are_an_error(simulate):
    config, rng = PRESETS["nano"], random.Random(13)
    command = random_command(rng, config, rows=2, output_groups=2, parameter_base=config.parameter_rows - 7)
    assert drain(simulate, config, command, rng)[1] == ErrorCode.PARAMETER_ADDRESS
    command["parameter_base"] -= 1
    assert drain(simulate, config, command, rng)[1] == ErrorCode.NONE
