"""What a component of the protection must do when something is wrong: small simulations, seconds each.

Each returns what it found; nothing if the component does what it should.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any

from amaranth.hdl import Elaboratable, Fragment
from amaranth.sim import Simulator

from vanallen.rtl.bus.transfer_checksum import TransferChecksum
from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import Config
from vanallen.rtl.control.commit import CommitMachine
from vanallen.rtl.control.governor import GovernorMachine
from vanallen.rtl.control.job import FAULTS, WATCHDOG_UNIT, JobMachine
from vanallen.rtl.control.machine import Control, Triplicated
from vanallen.rtl.control.tag import End
from vanallen.rtl.ecc.secded import Status
from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.rtl.registers import State
from vanallen.rtl.transfers import checksum
from vanallen.tb.formal.specification import registers
from vanallen.tb.illegal import good_command

__all__ = ["BENCHES", "Bench"]

Bench = Callable[[Config], str]

_ROWS, _BITS = 16, 32
_FLUSH, _LIMIT = 9, 3


def _simulate(design: Elaboratable | Fragment, look: Callable[[Any], Awaitable[str]]) -> str:
    """What ``look(ctx)`` says, which ends within some cycles."""
    found = []

    async def testbench(ctx: Any) -> None:
        found.append(await look(ctx))

    simulator: Any = Simulator(design)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return found[0]


def _copies(config: Config) -> str:
    """A copy that was struck holds what the others hold a cycle later, and is told then."""
    three: Any = Triplicated(machine=GovernorMachine())
    fragment: Fragment = Fragment.get(three, None)  # type: ignore[no-untyped-call]
    places = [registers(fragment, f"copy_{index}").place for index in range(3)]

    async def look(ctx: Any) -> str:
        for copy in three.copies:
            ctx.set(copy.window, 250)
            ctx.set(copy.slots, 100)
        for trial in range(24):
            await ctx.tick().repeat(3)
            struck = places[trial % 3]
            ctx.set(struck, ctx.get(struck) ^ 1 << trial // 3)
            await ctx.tick()
            if not ctx.get(three.differs):
                return f"copy {trial % 3} differed, and it isn't told"
            if len({ctx.get(place) for place in places}) > 1:
                return f"copy {trial % 3} still differs a cycle after it was struck"
            await ctx.tick()
            if ctx.get(three.differs):
                return f"copy {trial % 3} is told for two cycles"
        return ""

    return _simulate(fragment, look)


class _Memory:
    """A memory of one bank, with requests that all copies make alike."""

    def __init__(self) -> None:
        self.dut: Any = Scratchpad(rows=_ROWS, banks=1, bank_bits=_BITS, protected=True)

    async def fill(self, ctx: Any) -> None:
        ctx.set(self.dut.fill, 7)
        await ctx.tick().repeat(_ROWS)
        ctx.set(self.dut.fill, 0)
        await ctx.tick().repeat(4)

    def ask(self, ctx: Any, port: str, row: int, copies: range = range(3)) -> None:
        for copy in copies:
            ctx.set(getattr(self.dut, port)[copy].enable, 1)
            ctx.set(getattr(self.dut, port)[copy].address, row)

    async def ask_once(self, ctx: Any, port: str, row: int, copies: range = range(3)) -> None:
        self.ask(ctx, port, row, copies)
        await ctx.tick()
        for copy in copies:
            ctx.set(getattr(self.dut, port)[copy].enable, 0)

    def flip(self, ctx: Any, row: int, mask: int) -> None:
        ctx.set(self.dut.ram.data[row], ctx.get(self.dut.ram.data[row]) ^ mask)


def _scrubbing(config: Config) -> str:
    """Words with one wrong bit that nobody reads are put right, wherever they are."""
    memory, rng = _Memory(), random.Random(1)

    async def look(ctx: Any) -> str:
        await memory.fill(ctx)
        for row in range(_ROWS):
            memory.flip(ctx, row, 1 << rng.randrange(memory.dut.stored_bits))
        await ctx.tick().repeat(16 * _ROWS)
        code, words = memory.dut.code, [ctx.get(memory.dut.ram.data[row]) for row in range(_ROWS)]
        wrong = [row for row, word in enumerate(words) if code.decode(word, row).status is not Status.CLEAN]
        return f"{len(wrong)} of {_ROWS} words are not put right" if wrong else ""

    return _simulate(memory.dut, look)


def _uncorrectable(config: Config) -> str:
    """A word with two wrong bits is told to every copy and to the host, a cycle after it."""
    memory, rng = _Memory(), random.Random(2)

    async def look(ctx: Any) -> str:
        await memory.fill(ctx)
        for _ in range(20):
            row = rng.randrange(_ROWS)
            mask = sum(1 << bit for bit in rng.sample(range(memory.dut.stored_bits), 2))
            memory.flip(ctx, row, mask)
            await memory.ask_once(ctx, "read", row)
            await ctx.tick().repeat(Scratchpad.latency)
            if ctx.get(memory.dut.wrong) != 7 or not ctx.get(memory.dut.uncorrectable):
                return "a word with two wrong bits is read, and it isn't told"
            memory.flip(ctx, row, mask)
            await ctx.tick().repeat(4)
        return ""

    return _simulate(memory.dut, look)


def _written(config: Config) -> str:
    """Each byte that disagrees with its parity as it is written is told."""
    memory = _Memory()

    async def look(ctx: Any) -> str:
        await memory.fill(ctx)
        for byte in range(_BITS // 8):
            await memory.ask_once(ctx, "write", 3)
            ctx.set(memory.dut.write_data, 1 << 8 * byte)
            await ctx.tick()
            if ctx.get(memory.dut.wrong) != 7:
                return f"byte {byte} disagrees with its parity, and it isn't told"
            await ctx.tick().repeat(3)
        return ""

    return _simulate(memory.dut, look)


def _pins(config: Config) -> str:
    """What one copy alone asks for is not written."""
    memory = _Memory()

    async def look(ctx: Any) -> str:
        await memory.fill(ctx)
        ctx.set(memory.dut.write_data, 99)
        for copy in range(3):
            for _ in range(3):
                await memory.ask_once(ctx, "write", 5, range(copy, copy + 1))
            await ctx.tick().repeat(4)
            if memory.dut.code.decode(ctx.get(memory.dut.ram.data[5]), 5).data:
                return f"copy {copy} alone has written"
        return ""

    return _simulate(memory.dut, look)


def _replays(config: Config) -> str:
    """A check that finds something again and again: so many replays as the limit says, then the job fails with it."""
    job: Any = Control(machine=JobMachine(config=config, flush_cycles=_FLUSH))
    cause = FAULTS.index(ErrorCode.CHECKSUM)

    async def look(ctx: Any) -> str:
        for name, value in (("count", 1), ("steal_interval", 16), ("limit", _LIMIT), ("wrong", 1 << cause)):
            ctx.set(getattr(job, name), value)
        ctx.set(job.start, 1)
        await ctx.tick()
        ctx.set(job.start, 0)
        replays = 0
        for _ in range(4 * (_LIMIT + 2) * (_FLUSH + 16)):
            replays += ctx.get(job.replayed)
            await ctx.tick()
            if not ctx.get(job.busy):
                break
        await ctx.tick()
        state, error = State(ctx.get(job.status_state)), ctx.get(job.status_error)
        if (replays, state, error) != (_LIMIT, State.FAILED, ErrorCode.CHECKSUM):
            return f"{replays} replays, then {state.name} with error {error}, where {_LIMIT} are allowed"
        return ""

    return _simulate(job, look)


async def _start(ctx: Any, job: Any) -> None:
    """A job of one good command."""
    for name, value in good_command().items():
        ctx.set(getattr(job.command, name), value)
    ctx.set(job.command.checksum_good, 1)
    for name, value in (("count", 1), ("steal_interval", 16), ("limit", _LIMIT), ("patience", 1)):
        ctx.set(getattr(job, name), value)
    ctx.set(job.start, 1)
    await ctx.tick()
    ctx.set(job.start, 0)


def _committed(config: Config) -> str:
    """A replay begins behind the blocks that are committed."""
    job: Any = Control(machine=JobMachine(config=config, flush_cycles=_FLUSH))

    async def look(ctx: Any) -> str:
        await _start(ctx, job)
        await ctx.tick().repeat(30)
        for blocks in range(1, 4):
            ctx.set(job.due, End.BLOCK)
            ctx.set(job.complete, 1)
            await ctx.tick()
            ctx.set(job.due, End.NONE)
            ctx.set(job.complete, 0)
            ctx.set(job.wrong, 1)
            await ctx.tick()
            ctx.set(job.wrong, 0)
            if not ctx.get(job.replayed):
                return "a check finds something, and nothing is done again"
            for _ in range(_FLUSH + 30):
                if ctx.get(job.begin):
                    break
                await ctx.tick()
            if ctx.get(job.skip) != blocks:
                return f"a replay begins behind {ctx.get(job.skip)} blocks where {blocks} are committed"
            await ctx.tick()
        return ""

    return _simulate(job, look)


def _watchdog(config: Config) -> str:
    """A job that waits for a block that doesn't come is ended, once its time is over and not before."""
    job: Any = Control(machine=JobMachine(config=config, flush_cycles=_FLUSH))

    async def look(ctx: Any) -> str:
        await _start(ctx, job)
        for cycle in range(2 * WATCHDOG_UNIT):
            await ctx.tick()
            if not ctx.get(job.busy):
                error = ErrorCode(ctx.get(job.status_error))
                in_time = 0 <= cycle - WATCHDOG_UNIT <= _FLUSH + 4
                return "" if in_time and error is ErrorCode.WATCHDOG else f"{error.name} after {cycle} cycles"
        return f"a job that may last {WATCHDOG_UNIT} cycles is busy after {2 * WATCHDOG_UNIT}"

    return _simulate(job, look)


def _rows(config: Config) -> str:
    """A block is complete only with as many rows as the command says."""
    commit: Any = Control(machine=CommitMachine(config=config))

    async def look(ctx: Any) -> str:
        for rows in range(1, 6):
            for missing in (0, 1):
                ctx.set(commit.block_rows, rows - 1)
                for row in range(missing, rows):
                    tag = {"valid": 1, "row": row, "row_ends": 1, "end": End.BLOCK if row == rows - 1 else End.NONE}
                    ctx.set(commit.retired, tag)
                    await ctx.tick()
                ctx.set(commit.retired, {})
                if rows - missing:
                    await ctx.tick()
                    if (ctx.get(commit.due), bool(ctx.get(commit.complete))) != (End.BLOCK, not missing):
                        return f"of a block of {rows} rows {rows - missing} have come: not what is told"
                await ctx.tick().repeat(3)
        return ""

    return _simulate(commit, look)


def _transfers(config: Config) -> str:
    """The running checksum is that of the golden function, over word and address."""
    dut: Any = TransferChecksum()
    rng = random.Random(3)

    async def look(ctx: Any) -> str:
        total = 0
        for _ in range(200):
            enable, word, address = rng.randrange(2), rng.getrandbits(64), rng.getrandbits(19)
            for name, value in (("enable", enable), ("word", word), ("address", address)):
                ctx.set(getattr(dut, name), value)
            await ctx.tick()
            total = checksum([(address << 3, word)], total) if enable else total
            if ctx.get(dut.value) != total:
                return "the checksum of a transfer is another one"
        return ""

    return _simulate(dut, look)


BENCHES: dict[str, Bench] = {
    "copies": _copies, "scrubbing": _scrubbing, "uncorrectable": _uncorrectable, "written": _written, "pins": _pins,
    "replays": _replays, "committed": _committed, "watchdog": _watchdog, "rows": _rows, "transfers": _transfers,
}  # fmt: skip
"""By name."""
