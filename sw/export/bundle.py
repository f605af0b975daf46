"""Writes the files of an export."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from vanallen.rtl.config import Config
from vanallen.rtl.verilog import verilog

from .header import c_header
from .ports import ports
from .registers import register_map

__all__ = ["REGISTER_TOOLS", "Export", "export"]


TOP = "vanallen"
"""Name of the top module in the Verilog."""

REGISTER_TOOLS = {"systemrdl": "systemrdl-compiler", "peakrdl_html": "peakrdl-html", "peakrdl_ipxact": "peakrdl-ipxact"}
"""Modules that IP-XACT and the page of the registers are made with, and their packages: the extra ``registers``."""


@dataclass(frozen=True)
class Export:
    """Paths of the ``files`` written; names of those ``skipped``, for which the extra ``registers`` is missing."""

    files: tuple[Path, ...]
    skipped: tuple[str, ...]


def _described(config: Config) -> dict[str, str]:
    """The files that PeakRDL makes."""
    from .ip_xact import ip_xact
    from .rdl import compile_map
    from .register_page import register_page

    top = compile_map(config)
    return {
        f"vanallen_{config.name}.xml": ip_xact(top, f"vanallen_{config.name}"),
        f"vanallen_{config.name}_registers.html": register_page(top, f"Van Allen, {config.name}"),
    }


def export(config: Config, directory: Path) -> Export:
    """Writes what an integrator takes away of ``config`` into ``directory``.

    That is Verilog, C header, register map and port list (JSON), and, where the extra ``registers`` is installed,
    IP-XACT and a page of the registers. The directory is made where it doesn't exist; files of the same names are
    replaced. Every byte depends on the configuration, the sources and the tools' versions alone.

    Raises
    ------
    OSError
        If the directory or a file can't be written.
    """
    name, text = f"vanallen_{config.name}", verilog(config)
    contents = {
        f"{name}.v": text,
        f"{name}.h": c_header(config),
        f"{name}_registers.json": json.dumps(register_map(config), indent=2) + "\n",
        f"{name}_ports.json": json.dumps([asdict(port) for port in ports(text, TOP)], indent=2) + "\n",
    }
    complete = all(find_spec(module) is not None for module in REGISTER_TOOLS)
    if complete:
        contents |= _described(config)
    directory.mkdir(parents=True, exist_ok=True)
    for file, content in contents.items():
        (directory / file).write_text(content, encoding="utf-8")
    skipped = () if complete else (f"{name}.xml", f"{name}_registers.html")
    return Export(tuple(directory / file for file in contents), skipped)
