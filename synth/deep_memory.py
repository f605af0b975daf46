"""Memories that are deeper than a block RAM is with whole bytes, so that each block holds a few bits of every row."""

from __future__ import annotations

from collections.abc import Iterable

from vanallen.rtl.config import Config
from vanallen.rtl.ecc.secded import Secded
from vanallen.rtl.registers import Window, window_banks, window_rows

__all__ = ["LIBRARY", "LIBRARY_FILE", "deep_cells", "deep_memories", "map_deep_memories"]

BLOCK_BITS = 1 << 14
"""Of a block RAM, without the ninth bit of each byte."""

DEEP = (1 << 12, 1 << 13, 1 << 14)
"""Rows of a block RAM that is 4, 2 or 1 bits wide."""

LIBRARY_FILE = "deep_rams.txt"

LIBRARY = """\
ram block $__DP16KD_ {
	abits 14;
	widths 1 2 4 per_port;
	byte 9;
	cost 128;
	init no_undef;
	port srsw "A" "B" {
		clock anyedge;
		clken;
		wrbe_separate;
		portoption "WRITEMODE" "NORMAL" {
			rdwr no_change;
		}
		option "RESETMODE" "SYNC" {
			rdsrst zero ungated block_wr;
		}
		rdinit zero;
	}
}
"""
"""The part of Yosys's list of ECP5's block RAMs (``lattice/brams_16kd.txt``, as ``memory_libmap`` reads it) that is
without a ninth bit."""


def _row_bits(config: Config, window: Window) -> int:
    """Bits of a memory's row, check bits with them."""
    banks, bits = window_banks(config, window)
    if config.protected:
        bits = Secded(data_bits=bits, address_bits=(window_rows(config, window) - 1).bit_length()).word_bits
    return banks * bits


def deep_memories(config: Config) -> list[Window]:
    """Weight and activation RAM, if they are deep."""
    return [window for window in (Window.WEIGHT, Window.ACTIVATION) if window_rows(config, window) in DEEP]


def deep_cells(config: Config, window: Window) -> int:
    """Block RAMs of a deep memory."""
    return -(-_row_bits(config, window) // (BLOCK_BITS // window_rows(config, window)))


def map_deep_memories(cells: Iterable[str]) -> str:
    """The Yosys command, before ``map_ram`` of ``synth_ecp5``, that makes a few bits of every row a block RAM.

    A codeword has 72 bits, eight times nine: Yosys would use the ninth bit, and so whole bytes of fewer rows, with
    logic that chooses among the blocks' outputs. That saves a ninth of them and takes time where there is least of it.
    """
    return f"memory_libmap -lib {LIBRARY_FILE} {' '.join(f'top/c:{cell}' for cell in cells)}"
