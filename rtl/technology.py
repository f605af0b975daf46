"""What a chip is made of. Imports no Amaranth."""

from enum import Enum

__all__ = ["Technology"]


class Technology(Enum):
    """What multipliers become. Every form is equal to every other, cycle by cycle."""

    GENERIC = "generic"
    """Registers and a product: simulation, any technology."""
    ECP5 = "ecp5"
    """Lattice ECP5: DSP blocks with their own registers."""
    ECP5_ARRAY = "ecp5-array"
    """Lattice ECP5: DSP blocks in the array, logic in the requantizer, where a device has too few for both."""
