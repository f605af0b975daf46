"""The issue machine alone, against a direct enumeration of the loop nest."""

import random
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest

from vanallen.rtl import timing
from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import PRESETS, Config, preset
from vanallen.rtl.control.issue import IssueMachine
from vanallen.rtl.control.machine import Control
from vanallen.rtl.control.tag import End

WIDE = Config(name="wide", rows=4, columns=12, lanes=2, activation_bytes=8192, weight_bytes=12 << 10,
              accumulator_rows=16, protection="none")  # fmt: skip
END = 1 << 16


@dataclass(frozen=True)
class Slot:
    """One issue slot that is not a bubble: ``row`` etc. None where no row streams, ``load`` None where none loads."""

    padding: bool = False
    first: bool = False
    last: bool = False
    end: int = 0
    bank: int = 0
    row: int | None = None
    swap: bool = False
    address: int | None = None
    load: int | None = None
    weight: int | None = None


def random_command(rng, config, **fixed):
    """Fields of a random legal command, with its output's height."""
    kernel_height, kernel_width = rng.choice([1, 2, 3]), rng.choice([1, 2, 3])
    height, width = rng.randint(kernel_height, 6), rng.randint(kernel_width, 6)
    choices = ([1, 2, 4], [1, 2, 3], [0, 1, 2], [0, 1, 3])
    stride_height, stride_width, top, left = (rng.choice(choice) for choice in choices)
    shape = {"kernel_height": kernel_height, "kernel_width": kernel_width, "input_height": height, "input_width": width,
             "stride_height": stride_height, "stride_width": stride_width, "pad_top": top, "pad_left": left,
             "input_groups": rng.choice([1, 1, 2, 3]), "column_blocks": rng.choice([1, 1, 2, 3]),
             "block_rows": rng.randint(1, config.accumulator_rows), **fixed}  # fmt: skip
    height, width, groups = (shape[name] for name in ("input_height", "input_width", "input_groups"))
    below, right = rng.randint(0, 2), rng.randint(0, 2)
    lines = (height + shape["pad_top"] + below - shape["kernel_height"]) // shape["stride_height"] + 1
    columns = (width + shape["pad_left"] + right - shape["kernel_width"]) // shape["stride_width"] + 1
    base = rng.randint(0, config.activation_words - height * width * groups)
    return shape | {
        "input_base": base, "input_words": height * width * groups, "weight_base": rng.randint(0, 40),
        "rows": lines * columns, "output_width": columns,
        "first_address": (base - (shape["pad_top"] * width + shape["pad_left"]) * groups) % END,
        "pixel_step": shape["stride_width"] * groups,
        "line_step": (shape["stride_height"] * width - (columns - 1) * shape["stride_width"]) * groups % END,
        "tap_line_step": ((width - shape["kernel_width"]) * groups + 1) % END,
    }  # fmt: skip


def tiles_of(command, config):
    """(column block, first row, rows, tap line, tap, group, first weight word) in the order of execution."""
    taps = [(ky, kx, group) for ky in range(command["kernel_height"]) for kx in range(command["kernel_width"])
            for group in range(command["input_groups"])]  # fmt: skip
    for column in range(command["column_blocks"]):
        for start in range(0, command["rows"], command["block_rows"]):
            rows = min(command["block_rows"], command["rows"] - start)
            for index, tap in enumerate(taps):
                yield (column, start, rows, *tap, command["weight_base"] + (column * len(taps) + index) * config.rows)


def pixel_address(command, pixel, tap_line, tap, group):
    """The activation word of an output pixel's tap, from its coordinates; None for padding."""
    line, column = divmod(pixel, command["output_width"])
    y = line * command["stride_height"] - command["pad_top"] + tap_line
    x = column * command["stride_width"] - command["pad_left"] + tap
    if not (0 <= y < command["input_height"] and 0 <= x < command["input_width"]):
        return None
    return command["input_base"] + (y * command["input_width"] + x) * command["input_groups"] + group


def enumerate_slots(command, config):
    """Every slot of the layer, in order, without bubbles."""
    tiles = list(tiles_of(command, config))
    taps = command["kernel_height"] * command["kernel_width"] * command["input_groups"]
    slots = [Slot(load=row, weight=tiles[0][-1] + row) for row in range(config.rows)]
    for index, (_, start, rows, tap_line, tap, group, _) in enumerate(tiles):
        following = tiles[index + 1] if index + 1 < len(tiles) else None
        block_ends = index % taps == taps - 1
        for slot in range(max(rows, config.rows) if following else rows):
            loads = following is not None and slot < config.rows
            values = {"swap": slot == 0}
            if loads:
                values |= {"load": slot, "weight": following[-1] + slot}
            if slot < rows:
                address = pixel_address(command, start + slot, tap_line, tap, group)
                end = End.NONE
                if block_ends and slot == rows - 1:
                    end = End.LAYER if not following else End.COLUMN if following[1] == 0 else End.BLOCK
                values |= {"padding": address is None, "first": index % taps == 0, "last": block_ends, "end": end.value,
                           "bank": index // taps % 2, "row": slot, "address": address}  # fmt: skip
            slots.append(Slot(**values))
    return slots


async def observed(ctx, machine):
    """The slot on the outputs, or None for a bubble."""
    tag = ctx.get(machine.tag)
    if not (tag.valid or tag.load or tag.swap):
        assert ctx.get(machine.tag.as_value()) == 0, "a bubble's tag must be all zero"
        assert not ctx.get(machine.read)
        return None
    reads = ctx.get(machine.read)
    assert not (reads and not tag.valid)
    return Slot(
        padding=bool(tag.padding), first=bool(tag.first), last=bool(tag.last), end=tag.end.value, bank=tag.bank,
        row=tag.row if tag.valid else None, swap=bool(tag.swap), address=ctx.get(machine.address) if reads else None,
        load=tag.load_row if tag.load else None, weight=ctx.get(machine.weight_address) if tag.load else None,
    )  # fmt: skip


def issue(simulate, config, command, *, steal_interval=1024, delay=lambda: 20, after=60, skip=0):
    """Runs one layer; (slots with their cycle, cycles stalled, cycles stolen, cycles of commits, error)."""
    machine = Control(machine=IssueMachine(config=config))
    slots, stalled, stolen, commits, errors = [], [], [], [], []

    async def testbench(ctx):
        for name, value in command.items():
            ctx.set(getattr(machine.command, name), value)
        ctx.set(machine.steal_interval, steal_interval)
        if config.protected:
            ctx.set(machine.skip, skip)
        for port in (machine.prepare, machine.begin):
            ctx.set(port, 1)
        await ctx.tick()
        for port in (machine.prepare, machine.begin):
            ctx.set(port, 0)
        idle, cycle = 0, 0
        while idle < after:
            ctx.set(machine.commit, cycle in commits)
            slot = await observed(ctx, machine)
            idle = 0 if slot or any(at >= cycle for at in commits) else idle + 1
            if slot:
                slots.append((cycle, slot))
                if slot.end:
                    commits.append(max([cycle + delay(), *(at + 1 for at in commits[-1:])]))
            stalled.extend([cycle] if ctx.get(machine.stalled) else [])
            stolen.extend([cycle] if ctx.get(machine.stolen) else [])
            errors.append(ctx.get(machine.error))
            await ctx.tick()
            cycle += 1

    simulate(machine, testbench)
    return slots, stalled, stolen, commits, max(errors)


def compare(slots, command, config):
    want = enumerate_slots(command, config)
    for index, ((cycle, got), expected) in enumerate(zip(slots, want, strict=False)):
        assert got == expected, (index, cycle)
    assert len(slots) == len(want)


@pytest.mark.parametrize("config", [PRESETS["nano"], PRESETS["cubesat"], WIDE], ids=lambda config: config.name)
@pytest.mark.parametrize("seed", range(8))
def test_random_convolutions(simulate, config, seed):
    rng = random.Random(seed)
    command = random_command(rng, config)
    delays = random.Random(seed + 100)
    slots, _, _, commits, error = issue(simulate, config, command, delay=lambda: delays.choice([1, 5, 40, 90]),
                                        steal_interval=rng.choice([16, 17, 1024]))  # fmt: skip
    compare(slots, command, config)
    assert error == ErrorCode.NONE
    # never a third block before a commit
    starts = [cycle for cycle, slot in slots if slot.first and slot.row == 0]
    assert len(starts) == len(commits)
    for index, start in enumerate(starts[2:]):
        assert start > commits[index]


def streamed(slots, config):
    """Of each slot that streams a row: the slot, and the weight words that are active in the array."""
    shadow, active, found = [None] * config.rows, None, []
    for slot in slots:
        if slot.swap:
            active = tuple(shadow)
        if slot.load is not None:
            shadow[slot.load] = slot.weight
        if slot.row is not None:
            found.append((replace(slot, swap=slot.row == 0, load=None, weight=None), active))
    return found


@pytest.mark.parametrize("config", [preset("nano", "full"), replace(WIDE, protection="full")], ids=lambda it: it.name)
@pytest.mark.parametrize("seed", range(6))
def test_a_layer_begins_behind_blocks_that_are_committed(simulate, config, seed):
    rng = random.Random(seed)
    command = random_command(rng, config, block_rows=rng.randint(1, 7), column_blocks=rng.choice([2, 3]))
    want = streamed(enumerate_slots(command, config), config)
    starts = [index for index, (slot, _) in enumerate(want) if slot.first and slot.row == 0]
    for skip in {1, rng.randrange(1, len(starts)), len(starts) - 1}:
        slots, *_, error = issue(simulate, config, command, skip=skip)
        assert streamed([slot for _, slot in slots], config) == want[starts[skip] :], skip
        assert error == ErrorCode.NONE


SMALL = {"kernel_height": 1, "kernel_width": 1, "stride_height": 1, "stride_width": 1, "pad_top": 0, "pad_left": 0}


@pytest.mark.parametrize(
    "fixed",
    [
        SMALL | {"input_groups": 1, "input_height": 1, "input_width": 1, "column_blocks": 1},
        SMALL | {"input_groups": 1, "input_height": 1, "input_width": 1, "column_blocks": 5},
        SMALL | {"input_groups": 7, "input_height": 1, "input_width": 1, "column_blocks": 2},
        SMALL | {"input_groups": 1, "input_height": 1, "input_width": 30, "block_rows": 1},
        SMALL | {"input_groups": 1, "input_height": 5, "input_width": 6, "block_rows": 7},
        {"kernel_height": 7, "kernel_width": 7, "input_height": 7, "input_width": 7, "pad_top": 3, "pad_left": 3,
         "stride_height": 1, "stride_width": 1, "column_blocks": 1, "input_groups": 1, "block_rows": 16},
        {"kernel_height": 2, "kernel_width": 2, "input_height": 2, "input_width": 2, "pad_top": 15, "pad_left": 15,
         "stride_height": 4, "stride_width": 4, "column_blocks": 1, "input_groups": 2},
    ],
    ids=["one-tile", "one-row-columns", "one-row-groups", "blocks-of-one", "partial-block", "kernel-7", "all-padding"],
)  # fmt: skip
def test_corners(simulate, fixed):
    config = PRESETS["nano"]
    command = random_command(random.Random(5), config, **fixed)
    compare(issue(simulate, config, command)[0], command, config)


def test_without_waiting_every_cycle_is_a_slot(simulate):
    """Preload, then max(m, R) slots a tile with no bubble between tiles and blocks, two of them uncommitted at most."""
    config = PRESETS["nano"]
    command = random_command(random.Random(3), config, kernel_height=3, kernel_width=3, input_height=6, input_width=6,
                             block_rows=5, column_blocks=2, input_groups=2)  # fmt: skip
    slots, stalled, stolen, _, _ = issue(simulate, config, command, delay=lambda: 2)
    compare(slots, command, config)
    assert not stalled and not stolen
    assert [cycle for cycle, _ in slots] == list(range(slots[0][0], slots[0][0] + len(slots)))


@pytest.mark.parametrize("interval", [16, 23])
def test_stolen_slots_are_bubbles_and_come_every_interval(simulate, interval):
    config = PRESETS["nano"]
    command = random_command(random.Random(8), config, kernel_height=3, kernel_width=3, input_height=6, input_width=6,
                             block_rows=36, column_blocks=1, input_groups=1)  # fmt: skip
    slots, stalled, stolen, _, _ = issue(simulate, config, command, steal_interval=interval, delay=lambda: 2)
    compare(slots, command, config)
    assert stolen and not stalled
    assert {later - earlier for earlier, later in pairwise(stolen)} == {interval + 1}
    assert not {cycle + timing.ISSUE for cycle in stolen} & {cycle for cycle, _ in slots}


def test_a_late_commit_stalls(simulate):
    config = PRESETS["nano"]
    command = random_command(random.Random(1), config, **SMALL, input_groups=1, input_height=4, input_width=6,
                             block_rows=5, column_blocks=1)  # fmt: skip
    slots, stalled, _, commits, _ = issue(simulate, config, command, delay=lambda: 50)
    compare(slots, command, config)
    assert len(commits) >= 5 and len(stalled) > 50


def test_an_address_outside_is_not_read_and_is_an_error(simulate):
    config = PRESETS["nano"]
    shape = SMALL | {"input_groups": 2, "column_blocks": 1, "input_height": 4, "input_width": 4}
    command = random_command(random.Random(2), config, **shape)
    assert issue(simulate, config, command)[-1] == ErrorCode.NONE
    limit = command["input_base"] + command["input_words"] - 1
    slots, *_, error = issue(simulate, config, command | {"input_words": command["input_words"] - 1})
    assert error == ErrorCode.INPUT_ADDRESS
    assert [slot for _, slot in slots] == [
        replace(slot, address=None if slot.address is None or slot.address >= limit else slot.address)
        for slot in enumerate_slots(command, config)
    ]
    # two tiles of weights: the second one just fits, and just does not
    base = config.weight_words - 2 * config.rows
    assert issue(simulate, config, command | {"weight_base": base})[-1] == ErrorCode.NONE
    assert issue(simulate, config, command | {"weight_base": base + 1})[-1] == ErrorCode.WEIGHT_ADDRESS


def test_halt_stops_and_the_next_layer_is_whole(simulate):
    config = PRESETS["nano"]
    command = random_command(random.Random(4), config, input_groups=2)
    machine = Control(machine=IssueMachine(config=config))
    slots = []

    async def testbench(ctx):
        for name, value in command.items():
            ctx.set(getattr(machine.command, name), value)
        ctx.set(machine.steal_interval, 1024)
        for start in (0, 1):
            for port in (machine.prepare, machine.begin):
                ctx.set(port, 1)
            await ctx.tick()
            for port in (machine.prepare, machine.begin):
                ctx.set(port, 0)
            for cycle in range(2000 if start else 31):
                slot = await observed(ctx, machine)
                ctx.set(machine.commit, int(bool(slot and slot.end)))
                if start and slot:
                    slots.append((cycle, slot))
                await ctx.tick()
            ctx.set(machine.halt, 1)
            await ctx.tick().repeat(3)
            assert await observed(ctx, machine) is None
            ctx.set(machine.halt, 0)

    simulate(machine, testbench)
    compare(slots, command, config)
