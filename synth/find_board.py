"""Boards by name or file, and the board files of Amaranth behind them."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

from vanallen.boards.board import Board
from vanallen.boards.catalog import BOARDS

from .errors import BoardError, ToolMissing

__all__ = ["INSTALL", "find_board", "platform_of"]

INSTALL = "pip install 'vanallen[boards]'"
"""The line that installs what bitstreams need."""


def find_board(name: str) -> Board:
    """The shipped board called ``name``, or the ``BOARD`` of the Python file at that path.

    Raises
    ------
    BoardError
        If there is no such board, or the file can't be used.
    """
    if name in BOARDS:
        return BOARDS[name]
    path = Path(name)
    if path.suffix != ".py":
        raise BoardError(f"board must be one of {', '.join(BOARDS)} or a .py file, not {name!r}")
    if not path.is_file():
        raise BoardError(f"there is no board file {name}")
    return _load(path)


def _load(path: Path) -> Board:
    spec = importlib.util.spec_from_file_location(f"vanallen_board_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise BoardError(f"{path} can't be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever somebody's file does wrong
        raise BoardError(f"{path} can't be loaded: {type(error).__name__}: {error}") from error
    board: object = getattr(module, "BOARD", None)
    if not isinstance(board, Board):
        raise BoardError(f"{path} must define BOARD = Board(...) of vanallen.boards.board")
    return board


def platform_of(board: Board) -> Any:
    """A new platform object of Amaranth's for ``board``; one prepares one design.

    Raises
    ------
    ToolMissing
        If the package of board files isn't installed.
    BoardError
        If the class isn't there, or it isn't the part and speed grade that the board says.
    """
    module, _, name = board.platform.partition(":")
    try:
        importlib.import_module(module.partition(".")[0])
        platform = getattr(importlib.import_module(module), name)()
    except ModuleNotFoundError as error:
        if error.name == "amaranth_boards":
            raise ToolMissing(f"amaranth-boards isn't installed: {INSTALL}") from error
        raise BoardError(f"platform {board.platform} of {board.name}: {error}") from error
    except (AttributeError, TypeError) as error:
        raise BoardError(f"platform {board.platform} of {board.name} can't be made: {error}") from error
    found = (getattr(platform, "device", None), getattr(platform, "speed", None))
    if found != (board.device, board.speed):
        raise BoardError(f"device and speed of {board.name} must be those of {board.platform}, {found!r}, "
                         f"not {(board.device, board.speed)!r}")  # fmt: skip
    return platform
