"""What flows between the parts of the link."""

from amaranth.lib.data import StructLayout

__all__ = ["CHARACTER", "COMMAND", "PREFIX", "SYMBOL"]

CHARACTER = StructLayout({"data": 8, "error": 1})
"""A byte from the line; with ``error`` it is not to be trusted, or bytes before it are lost."""

SYMBOL = StructLayout({"data": 8, "end": 1, "error": 1})
"""A byte of a packet, or with ``end`` the end of one and no byte; with ``error`` the packet is broken."""

PREFIX = StructLayout({"key": 8, "instruction": 8, "protocol": 8, "target": 8})
"""The first bytes of a command; the first byte is the highest, so that a shift register fills it."""

COMMAND = StructLayout({"length": 24, "address": 32, "extended": 8, "transaction": 16, "initiator": 8})
"""The bytes of a command between reply address and header CRC; likewise."""
