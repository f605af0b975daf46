"""nextpnr's report as numbers, and its critical path in the design's own words. Imports no Amaranth."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["CriticalPath", "Hop", "Report", "read_report", "signal_name"]

RESOURCES = {"lut": "TRELLIS_COMB", "ff": "TRELLIS_FF", "dsp": "MULT18X18D", "bram": "DP16KD"}
"""What a resource is called here, and nextpnr's name of it on ECP5."""

CHIP_CLOCK = "clock.clk"
"""The chip's clock, as :class:`~vanallen.synth.clock.ClockGenerator` makes it; the link has another, and the PLL."""

_GLOBAL = "$glbnet$"
"""What nextpnr puts before the name of a net that it moves to the clock network."""

OUTER = ("system.accelerator.", "system.")
"""Where the chip and its link lie in a board's top: left out of names."""

_MAPPED = re.compile(
    r"_(TRELLIS_FF|TRELLIS_DPR16X4|TRELLIS_COMB|LUT[2-7]|CCU2C|PFUMX|L6MUX21|DP16KD|PDPW16KD|MULT18X18D|ALU54B|INV)_.*"
)
"""What Yosys and nextpnr add to a signal's name to name the cells and nets made of it."""

_BIT = re.compile(r"\[\d+\]$")

_INDEX = re.compile(r"(?<=\w)\$\d+(?=\.)")
"""What Amaranth adds to a module whose name a signal has too."""


@dataclass(kw_only=True, frozen=True)
class Hop:
    """A stretch of the critical path: the signal it leaves, logic and wire delay in ns until the next one."""

    signal: str
    logic_ns: float
    routing_ns: float


@dataclass(kw_only=True, frozen=True)
class CriticalPath:
    """The slowest way from register to register.

    ``start`` and ``end`` are signals (or memories, multipliers) by their names in the hierarchy, from the accelerator
    down; ``hops`` lie between, each once.
    """

    start: str
    end: str
    logic_ns: float
    routing_ns: float
    hops: list[Hop]


@dataclass(kw_only=True, frozen=True)
class Report:
    """What nextpnr found: the chip's highest clock, whether it and all others are met, resources used and there, the
    chip's critical path."""

    fmax_mhz: float
    met: bool
    resources: dict[str, int]
    available: dict[str, int]
    critical_path: CriticalPath


def signal_name(name: str) -> str:
    """The signal that a cell or net is named after: ``system.accelerator.issue.tag_end_LUT4_Z_1`` is ``issue.tag_end``.

    A name that Yosys made up is "..." in the module it lies in.
    """
    for outer in OUTER:
        if name.startswith(outer):
            name = name.removeprefix(outer)
            break
    *modules, last = _INDEX.sub("", _BIT.sub("", _MAPPED.sub("", name))).split(".")
    if "$" in last:
        return ".".join([*modules, "..."]) if modules else "..."
    return ".".join([*modules, last])


def _path(segments: list[Mapping[str, Any]]) -> CriticalPath:
    """Segments are clock-to-output, routing and logic by turns, and setup; hops of one signal are added up."""
    hops: list[Hop] = []
    for segment in segments:
        delay, is_wire = float(segment["delay"]), segment["type"] == "routing"
        name = signal_name(segment["net"]) if is_wire else None
        if name is None and hops:
            name = hops[-1].signal
        if name is None:
            name = signal_name(segment["from"]["cell"])
        logic, routing = (0.0, delay) if is_wire else (delay, 0.0)
        if hops and hops[-1].signal == name:
            last = hops.pop()
            logic, routing = logic + last.logic_ns, routing + last.routing_ns
        hops.append(Hop(signal=name, logic_ns=round(logic, 3), routing_ns=round(routing, 3)))
    return CriticalPath(
        start=signal_name(segments[0]["from"]["cell"]),
        end=signal_name(segments[-1]["to"]["cell"]),
        logic_ns=round(sum(hop.logic_ns for hop in hops), 3),
        routing_ns=round(sum(hop.routing_ns for hop in hops), 3),
        hops=hops,
    )


def read_report(report: Mapping[str, Any]) -> Report:
    """The numbers of a ``--report`` of nextpnr-ecp5 for a board's top.

    Raises
    ------
    ValueError
        If the chip's clock was not timed.
    """
    clocks = report["fmax"]
    named = [name for name in clocks if name.removeprefix(_GLOBAL) == CHIP_CLOCK]
    if len(named) != 1:
        raise ValueError(f"{CHIP_CLOCK} must be timed, not only {sorted(clocks)!r}")
    edge = f"posedge {named[0]}"
    (path,) = [path for path in report["critical_paths"] if path["from"] == path["to"] == edge]
    use = {name: report["utilization"][cell] for name, cell in RESOURCES.items()}
    return Report(
        fmax_mhz=round(float(clocks[named[0]]["achieved"]), 3),
        met=all(float(clock["achieved"]) >= float(clock["constraint"]) for clock in clocks.values()),
        resources={name: found["used"] for name, found in use.items()},
        available={name: found["available"] for name, found in use.items()},
        critical_path=_path(path["path"]),
    )
