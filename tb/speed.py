"""How fast cocotb simulates the chip."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from vanallen.rtl.config import Config

from .runner import CACHE, build, run

__all__ = ["cocotb_speed"]


def cocotb_speed(config: Config, *, cycles: int = 20_000, cache: Path = CACHE) -> float:
    """Cycles a second of a cocotb simulation under Verilator, with a job running and the bus idle.

    Raises
    ------
    RuntimeError
        If the simulation fails.
    SimulatorMissing, BuildFailed
        If there is no simulator, or it doesn't build.
    """
    simulation = build(config, cache=cache)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        outcome = run(simulation, module="vanallen.tb.bench.speed", test="speed", folder=folder, seed=1,
                      settings={"cycles": cycles})  # fmt: skip
        if not outcome.passed:
            raise RuntimeError(f"the simulation of {config.name} failed: {outcome.message}")
        measured = json.loads((folder / "speed.json").read_text(encoding="utf-8"))
    return float(measured["cycles"] / measured["seconds"])
