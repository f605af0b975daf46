"""Where the chip's multipliers and block RAMs stand on an ECP5.

nextpnr's analytic placer starts from the pins; a chip with four of them begins at one point, and its wires, once legal,
are several times as long as in its own solution. With multipliers and block RAMs fixed they are about half as long, and
``cubesat`` can be routed (figures: ``docs/decisions/ecp5-timing.md``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vanallen.rtl.config import Config
from vanallen.rtl.registers import Window
from vanallen.rtl.technology import Technology

from .deep_memory import deep_cells, deep_memories
from .multipliers import technology_for

__all__ = ["SITES", "Sites", "floorplan", "ram_name"]

CHIP = "system.accelerator."
"""Where the chip lies in a board's top."""

_CONTROL = ("command_ram.ram.0.0", "command_ram.ram.0.1", "cycle_log.log.0.0")
"""Block RAMs of the control."""

_OTHER_RAMS = 4
"""Block RAMs that nextpnr places, at most: those of the link."""

_PRODUCTS = ("low_low_dsp", "low_high_dsp", "high_low_dsp", "high_high_dsp")
"""Multipliers of a lane."""

_PARAMETER_RAMS = 2
"""Block RAMs of a lane's parameters."""

_GROUP = 4
"""Multipliers, or block RAMs, that stand side by side."""


@dataclass(kw_only=True, frozen=True)
class Sites:
    """Multipliers and block RAMs of an ECP5: groups of four at ``columns``, in rows of tiles.

    As nextpnr names them (Project Trellis, tile grid of the device): multipliers of the group at x are
    ``MULT18_0, 1, 4, 5`` at x, x + 1, x + 4 and x + 5, block RAMs ``EBR0`` to ``EBR3`` at x, x + 2, x + 4 and x + 6.
    ``weights``, ``activations`` and ``control`` are the places round which these RAMs stand: of several places, equal
    parts of them, in the order of their bits.
    """

    columns: tuple[int, ...]
    multiplier_rows: tuple[int, ...]
    ram_rows: tuple[int, ...]
    weights: tuple[tuple[int, int], ...]
    activations: tuple[tuple[int, int], ...]
    control: tuple[int, int]

    def multipliers(self, place: tuple[int, int]) -> list[str]:
        """The four multipliers of the group at ``place``."""
        x, y = place
        return [f"X{x + offset}/Y{y}/MULT18_{offset}" for offset in (0, 1, 4, 5)]

    def rams(self) -> dict[tuple[int, int], str]:
        """Every block RAM by its place."""
        return {
            (x + 2 * index, y): f"X{x + 2 * index}/Y{y}/EBR{index}"
            for y in self.ram_rows for x in self.columns for index in range(_GROUP)
        }  # fmt: skip


SITES = {
    "LFE5U-45F": Sites(
        columns=(4, 13, 22, 31, 42, 51, 60, 69, 78), multiplier_rows=(22, 46), ram_rows=(10, 34, 58),
        weights=((22, 10),), activations=((22, 58),), control=(42, 34),
    ),
    "LFE5U-85F": Sites(
        columns=(4, 13, 22, 31, 40, 49, 58, 69, 78, 87, 96, 105, 114),
        multiplier_rows=(10, 34, 58), ram_rows=(22, 46, 70, 82),
        weights=((40, 26), (96, 26)), activations=((40, 76),), control=(58, 46),
    ),
}  # fmt: skip
"""By device: where the multipliers and block RAMs of full designs were placed by nextpnr-ecp5."""


def ram_name(window: Window) -> str:
    """The cell of a memory of the chip, after flattening."""
    return f"{CHIP}{window.name.lower()}_ram.ram"


def _stacks(sites: Sites, height: int) -> Iterator[list[tuple[int, int]]]:
    """Groups of multipliers one below the other, ``height`` of them, from left to right; in rows that are left over,
    side by side, on the way back."""
    rows = sites.multiplier_rows
    whole = len(rows) - len(rows) % height
    for first in range(0, whole, height):
        yield from ([(x, y) for y in rows[first : first + height]] for x in sites.columns)
    back = sites.columns[::-1]
    for y in rows[whole:]:
        yield from ([(x, y) for x in back[i : i + height]] for i in range(0, len(back) - height + 1, height))


def _lanes(config: Config, sites: Sites, stacks: list[list[tuple[int, int]]]) -> list[tuple[int, int]]:
    """A group for each lane of the requantizer: of those left over, the ones nearest to the middle of the device.

    The middle itself for all, if there are too few.
    """
    taken = {place for stack in stacks for place in stack}
    left = [(x, y) for y in sites.multiplier_rows for x in sites.columns if (x, y) not in taken]
    middle = sites.columns[len(sites.columns) // 2], sum(sites.multiplier_rows) // len(sites.multiplier_rows)
    near = sorted(left, key=lambda at: (abs(at[0] - middle[0]) + abs(at[1] - middle[1]), at))
    return near[: config.lanes] if len(near) >= config.lanes else [middle] * config.lanes


def _deep_rams(config: Config, window: Window) -> list[str]:
    """Block RAMs of a deep memory, named as Yosys's ``memory_libmap`` does; none if it isn't deep."""
    if window not in deep_memories(config):
        return []
    return [f"{ram_name(window)}.0.{index}" for index in range(deep_cells(config, window))]


def _deep_places(config: Config, sites: Sites) -> list[tuple[str, tuple[int, int]]]:
    """The block RAMs of deep memories, each with the place round which it stands, in the order in which they take
    sites: of every place the same part of its RAMs."""
    order = []
    for window, places in ((Window.WEIGHT, sites.weights), (Window.ACTIVATION, sites.activations)):
        cells = _deep_rams(config, window)
        share = -(-len(cells) // len(places))
        order += [(index % share / share, cell, places[index // share]) for index, cell in enumerate(cells)]
    return [(cell, at) for _, cell, at in sorted(order)]


def _array_stacks(config: Config, sites: Sites) -> list[list[tuple[int, int]]]:
    """A stack for each column of the array; none if it doesn't fit."""
    if config.rows % _GROUP:
        return []
    columns = config.columns + config.side_columns
    stacks = list(_stacks(sites, config.rows // _GROUP))
    spare = len(sites.columns) - columns
    if spare > 0:  # one band is enough: what is left of it, for the requantizer, in its middle
        middle = len(sites.columns) // 2
        del stacks[middle : middle + min(spare, config.lanes)]
    return stacks[:columns] if len(stacks) >= columns else []


def floorplan(config: Config, device: str) -> dict[str, str]:
    """The site of each multiplier of the array and of the RAMs beside it, by the cell's name after flattening.

    A column of the array is a stack of multipliers, the next column beside it. The accumulators of a column stand at
    the block RAMs nearest to its stack, parameters at the multipliers of their lane. The RAMs of weights, and of
    activations, stand as close together as it goes, since one address goes to all of a memory, and with protection all
    bits of a word to its decoder; that they are far from the array costs nothing: columns are skewed, and registers lie
    on the way. Empty if the device's sites aren't known here, or the array doesn't fit into whole stacks: nextpnr then
    places everything.
    """
    sites = SITES.get(device)
    stacks = _array_stacks(config, sites) if sites else []
    if sites is None or not stacks:
        return {}
    plan: dict[str, str] = {}
    for column, stack in enumerate(stacks):
        places = [site for place in stack for site in sites.multipliers(place)]
        for row, site in enumerate(places):
            beside = column == config.columns  # the checksum column
            plan[f"{CHIP}array.{f'checksum_column.element_{row}' if beside else f'array.pe_{row}_{column}'}.dsp"] = site
    free = sites.rams()

    def place(cell: str, x: int, y: int) -> None:
        at = min(free, key=lambda site: (abs(site[0] - x) + abs(site[1] - y), site))
        plan[cell] = free.pop(at)

    for column, stack in enumerate(stacks):
        accumulator = "checksum_accumulator" if column == config.columns else f"accumulator_{column}"
        for bank in range(2):
            place(f"{CHIP}array.{accumulator}.bank_{bank}.0.0", stack[-1][0], stack[-1][1] + 1)
    lanes = _lanes(config, sites, stacks)
    for lane, at in enumerate(lanes):
        multiply = f"{CHIP}requantizer.lane_{lane}.multiply"
        if technology_for(config, device) is Technology.ECP5:
            plan |= {f"{multiply}.{cell}": site for cell, site in zip(_PRODUCTS, sites.multipliers(at), strict=True)}
        for index in range(_PARAMETER_RAMS):
            place(f"{CHIP}parameter_ram.ram.0.{_PARAMETER_RAMS * lane + index}", at[0], at[1] - 1)
    for cell in _CONTROL:
        place(f"{CHIP}{cell}", *sites.control)
    deep = _deep_places(config, sites)
    if len(deep) + _OTHER_RAMS <= len(free):
        for cell, at in deep:
            place(cell, *at)
    return plan
