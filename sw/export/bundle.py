"""Writes the files of an export."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from vanallen.rtl.config import Config
from vanallen.rtl.verilog import verilog

from .header import c_header
from .ports import ports
from .registers import register_map

__all__ = ["export"]


TOP = "vanallen"
"""Name of the top module in the Verilog."""


def export(config: Config, directory: Path) -> list[Path]:
    """Writes Verilog, C header, register map (JSON) and port list (JSON) of ``config`` into ``directory``.

    The directory is made where it doesn't exist; files of the same names are replaced. Every byte depends on the
    configuration and the sources alone. Returns the paths written.

    Raises
    ------
    OSError
        If the directory or a file can't be written.
    """
    text = verilog(config)
    contents = {
        f"vanallen_{config.name}.v": text,
        f"vanallen_{config.name}.h": c_header(config),
        f"vanallen_{config.name}_registers.json": json.dumps(register_map(config), indent=2) + "\n",
        f"vanallen_{config.name}_ports.json": json.dumps([asdict(port) for port in ports(text, TOP)], indent=2) + "\n",
    }
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (directory / name).write_text(content, encoding="utf-8")
    return [directory / name for name in contents]
