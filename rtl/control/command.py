"""The held command, and the checks that make an illegal one an error."""

from functools import reduce
from operator import xor

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.commands import CHECKSUM_PIECES, CHECKSUM_SEED, FIELDS, ErrorCode, Opcode
from vanallen.rtl.config import COMMAND_WORDS, Config

__all__ = ["COMMAND_ERRORS", "CommandFields", "CommandStore", "command_faults"]


class CommandFields(wiring.Signature):
    """A signal for each field of a command (``rtl.commands.FIELDS``), and ``checksum_good``."""

    def __init__(self) -> None:
        fields = {field.name: Out(signed(field.width) if field.signed else field.width) for field in FIELDS}
        super().__init__({**fields, "checksum_good": Out(1)})


class CommandStore(wiring.Component):
    """Eight 64-bit words: the command that runs. Loaded word by word, held until the next command is fetched.

    Not control state but data with a checksum of their own, tested in every cycle on the words as held
    (``checksum_good``).
    """

    def __init__(self) -> None:
        super().__init__({
            "load": In(1),
            "index": In(range(COMMAND_WORDS)),
            "word": In(64),
            "command": Out(CommandFields()),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        words = [Signal(64, name=f"word_{index}") for index in range(COMMAND_WORDS)]
        for index, word in enumerate(words):
            with m.If(self.load & (self.index == index)):
                m.d.sync += word.eq(self.word)
        for field in FIELDS:
            m.d.comb += getattr(self.command, field.name).eq(words[field.word][field.offset :][: field.width])
        pieces = [words[word][16 * piece :][:16].rotate_left(turn) for word, piece, turn in CHECKSUM_PIECES]
        m.d.comb += self.command.checksum_good.eq(self.command.checksum == reduce(xor, pieces, CHECKSUM_SEED))
        return m


COMMAND_ERRORS = (
    ErrorCode.BAD_CHECKSUM, ErrorCode.BAD_OPCODE, ErrorCode.BAD_RESERVED, ErrorCode.BAD_SHAPE, ErrorCode.BAD_KERNEL,
    ErrorCode.BAD_STRIDE, ErrorCode.BAD_BLOCK, ErrorCode.INPUT_REGION, ErrorCode.OUTPUT_REGION, ErrorCode.OVERLAP,
)  # fmt: skip
"""What a command's fields can show; the first that applies is the error, as in the golden model."""


def command_faults(m: Module, config: Config, command: wiring.PureInterface) -> Value:
    """A bit for each of :data:`COMMAND_ERRORS`: whether it applies to the held command. Combinational."""
    words = config.activation_words
    input_end = Signal(17)
    output_end = Signal(17)
    m.d.comb += [
        input_end.eq(command.input_base + command.input_words),
        output_end.eq(command.output_base + command.output_words),
    ]
    counts = ("column_blocks", "output_groups", "rows", "block_rows", "output_width", "input_groups", "input_height",
              "input_width", "input_words", "output_words")  # fmt: skip
    zero_count = Value.cast(0)
    for name in counts:
        zero_count |= getattr(command, name) == 0
    plain = (
        (command.kernel_height == 1) & (command.kernel_width == 1) & (command.input_height == 1)
        & (command.stride_height == 1) & (command.stride_width == 1)
        & (command.pad_top == 0) & (command.pad_left == 0)
    )  # fmt: skip
    spare = command.column_blocks * config.words_per_column_block - command.output_groups
    covered = (spare >= 0) & (spare < config.words_per_column_block)
    matmul = command.opcode == Opcode.MATMUL
    reserved = command.reserved0.any() | command.reserved1.any() | command.reserved2.any() | command.reserved3.any()
    faults = {
        ErrorCode.BAD_CHECKSUM: ~command.checksum_good,
        ErrorCode.BAD_OPCODE: ~(matmul | (command.opcode == Opcode.CONVOLUTION)),
        ErrorCode.BAD_RESERVED: reserved,
        ErrorCode.BAD_SHAPE: zero_count | ~covered | (matmul & ~plain),
        ErrorCode.BAD_KERNEL: ~(_within(command.kernel_height, 7) & _within(command.kernel_width, 7)),
        ErrorCode.BAD_STRIDE: ~(_within(command.stride_height, 4) & _within(command.stride_width, 4)),
        ErrorCode.BAD_BLOCK: command.block_rows > config.accumulator_rows,
        ErrorCode.INPUT_REGION: input_end > words,
        ErrorCode.OUTPUT_REGION: output_end > words,
        ErrorCode.OVERLAP: (command.input_base < output_end) & (command.output_base < input_end),
    }
    return Cat(faults[code] for code in COMMAND_ERRORS)


def _within(value: Value, high: int) -> Value:
    return (value >= 1) & (value <= high)
