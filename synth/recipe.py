"""What is said to Yosys and nextpnr beyond Amaranth's own script, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = [
    "AFTER_READ",
    "AFTER_SYNTHESIS",
    "MAP_LUTS",
    "NETLIST",
    "NO_MORE_MULTIPLIERS",
    "PLACE_OPTIONS",
    "SYNTHESIS_OPTIONS",
    "fixed_cells",
    "synthesis_from",
]

NETLIST = "netlist.v"
"""File of the synthesized design as Verilog."""

AFTER_READ = (
    # Else Yosys merges equal registers, of the array's diagonals and of the groups that are drained, into long nets.
    "setattr -mod -set keep_hierarchy 1 *.pe_* *.drain_select_*",
    # Else it merges the copies of what is there three times, and their voters (which are modules in the copies).
    "setattr -mod -set keep_hierarchy 1 *.copy_*",
    # Mapped together, everything may have as many levels as the deepest path of all has; by itself a part has its own:
    # encoders and decoders (syndrome and correction apart), the checksum of a held command, the lanes that requantize,
    # the test of checksums, the host's bridge, the link, whose clock is slow.
    "setattr -mod -set keep_hierarchy 1 *_ram.encoder_* *_ram.decoder_* *.store *.lane_* *.array.test *.bridge *.link",
    # Scratchpads, the log of cycles and accumulators never read and write one row in one cycle (what is round them
    # drops the read; the tag's order keeps them apart): no logic that would define what such a read gives. It must come
    # before `memory_collect` makes one cell of a memory's ports, which `synth_ecp5` does.
    "setparam -set COLLISION_X_MASK 1'1 *_ram/t:$memrd_v2 *.cycle_log/t:$memrd_v2 *.accumulator_*/t:$memrd_v2",
)
"""Yosys commands between reading the design and ``synth_ecp5``."""

SYNTHESIS_OPTIONS = ("-nowidelut",)
"""Options of ``synth_ecp5``: multiplexers of several LUTs must stand in one tile, and whatever follows is far away."""

MAP_LUTS = ("check -latchonly -assert", "abc9 -maxlut 4 -W 900", "clean")
"""What stands for the step ``map_luts`` of ``synth_ecp5``, which says that a wire takes 300 ps. Routed, one between
neighbours takes 500 to 1,100: a level of tables costs more than it says (docs/decisions/ecp5-timing.md)."""

NO_MORE_MULTIPLIERS = "-nodsp"
"""Option of ``synth_ecp5`` where the device has multipliers for the array only: it infers none."""

AFTER_SYNTHESIS = (f"write_verilog -noattr {NETLIST}",)
"""Yosys commands after ``synth_ecp5``."""

PLACE_OPTIONS = (
    # the slowest paths count for more, short wires for less: nextpnr's own is 10
    "--placer-heap-timingweight", "150",
    # with the sites of floorplan.py it ends, at 113 MHz where router2 ends at 74 (docs/decisions/ecp5-timing.md)
    "--router", "router1",
    "--timing-allow-fail",  # missed timing is this program's to say, with the report read
    "--report", "report.json",
)  # fmt: skip
"""Options of nextpnr beside seed and clock."""


def synthesis_from(step: str, options: Sequence[str], top: str) -> tuple[str, ...]:
    """Yosys commands: ``synth_ecp5`` with ``options`` from one of its steps on, :data:`MAP_LUTS` instead of its own."""
    first, last = (
        " ".join(("synth_ecp5", *options, "-run", run, "-top", top)) for run in (f"{step}:map_luts", "map_cells:")
    )
    return (first, *MAP_LUTS, last)


def fixed_cells(plan: Mapping[str, str]) -> tuple[str, ...]:
    """Yosys commands that fix cells at sites, by name, and fail where there is no such cell.

    They make the design flat: cells below the top have no name of their own before.
    """
    if not plan:
        return ()
    fixed: list[str] = []
    for cell, site in plan.items():
        fixed += [f"select -assert-count 1 top/c:{cell}", f'setattr -set BEL "{site}" top/c:{cell}']
    return ("setattr -mod -unset keep_hierarchy *", "flatten -noscopeinfo", *fixed)
