"""The command format: one command is one layer. Imports no Amaranth.

A command is eight 64-bit words in command RAM; command ``k`` starts at word ``8 * k``. :data:`FIELDS` is the one
definition of its layout: the hardware's decoder, the golden model and the compiler are made from it.

Every layer is one address sequence (a matrix product is a 1 x 1 convolution over an image of one line):

.. code-block:: text

    for each column block:                                  C output channels
      for each row block:                                   block_rows output pixels, accumulated together
        for each tap line, tap of kernel, channel group:    one weight tile of R x C
          for each output pixel of the row block:           one activation word of R channels
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from .config import COMMAND_WORDS
from .register_table import ErrorCode

__all__ = ["CHECKSUM_PIECES", "CHECKSUM_SEED", "FIELDS", "ErrorCode", "Field", "Opcode", "checksum", "decode", "encode"]


class Opcode(IntEnum):
    """What a command computes. The values differ in at least four bits."""

    MATMUL = 0x1D
    CONVOLUTION = 0x2E


@dataclass(frozen=True)
class Field:
    """One field of a command: ``width`` bits from bit ``offset`` of 64-bit word ``word``; ``signed`` is two's
    complement."""

    name: str
    word: int
    offset: int
    width: int
    doc: str
    signed: bool = False


FIELDS = (
    Field("opcode", 0, 0, 8, "an Opcode"),
    Field("packed_input", 0, 8, 1, "the host laid the network's input out as patches, taps filling the words"),
    Field("reserved0", 0, 9, 7, "zero"),
    Field("checksum", 0, 16, 16, "over the other 496 bits, see checksum()"),
    Field("input_zero_point", 0, 32, 8, "what padding streams", signed=True),
    Field("output_zero_point", 0, 40, 8, "added after scaling", signed=True),
    Field("clamp_low", 0, 48, 8, "smallest output", signed=True),
    Field("clamp_high", 0, 56, 8, "largest output", signed=True),
    Field("input_base", 1, 0, 16, "first activation word of the input region"),
    Field("input_words", 1, 16, 16, "activation words in the input region"),
    Field("output_base", 1, 32, 16, "first activation word of the output region"),
    Field("output_words", 1, 48, 16, "activation words in the output region"),
    Field("weight_base", 2, 0, 16, "first weight word: tiles by column block, tap line, tap, group; R words a tile"),
    Field("parameter_base", 2, 16, 16, "first parameter row; C / lanes rows a column block"),
    Field("column_blocks", 2, 32, 16, "blocks of C output channels"),
    Field("output_groups", 2, 48, 16, "activation words an output pixel: channels / R, rounded up"),
    Field("rows", 3, 0, 16, "output pixels, M"),
    Field("block_rows", 3, 16, 16, "output pixels a block, at most the rows of an accumulator bank"),
    Field("output_width", 3, 32, 16, "output pixels a line"),
    Field("input_groups", 3, 48, 16, "activation words an input pixel: channels / R, rounded up"),
    Field("input_height", 4, 0, 16, "lines of the input"),
    Field("input_width", 4, 16, 16, "pixels a line of the input"),
    Field("kernel_height", 4, 32, 4, "1 to 7"),
    Field("kernel_width", 4, 36, 4, "1 to 7"),
    Field("stride_height", 4, 40, 4, "1 to 4"),
    Field("stride_width", 4, 44, 4, "1 to 4"),
    Field("pad_top", 4, 48, 4, "lines of padding above; below is what rows and output_width imply"),
    Field("pad_left", 4, 52, 4, "pixels of padding to the left; to the right likewise implied"),
    Field("reserved1", 4, 56, 8, "zero"),
    Field("first_address", 5, 0, 16, "word of the first tap of output pixel 0, modulo 2^16 (padding makes it smaller)"),
    Field("pixel_step", 5, 16, 16, "words from an output pixel's first tap to the next one's in its line"),
    Field("line_step", 5, 32, 16, "words from the last output pixel of a line to the first of the next, modulo 2^16"),
    Field("tap_line_step", 5, 48, 16, "words from the last tap of a tap line to the first of the next, modulo 2^16"),
    Field("reserved2", 6, 0, 64, "zero"),
    Field("reserved3", 7, 0, 64, "zero"),
)
"""The command's fields, in order."""

CHECKSUM_SEED = 0xA5C3
CHECKSUM_PIECES = tuple(
    (word, piece, (5 * (4 * word + piece) + word // 4) % 16)
    for word in range(COMMAND_WORDS)
    for piece in range(4)
    if word or piece != 1
)
"""(word, 16-bit piece of it, bits it is rotated left) of what the checksum is taken over: all but the checksum
field."""


def checksum(words: Sequence[int]) -> int:
    """16-bit checksum of a command's eight words, whatever their checksum field holds.

    Exclusive or of a seed and the other 31 16-bit pieces, each rotated left. It changes with any single flip and is
    wrong for a command of zeros; two flips can cancel. The hardware tests the captured words in one cycle.
    """
    result = CHECKSUM_SEED
    for word, piece, turn in CHECKSUM_PIECES:
        value = (int(words[word]) >> (16 * piece)) & 0xFFFF
        result ^= ((value << turn) | (value >> (16 - turn))) & 0xFFFF
    return result


def encode(values: Mapping[str, int]) -> list[int]:
    """Eight 64-bit words of the command with field values ``values``; the rest is zero, the checksum is computed.

    Raises
    ------
    ValueError
        If a field is unknown or its value doesn't fit.
    """
    known = {field.name: field for field in FIELDS}
    words = [0] * COMMAND_WORDS
    for name, value in values.items():
        if name not in known:
            raise ValueError(f"command field must be one of {', '.join(known)}, not {name!r}")
        field = known[name]
        low, high = (-(1 << field.width - 1), 1 << field.width - 1) if field.signed else (0, 1 << field.width)
        if not low <= value < high:
            raise ValueError(f"{name} must be from {low} to {high - 1}, not {value!r}")
        words[field.word] |= (int(value) & (1 << field.width) - 1) << field.offset
    words[0] = words[0] & ~(0xFFFF << 16) | checksum(words) << 16
    return words


def decode(words: Sequence[int]) -> dict[str, int]:
    """Field values of a command's eight words, whether or not they are legal."""
    values = {}
    for field in FIELDS:
        value = (int(words[field.word]) >> field.offset) & (1 << field.width) - 1
        if field.signed and value >> field.width - 1:
            value -= 1 << field.width
        values[field.name] = value
    return values
