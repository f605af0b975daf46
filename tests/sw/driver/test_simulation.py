"""The simulation target against a RAM in Verilog, with and without wait states."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from vanallen.sw.driver import library as library_module
from vanallen.sw.driver.library import BuildError, ToolMissing, build_library
from vanallen.sw.driver.simulation import CACHE, LibraryTarget
from vanallen.sw.driver.target import BusError, Response, TargetTimeout

RAM = (Path(__file__).parent / "axi_lite_ram.v").read_text()
WAITING = RAM.replace("WAIT_STATES = 0)", "WAIT_STATES = 1)")
RAISE, LOWER, CYCLES, WRITE_STREAK, MISUSES, READ_STREAK = 0x8000, 0x8008, 0x8010, 0x8018, 0x8020, 0x8028
NOTHING_MAPPED, REFUSED, DEAD = 0x10000, 0x20000, 0x30000


@pytest.fixture(params=["prompt", "waiting"])
def ram(request: pytest.FixtureRequest) -> Iterator[LibraryTarget]:
    target = LibraryTarget(build_library(RAM if request.param == "prompt" else WAITING, "vanallen", CACHE))
    yield target
    assert target.read(MISUSES) == 0, "the bus was misused"
    target.close()


@pytest.fixture
def prompt() -> Iterator[LibraryTarget]:
    target = LibraryTarget(build_library(RAM, "vanallen", CACHE))
    yield target
    target.close()


def test_blocks_come_back(ram: LibraryTarget) -> None:
    rng = np.random.default_rng(1)
    want = rng.integers(0, 1 << 64, 4096, dtype=np.uint64)
    ram.write_block(0, want)
    for start, count in ((0, 4096), (1, 1), (17, 300), (4095, 1), (5, 0)):
        assert np.array_equal(ram.read_block(8 * start, count), want[start : start + count])
    ram.write_block(8 * 100, want[:7])
    want[100:107] = want[:7]
    ram.write(8 * 50, (1 << 64) - 1)
    want[50] = (1 << 64) - 1
    assert ram.read(8 * 50) == (1 << 64) - 1
    assert np.array_equal(ram.read_block(0, 4096), want)


def test_a_write_and_a_read_that_meet(ram: LibraryTarget) -> None:
    ram.write_block(0, np.array([1, 2], np.uint64))
    assert ram.meet(0, 5, 8) == 2
    assert ram.meet(8, 6, 0, late=7) == 5
    assert ram.read_block(0, 2).tolist() == [5, 6]
    for write, read, failed in ((REFUSED, 0, REFUSED), (0, REFUSED, REFUSED)):
        with pytest.raises(BusError) as found:
            ram.meet(write, 9, read)
        assert (found.value.address, found.value.response) == (failed, Response.SLVERR)
    with pytest.raises(ValueError, match="address must be a multiple of 8"):
        ram.meet(4, 0, 0)


def test_a_word_a_cycle_back_to_back(prompt: LibraryTarget) -> None:
    begin = prompt.cycles
    prompt.write_block(0, np.arange(1000, dtype=np.uint64))
    assert prompt.cycles - begin <= 1000 + 2
    begin = prompt.cycles
    prompt.read_block(0, 1000)
    assert prompt.cycles - begin <= 1000 + 2
    assert prompt.read(WRITE_STREAK) == prompt.read(READ_STREAK) == 1000


def test_wait_states_were_there() -> None:
    target = LibraryTarget(build_library(WAITING, "vanallen", CACHE))
    target.write_block(0, np.arange(1000, dtype=np.uint64))
    assert target.cycles > 2000
    target.close()


def test_the_cycle_count_is_the_chips(prompt: LibraryTarget) -> None:
    first, begin = prompt.read(CYCLES), prompt.cycles
    prompt.wait(1_000_000)
    assert prompt.cycles - begin == 1_000_000, "without an interrupt, all of the limit"
    second, end = prompt.read(CYCLES), prompt.cycles
    assert second - first == end - begin


def test_wait_ends_at_the_interrupt(ram: LibraryTarget) -> None:
    for delay in (5, 300_000):
        ram.write(RAISE, delay)
        begin = ram.cycles
        ram.wait(10_000_000)
        assert delay - 5 <= ram.cycles - begin <= delay + 1
        begin = ram.cycles
        ram.wait(1000)
        assert ram.cycles == begin, "the line is still high"
        ram.write(LOWER, 0)


def test_errors_name_the_first_address(ram: LibraryTarget) -> None:
    for address, response in ((NOTHING_MAPPED, Response.DECERR), (REFUSED, Response.SLVERR)):
        with pytest.raises(BusError, match=f"{address + 24:#08x} with {response.name}") as caught:
            ram.write_block(address + 24, np.zeros(3, np.uint64))
        assert (caught.value.address, caught.value.response) == (address + 24, response)
        with pytest.raises(BusError) as caught:
            ram.read(address)
        assert (caught.value.address, caught.value.response) == (address, response)
    with pytest.raises(BusError) as caught:
        ram.read_block(REFUSED - 40, 10)
    assert (caught.value.address, caught.value.response) == (REFUSED - 40, Response.DECERR)
    with pytest.raises(BusError) as caught:
        ram.write_block(NOTHING_MAPPED - 16, np.zeros(5, np.uint64))
    assert caught.value.address == NOTHING_MAPPED
    ram.write(0, 77)
    assert ram.read(0) == 77, "an error leaves the bus usable"


def test_silence_is_a_timeout_and_reset_the_way_out(prompt: LibraryTarget) -> None:
    prompt.write(8, 5)
    for access in (lambda: prompt.read(DEAD), lambda: prompt.write(DEAD, 0)):
        with pytest.raises(TargetTimeout, match="stopped answering a transfer at 0x030000"):
            access()
        prompt.reset()
        assert prompt.read(8) == 5


@pytest.mark.parametrize(("address", "count"), [(4, 1), (-8, 1), (1 << 22, 1), ((1 << 22) - 8, 2)])
def test_addresses_outside_the_bus(prompt: LibraryTarget, address: int, count: int) -> None:
    with pytest.raises(ValueError, match="address"):
        prompt.read_block(address, count)
    with pytest.raises(ValueError, match="address"):
        prompt.write_block(address, np.zeros(count, np.uint64))


def test_two_chips_are_two(prompt: LibraryTarget) -> None:
    """Of one library, and of another one with the same symbols."""
    others = [LibraryTarget(build_library(text, "vanallen", CACHE)) for text in (RAM, WAITING)]
    for number, target in enumerate((prompt, *others)):
        target.write(0, number)
    assert [target.read(0) for target in (prompt, *others)] == [0, 1, 2]
    for target in others:
        target.close()
        target.close()
        with pytest.raises(ValueError, match="open"):
            target.read(0)


def test_waves(tmp_path: Path) -> None:
    waves = tmp_path / "folder" / "chip.vcd"
    target = LibraryTarget(build_library(RAM, "vanallen", CACHE, waves=True), waves=waves)
    target.write(0, 0xFEED)
    cycles = target.cycles
    target.close()
    lines = waves.read_text().splitlines()
    assert any("s_axi_wdata" in line for line in lines)
    assert any(re.match("b0*1111111011101101 ", line) for line in lines), "the word written"
    assert lines.count("$enddefinitions $end") == 1
    times = [int(line[1:]) for line in lines if line.startswith("#")]
    assert times == sorted(times) and 2 * cycles - 3 <= times[-1] <= 2 * cycles


def test_cache_is_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    builds: list[str] = []

    def build(sources: dict[str, str], flags: list[str], compiler: dict[str, str], folder: Path, log: Path) -> Path:
        builds.append(sources["chip.v"])
        (folder / "chip.so").write_text(sources["chip.v"])
        return folder / "chip.so"

    monkeypatch.setattr(library_module, "_build", build)
    first = build_library("one", "vanallen", tmp_path, report=lines.append)
    assert build_library("one", "vanallen", tmp_path, report=lines.append) == first
    assert (builds, len(lines), first.read_text()) == (["one"], 1, "one")
    others = {
        build_library("two", "vanallen", tmp_path),
        build_library("one", "other", tmp_path),
        build_library("one", "vanallen", tmp_path, waves=True),
        build_library("one", "vanallen", tmp_path, quick=True),
        build_library("one", "vanallen", tmp_path, select=True),
        build_library("one", "vanallen", tmp_path, shim="another"),
    }
    assert len(others | {first}) == len(builds) == 7
    assert not list(tmp_path.glob("building-*"))


def test_a_failed_build_leaves_no_library(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"verilator_bin failed with status 1(.|\n)*syntax error"):
        build_library("module vanallen(; endmodule", "vanallen", tmp_path)
    assert not list(tmp_path.glob("*.so"))
    assert len(list(tmp_path.glob("*.log"))) == 1


@pytest.mark.parametrize("tool", ["make", "g++"])
def test_missing_tools_are_named(tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for present in {"make", "g++"} - {tool}:
        (tmp_path / present).write_text("#!/bin/sh\n")
        (tmp_path / present).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ToolMissing, match=f"needs {tool.replace('+', '.')}, which is not installed: apt-get install"):
        build_library(RAM, "vanallen", tmp_path / "cache")
