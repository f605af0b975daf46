"""What protection costs on a board: its bitstreams with and without it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from vanallen.boards.board import Board

from .bitstream import Bitstream, build_bitstream

__all__ = ["BoardComparison", "compare_bitstreams"]


@dataclass(frozen=True, kw_only=True)
class BoardComparison:
    """``overhead`` is how much more the protected chip has, of the unprotected one: 0.3 is 30 %; ``fmax`` is of the
    medians, and below 0 where protection makes the chip slower. What no seed of either ended with isn't there."""

    none: Bitstream
    full: Bitstream
    overhead: dict[str, float]


def compare_bitstreams(board: Board, **options: Any) -> BoardComparison:
    """The bitstreams of ``board`` with and without protection; ``options`` are those of
    :func:`~vanallen.synth.bitstream.build_bitstream`, whose errors it raises."""
    none, full = (build_bitstream(replace(board, protection=kind), **options) for kind in ("none", "full"))
    before, after = _figures(none), _figures(full)
    overhead = {name: after[name] / value - 1 for name, value in before.items() if value and name in after}
    return BoardComparison(none=none, full=full, overhead=overhead)


def _figures(made: Bitstream) -> dict[str, float]:
    """What is compared; the median of no seed is no figure."""
    gates = {} if made.gates is None else {"gates": made.gates}
    fmax = {"fmax": made.fmax_mhz["median"]} if made.fmax_mhz and made.fmax_mhz["median"] else {}
    return {**gates, **(made.resources or {}), **fmax}
