"""What a chip is made of. Imports no Amaranth."""

from enum import Enum

__all__ = ["Technology"]


class Technology(Enum):
    """What the array's multipliers become. Every form is equal to every other, cycle by cycle."""

    GENERIC = "generic"
    """Registers and a product: simulation, any technology."""
    ECP5 = "ecp5"
    """Lattice ECP5: DSP blocks with their own registers."""
