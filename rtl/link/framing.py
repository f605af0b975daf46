"""Frames of bytes that hold any packet: consistent overhead byte stuffing. Imports no Amaranth.

A frame has no zero but the one that ends it. Each block of it is a code byte ``n`` and ``n - 1`` bytes of the packet; a
zero of the packet follows, unless ``n`` is 255 or the frame ends there. Source: Cheshire and Baker, "Consistent
Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2), 1999.
"""

from __future__ import annotations

__all__ = ["BLOCK", "decode", "encode"]

BLOCK = 254
"""Bytes of the packet in the longest block."""


def encode(packet: bytes) -> bytes:
    """The frame of ``packet``, without the zero that ends it."""
    frame, full = bytearray(), False
    for piece in packet.split(b"\0"):
        rest, full = piece, False
        while len(rest) >= BLOCK:
            frame += b"\xff" + rest[:BLOCK]
            rest, full = rest[BLOCK:], True
        frame += bytes((len(rest) + 1,)) + rest
        full = full and not rest
    return bytes(frame[:-1] if full else frame)


def decode(frame: bytes) -> bytes | None:
    """The packet in ``frame``, without the zero that ends it; None if it is cut off or has a zero."""
    packet = bytearray()
    position = 0
    while position < len(frame):
        code = frame[position]
        block = frame[position + 1 : position + code]
        if code == 0 or len(block) != code - 1 or 0 in block:
            return None
        packet += block
        position += code
        if code <= BLOCK and position < len(frame):
            packet.append(0)
    return bytes(packet)
