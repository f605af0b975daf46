"""A layer on the chip, run again and again with a fault each time; what the host sees of it, and what it must see."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles
from numpy.typing import NDArray

from vanallen.rtl import timing
from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import Config
from vanallen.rtl.registers import CLEARED, State, Window, register
from vanallen.sw.driver.packing import pack_register
from vanallen.sw.driver.target import BUS_BYTES
from vanallen.tb.jobs import Job, expected_cycles, run_golden

from .deposits import Deposits
from .host import OKAY, Host, Refused, Unexpected, expect
from .random_layers import load_job

__all__ = ["PatientHost", "Rig", "Seen", "Strike"]

Strike = Callable[[], Coroutine[Any, Any, None]]
"""Makes the faults of a run; begun with the write that starts the job."""

_COUNTS = ("corrected", "uncorrectable", "recovered", "outvoted", "refused_writes")
_TRIES = 8


class PatientHost(Host):
    """Does what the driver does where a flip hit the bus: a refused write again, reads until two in turn agree."""

    def __init__(self, dut: Any, config: Config) -> None:
        super().__init__(dut, config)
        self.refused = 0

    async def try_write(self, address: int, data: bytes) -> int:
        for _ in range(3):
            response = await super().try_write(address, data)
            if response == OKAY or (address == register("start").address and await self._started()):
                return OKAY
            self.refused += 1
        return response

    async def _started(self) -> bool:
        status = await self.get("status")
        return status["job"] == self.job and status["state"] in (State.BUSY, State.DONE)

    async def try_read(self, address: int, length: int = BUS_BYTES) -> tuple[int, bytes]:
        last = await super().try_read(address, length)
        for _ in range(_TRIES):
            answer = await super().try_read(address, length)
            if answer == last:
                break
            last = answer
        return last


@dataclass(frozen=True)
class Seen:
    """What a host saw of a job. ``late``: cycles it took more than without a fault; ``moved``: counters, and those of
    the checks as ``faults.tag``; ``read``: whether the output could be read, ``right``: and was what it should be."""

    state: State
    error: ErrorCode
    command: int
    blocks: int
    late: int
    cycles: int
    read: bool
    right: bool
    moved: dict[str, int] = field(default_factory=dict)

    @property
    def replays(self) -> int:
        """How often a block was begun again."""
        return self.moved.get("recovered", 0)

    @property
    def wrong(self) -> bool:
        """An output is wrong and nothing says so: what must never be."""
        return self.state == State.DONE and self.read and not self.right


class Rig:
    """A host, the chip's storage and a layer that is loaded.

    ``await rig.begin()`` loads it and runs it without a fault: ``length`` is the number of cycles from the write that
    starts the job to its end, ``cycles`` the chip's own count.
    """

    def __init__(self, host: Host, deposits: Deposits, job: Job) -> None:
        self.host, self.deposits, self.job = host, deposits, job
        self.golden, _ = run_golden(job)
        last = job.layers[-1]
        self.output = last["output_base"]
        self.want: NDArray[np.int8] = self.golden.activation[self.output :][: last["rows"] * last["output_groups"]]
        self.model = sum(expected_cycles(job.config, fields, job.steal_interval) for fields in job.layers)
        self.length = self.cycles = 0

    @property
    def protected(self) -> bool:
        """Whether the chip is."""
        return self.job.config.protected

    @property
    def replay(self) -> int:
        """Most cycles of a replay: what the layer has taken so far, the flush, the fetch."""
        config = self.job.config
        return self.cycles + timing.arrival(config) + timing.commit(config) + timing.FETCH + 16

    def is_output(self, row: int) -> bool:
        """Whether the layer writes this row of activation RAM."""
        return self.output <= row < self.output + len(self.want)

    async def begin(self) -> None:
        """Load and run without a fault."""
        await self.load()
        self.length = (await self.run()).late
        seen = await self.run()
        self.cycles = seen.cycles
        self.good(seen)

    async def load(self) -> None:
        """Load the memories."""
        await load_job(self.host, self.job)

    def good(self, seen: Seen, *, moved: tuple[str, ...] = ()) -> None:
        """What must be seen of a job without a fault; ``moved``: counters that may have."""
        expect("state, error, output right", (seen.state, seen.error, seen.right), (State.DONE, ErrorCode.NONE, True))
        expect("cycles late, of the job", (seen.late, seen.cycles), (0, self.model))
        expect("counters", {name: count for name, count in seen.moved.items() if name not in moved}, {})

    async def run(self, strike: Strike | None = None, *, poll: bool = False) -> Seen:
        """Run the job, with a fault. ``poll``: the host reads the status all the time."""
        host = self.host
        await host.store(Window.ACTIVATION, self.output, ~self.want)
        for name in CLEARED:
            await host.put(name)
        await host.put("interrupt", enable=1, pending=1)
        host.job = (host.job + 1) % (1 << 16)
        await ClockCycles(host.dut.clk, 4)
        begin = host.now()
        striking = cocotb.start_soon(strike()) if strike else None
        entry = register("start")
        word = pack_register(entry, first=self.job.first, count=len(self.job.layers), job=host.job)
        await host.write(entry.address, word.to_bytes(BUS_BYTES, "little"))
        polling = cocotb.start_soon(self._poll()) if poll else None
        await host.interrupted(4 * (self.length + self.replay) + 4 * self.model + 4000)
        late = host.now() - begin - self.length
        if polling is not None:
            polling.cancel()
            await ClockCycles(host.dut.clk, 32)
        if striking is not None:
            await striking
        return await self._seen(late)

    async def _poll(self) -> None:
        while True:
            await Host.try_read(self.host, register("status").address)

    async def _seen(self, late: int) -> Seen:
        host = self.host
        status = await host.get("status")
        expect("job number", status["job"], host.job)
        cycles = (await host.get("job_cycles"))["count"]
        try:
            got = await host.load(Window.ACTIVATION, self.output, len(self.want), self.job.config.rows, np.int8)
        except Refused:
            got = None
        moved = {name: (await host.get(name))["count"] for name in _COUNTS} if self.protected else {}
        if self.protected:
            moved |= {f"faults.{name}": count for name, count in (await host.get("faults")).items()}
        return Seen(State(status["state"]), ErrorCode(status["error"]), status["command"], status["blocks"], late,
                    cycles, got is not None, got is not None and bool((got == self.want).all()),
                    {name: count for name, count in moved.items() if count})  # fmt: skip

    def sound(self, seen: Seen, what: str, *, replays: int, slack: int = 0) -> None:
        """What must be seen of a job with faults that a protected chip survives.

        ``replays``: most of them; ``slack``: cycles by which it may end late or early without one.

        Raises
        ------
        Unexpected
            If it isn't.
        """
        if (seen.state, seen.error, seen.right) != (State.DONE, ErrorCode.NONE, True) or seen.replays > replays:
            raise Unexpected(f"{what}: the job must end well after at most {replays} replays, not {seen}")
        most = seen.replays * self.replay + slack
        if not -slack <= seen.late <= most:
            raise Unexpected(f"{what}: at most {most} cycles late, not {seen.late}; {seen}")
        if not seen.replays and not slack and seen.cycles != self.cycles:
            raise Unexpected(f"{what}: {self.cycles} cycles must be counted, not {seen.cycles}; {seen}")
