"""What goes onto a board: clock, link and chip at the board's pins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth.build import ResourceError  # type: ignore[attr-defined]  # left out of the stubs
from amaranth.hdl import ClockDomain, Elaboratable, Module
from amaranth.lib import io

from vanallen.boards.board import Board
from vanallen.rtl.config import preset
from vanallen.rtl.system import System

from .clock import ClockGenerator
from .errors import BoardError
from .multipliers import technology_for
from .pll import Pll, find_pll

__all__ = ["BoardTop", "MakeCore", "board_pll", "chip"]

MakeCore = Callable[[Board, int], Any]
"""Makes what lies between the board's pins, a component with members ``rx``, ``tx``, ``interrupt`` and
``thermal_alarm``, of the board and the frequency of the domain ``link`` in Hz."""


def chip(board: Board, link_hz: int) -> Any:
    """The accelerator with its link, its multipliers in DSP blocks: what a board is for.

    Raises
    ------
    BoardError
        If the link's clock can't make the board's bit rate.
    """
    config = preset(board.config, board.protection)
    try:
        return System(config=config, link_hz=link_hz, baud=board.baud, technology=technology_for(config, board.device))
    except ValueError as error:
        raise BoardError(f"{board.name}'s link, clocked by {board.oscillator}, can't be made: {error}") from error


def board_pll(board: Board, platform: Any) -> Pll:
    """The PLL's settings on ``board``; its oscillator's frequency is the platform's.

    Raises
    ------
    BoardError
        If the board file has no such oscillator, or the PLL can't make the clock.
    """
    try:
        oscillator = platform.lookup(board.oscillator)
    except ResourceError as error:
        raise BoardError(f"there is no oscillator {board.oscillator} on {board.name}: {error}") from error
    return find_pll(input_hz=round(oscillator.clock.frequency), wanted_hz=round(board.clock_mhz * 1e6))


class BoardTop(Elaboratable):
    """A board's top: the clocks of chip and link (:class:`ClockGenerator`), and what ``make_core`` makes at the UART's
    pins, the light and the thermal alarm.

    Parameters
    ----------
    board : Board
    make_core : MakeCore
        ``chip``, or something smaller for tests of the tools.
    """

    def __init__(self, *, board: Board, make_core: MakeCore = chip) -> None:
        self.board = board
        self.make_core = make_core

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains += [ClockDomain("sync", reset_less=True), ClockDomain("link", reset_less=True)]
        board = self.board
        pll = board_pll(board, platform)
        m.submodules.clock = ClockGenerator(pll=pll, oscillator=board.oscillator)
        m.submodules.system = system = self.make_core(board, pll.input_hz)
        uart, led, alarm = (platform.request(*resource, dir="-") for resource in (board.uart, board.led, board.alarm))
        m.submodules.rx = rx = io.Buffer(io.Direction.Input, uart.rx)
        m.submodules.tx = tx = io.Buffer(io.Direction.Output, uart.tx)
        m.submodules.light = light = io.Buffer(io.Direction.Output, led)
        m.submodules.alarm = hot = io.Buffer(io.Direction.Input, alarm)
        m.d.comb += [
            system.rx.eq(rx.i), tx.o.eq(system.tx), light.o.eq(system.interrupt), system.thermal_alarm.eq(hot.i),
        ]  # fmt: skip
        return m
