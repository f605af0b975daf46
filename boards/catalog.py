"""The boards that ship."""

from . import ulx3s_45f, ulx3s_85f

__all__ = ["BOARDS"]

BOARDS = {module.BOARD.name: module.BOARD for module in (ulx3s_85f, ulx3s_45f)}
"""The boards by name."""
