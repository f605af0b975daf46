"""Radiona ULX3S with the largest ECP5: the payload preset."""

from .board import Board

__all__ = ["BOARD"]

BOARD = Board(
    name="ulx3s-85f",
    config="payload",
    clock_mhz=100,
    platform="amaranth_boards.ulx3s:ULX3S_85F_Platform",
    device="LFE5U-85F",
    speed="6",
    oscillator="clk25",
)
