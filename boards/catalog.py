"""The boards that ship."""

from . import ulx3s_45f, ulx3s_85f
from .board import Board

__all__ = ["BOARDS"]

BOARDS: dict[str, Board] = {board.name: board for board in (ulx3s_85f.BOARD, ulx3s_45f.BOARD)}
"""The boards by name."""
