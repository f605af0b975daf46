"""What protection costs: the areas of a configuration with and without it, part by part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vanallen.rtl.config import preset

from .area import Area, measure_area
from .audit import Audit
from .flow import CACHE
from .tools import Say

__all__ = ["Comparison", "Part", "compare_areas"]

MECHANISMS = {
    "three copies of control": ("issue", "job", "drain", "host", "fill", "commit", "governor"),
    "codes and scrubbers of the memories": ("activation_ram", "weight_ram", "parameter_ram", "command_ram"),
    "checksum column, parity and tags of the array": ("array",),
    "parity and residues of the requantizer": ("requantizer",),
    "the bus": ("bridge",),
}
"""Parts of the chip by what protects them; the rest is counters and registers."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """NAND2 equivalents of a part of the chip, or of what protects in one way; ``share``: of the unprotected chip."""

    name: str
    none: float
    full: float
    share: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """``overhead`` is how much more the protected chip has, of the unprotected one: 0.3 is 30 %. ``audit``: of that."""

    config: str
    none: Area
    full: Area
    overhead: dict[str, float]
    mechanisms: list[Part]
    modules: list[Part]
    audit: Audit | None


def compare_areas(name: str, *, cache: Path = CACHE, say: Say = print) -> Comparison:
    """Gate equivalents of the preset ``name`` with and without protection.

    Raises
    ------
    ToolMissing, ToolFailed
        If Yosys isn't there, or fails.
    """
    none, full = (measure_area(preset(name, kind), cache=cache, say=say) for kind in ("none", "full"))
    gates = [{module.path: module.gates for module in area.modules} for area in (none, full)]

    def part(label: str, *paths: str) -> Part:
        before, after = (sum(found.get(path, 0.0) for path in paths) for found in gates)
        return Part(name=label, none=before, full=after, share=(after - before) / none.gates)

    named = [part(label, *paths) for label, paths in MECHANISMS.items()]
    rest = Part(name="counters, registers, injection", none=none.gates - sum(entry.none for entry in named),
                full=full.gates - sum(entry.full for entry in named),
                share=(full.gates - none.gates) / none.gates - sum(entry.share for entry in named))  # fmt: skip
    paths = sorted({path for found in gates for path in found if path and path.count(".") < 2})
    overhead = {
        "gates": full.gates / none.gates - 1, "flip_flops": full.flip_flops / none.flip_flops - 1,
        "memory_bits": full.memory_bits / none.memory_bits - 1,
    }  # fmt: skip
    return Comparison(config=name, none=none, full=full, overhead=overhead, mechanisms=[*named, rest],
                      modules=[part(path, path) for path in paths], audit=full.audit)  # fmt: skip
