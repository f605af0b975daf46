"""What is to know about a board. Imports nothing heavy: ``vanallen info`` lists boards without any FPGA tool there."""

from __future__ import annotations

from dataclasses import dataclass

from vanallen.rtl.config import DEFAULT_PROTECTION, preset
from vanallen.rtl.link.rmap import BAUD

__all__ = ["Board"]


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


@dataclass(kw_only=True, frozen=True)
class Board:
    """A board with a Lattice ECP5, and the chip that goes onto it.

    Parameters
    ----------
    name : str
        What the command line calls it.
    config : str
        Preset of the chip.
    clock_mhz : float
        Clock of the chip, made from the oscillator by a PLL; placed and routed logic must reach it.
    platform : str
        The board file, a class of Amaranth's LatticeECP5Platform, as "module:Class". Loaded only when it is used.
    device, speed : str
        The part and its speed grade as the board file says them.
    oscillator : str
        The board file's clock that feeds the PLL; its frequency stands there.
    protection : str
        What the chip is protected by, one of ``vanallen.rtl.config.PROTECTIONS``.
    baud : int
        Bits a second of the link at the UART.
    uart, led : tuple[str, int]
        Resources of the board file: the link, and the light that shows the interrupt line.
    alarm : tuple[str, int]
        Resource of the board file: the input that is high while the chip is too hot.

    Raises
    ------
    TypeError
        If clock or baud is not a number.
    ValueError
        If a value is outside what it must be, or the preset is unknown, or can't be protected.
    """

    name: str
    config: str
    clock_mhz: float
    platform: str
    device: str
    speed: str
    oscillator: str
    protection: str = DEFAULT_PROTECTION
    baud: int = BAUD
    uart: tuple[str, int] = ("uart", 0)
    led: tuple[str, int] = ("led", 0)
    alarm: tuple[str, int] = ("button_fire", 0)

    def __post_init__(self) -> None:
        for field in ("clock_mhz", "baud"):
            value = getattr(self, field)
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise TypeError(f"{field} must be a number, not {value!r}")
        preset(self.config, self.protection)
        _require(0 < self.clock_mhz <= 400, f"clock_mhz must be above 0 and at most 400, not {self.clock_mhz!r}")
        _require(self.baud > 0, f"baud must be positive, not {self.baud!r}")
        module, _, name = self.platform.partition(":")
        _require(bool(module and name), f"platform must be module:Class, not {self.platform!r}")
