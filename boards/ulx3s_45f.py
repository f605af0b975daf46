"""Radiona ULX3S with the middle ECP5: the cubesat preset."""

from .board import Board

__all__ = ["BOARD"]

BOARD = Board(
    name="ulx3s-45f",
    config="cubesat",
    clock_mhz=100,
    platform="amaranth_boards.ulx3s:ULX3S_45F_Platform",
    device="LFE5U-45F",
    speed="6",
    oscillator="clk25",
)
