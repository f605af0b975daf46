"""Hashes of the design as it is today: figures are those of a design, and stale when it has changed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import lru_cache

from vanallen.rtl.config import preset

__all__ = ["board_hash", "chip_hash"]


@lru_cache
def chip_hash(config: str, protection: str = "full") -> str:
    """The first 16 digits of the SHA-256 of the Verilog of the preset ``config``, protected or not.

    Raises
    ------
    ValueError
        If there is no such preset.
    RuntimeError
        If Yosys, which writes the Verilog, isn't installed.
    """
    from vanallen.rtl.verilog import verilog  # loads Amaranth, which the rendering of tables doesn't need

    return hashlib.sha256(verilog(preset(config, protection)).encode()).hexdigest()[:16]


@lru_cache
def board_hash(board: str, protection: str) -> str:
    """The hash of all that goes into the bitstream of the shipped board called ``board``, protected or not, but for the
    seed.

    Raises
    ------
    KeyError
        If there is no such board.
    """
    from vanallen.boards.catalog import BOARDS
    from vanallen.synth.plan import design_hash  # loads Amaranth, which the rendering of tables doesn't need

    return design_hash(replace(BOARDS[board], protection=protection))
