"""The host inside the simulator: clock and reset, the AXI4-Lite manager, memories, jobs."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, First, RisingEdge, Timer
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiLiteBus, AxiLiteMaster
from numpy.typing import NDArray

from vanallen.rtl.config import Config
from vanallen.rtl.registers import COUNTERS, State, Window, register, window_banks, window_rows, window_stride
from vanallen.sw.driver.packing import pack_register, pack_rows, unpack_register, unpack_rows
from vanallen.sw.driver.target import BUS_BYTES

from .environment import CLOCK_NS, environment

__all__ = ["OKAY", "SLVERR", "Deadline", "Host", "Refused", "Unexpected", "expect"]

OKAY, SLVERR = 0, 2
_RESET_CYCLES = 4


class Refused(Exception):
    """The chip answered an access with an error."""


class Deadline(Exception):
    """Something didn't happen within its number of cycles."""


class Unexpected(Exception):
    """The chip did something else than it must."""


def expect(what: str, got: object, want: object) -> None:
    """Raise :class:`Unexpected` unless ``got`` equals ``want``."""
    if got != want:
        raise Unexpected(f"{what} must be {want!r}, not {got!r}")


class Host:
    """A host on the chip's bus. ``await host.begin()`` first; ``await host.end()`` checks that nothing is left over."""

    def __init__(self, dut: Any, config: Config) -> None:
        self.dut = dut
        self.config = config
        self.job = 0
        self.master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clk, dut.rst)
        for interface in (self.master.write_if, self.master.read_if):
            interface.log.setLevel(logging.WARNING)

    @property
    def channels(self) -> dict[str, Any]:
        """The five channels of the bus by name."""
        write, read = self.master.write_if, self.master.read_if
        return {"aw": write.aw_channel, "w": write.w_channel, "b": write.b_channel,
                "ar": read.ar_channel, "r": read.r_channel}  # fmt: skip

    async def begin(self) -> None:
        """Start the clock, reset, wait until the memories are filled. The setting ``mutant`` chooses a fault."""
        mutant = environment().settings.get("mutant")
        if mutant is not None:
            self.dut.mutant.value = mutant
        self.dut.thermal_alarm.value = 0
        Clock(self.dut.clk, CLOCK_NS, "ns").start()
        await self.reset()
        await self.ready()

    async def reset(self) -> None:
        """Hold the reset for a few cycles."""
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, _RESET_CYCLES)
        self.dut.rst.value = 0
        await RisingEdge(self.dut.clk)

    async def ready(self) -> None:
        """Wait until the chip takes jobs."""
        cycles = max(window_rows(self.config, window) for window in Window if window is not Window.REGISTERS) + 64
        for _ in range(64):
            if (await self.get("status"))["state"] not in (State.FILLING, State.BUSY):
                return
            await ClockCycles(self.dut.clk, cycles // 32)
        raise Deadline(f"the chip must be ready {2 * cycles} cycles after a reset")

    async def end(self) -> None:
        """Check that every access was answered, no answer is left over and the chip is idle."""
        await ClockCycles(self.dut.clk, 16)
        expect("accesses in flight", (self.master.write_if.idle(), self.master.read_if.idle()), (True, True))
        for name, channel in self.channels.items():
            expect(f"transfers left on {name}", channel.count(), 0)
        expect("bvalid, rvalid", (int(self.dut.s_axi_bvalid.value), int(self.dut.s_axi_rvalid.value)), (0, 0))
        expect("busy", (await self.get("status"))["state"] == State.BUSY, False)

    async def try_write(self, address: int, data: bytes) -> int:
        """Write bytes; the worst response."""
        return int((await self.master.write(address, data)).resp)

    async def try_read(self, address: int, length: int = BUS_BYTES) -> tuple[int, bytes]:
        """Read bytes: the worst response and the data."""
        answer = await self.master.read(address, length)
        return int(answer.resp), bytes(answer.data)

    async def write(self, address: int, data: bytes) -> None:
        """Write bytes that the chip must take."""
        if await self.try_write(address, data) != OKAY:
            raise Refused(f"write of {len(data)} bytes to {address:#x} must be taken")

    async def read(self, address: int, length: int = BUS_BYTES) -> bytes:
        """Read bytes that the chip must give."""
        response, data = await self.try_read(address, length)
        if response != OKAY:
            raise Refused(f"read of {length} bytes from {address:#x} must be answered")
        return data

    async def get(self, name: str) -> dict[str, int]:
        """Fields of a register."""
        entry = register(name)
        return unpack_register(entry, int.from_bytes(await self.read(entry.address), "little"))

    async def put(self, name: str, **values: int) -> None:
        """Write a register."""
        entry = register(name)
        await self.write(entry.address, pack_register(entry, **values).to_bytes(BUS_BYTES, "little"))

    async def store(self, window: Window, row: int, values: NDArray[Any]) -> None:
        """Write memory rows."""
        stride, (banks, _) = window_stride(self.config, window), window_banks(self.config, window)
        data = pack_rows(values, stride).astype("<u8").tobytes()
        if banks * BUS_BYTES == stride:
            await self.write(window.base + row * stride, data)
            return
        for index in range(len(values)):
            part = data[index * stride :][: banks * BUS_BYTES]
            await self.write(window.base + (row + index) * stride, part)

    async def load(self, window: Window, row: int, count: int, columns: int, dtype: Any) -> NDArray[Any]:
        """Read ``count`` memory rows of ``columns`` values."""
        stride, (banks, _) = window_stride(self.config, window), window_banks(self.config, window)
        if banks * BUS_BYTES == stride:
            data = await self.read(window.base + row * stride, count * stride)
        else:
            rows = [await self.read(window.base + (row + index) * stride, banks * BUS_BYTES) for index in range(count)]
            data = b"".join(part.ljust(stride, b"\0") for part in rows)
        return unpack_rows(np.frombuffer(data, "<u8").astype(np.uint64), stride, columns, dtype)

    async def start(self, first: int, count: int) -> None:
        """Start a job, with the next job number; counters are cleared, the interrupt enabled."""
        self.job = (self.job + 1) % (1 << 16)
        for name in COUNTERS:
            await self.put(name)
        await self.put("interrupt", enable=1, pending=1)
        await self.put("start", first=first, count=count, job=self.job)

    async def interrupted(self, cycles: int) -> int:
        """Wait for the interrupt; the cycles it took. Raises :class:`Deadline` after ``cycles``."""
        start = self.now()
        if not int(self.dut.interrupt.value):
            await First(RisingEdge(self.dut.interrupt), Timer(cycles * CLOCK_NS, "ns"))
        if not int(self.dut.interrupt.value):
            status = await self.get("status")
            raise Deadline(f"the job must end within {cycles} cycles, status {status}")
        return self.now() - start

    async def finish(self, cycles: int) -> dict[str, int]:
        """Wait for the end of the job; the status, its job number checked."""
        await self.interrupted(cycles)
        status = await self.get("status")
        expect("job number", status["job"], self.job)
        return status

    async def layer_cycles(self, first: int, count: int) -> list[int]:
        """The chip's cycles of commands."""
        log = register("layer_cycles")
        places = [index % log.words for index in range(first, first + count)]
        words = [await self.read(log.address + BUS_BYTES * place) for place in places]
        return [int.from_bytes(word, "little") for word in words]

    def now(self) -> int:
        """Cycles since the simulation began."""
        return int(get_sim_time("ns")) // CLOCK_NS
