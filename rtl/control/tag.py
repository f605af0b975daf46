"""The tags: the records that steer the data path, and the one module that delays them."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.config import Config

__all__ = ["End", "TagPipe", "drain_tag", "issue_tag", "select_tag", "show_tag", "sound", "steering_tag"]


class End(enum.Enum, shape=2):
    """What the last row of a block ends."""

    NONE = 0
    BLOCK = 1
    COLUMN = 2
    """The last block of a column block."""
    LAYER = 3


def steering_tag(config: Config) -> data.StructLayout:
    """What an issue slot says to the array. All zero in an idle slot.

    ``valid``: an activation row streams; ``padding``: it is the input's zero point; ``first``, ``last``: it belongs to
    the first, last tile of its block; ``end``: it is the last row of the last tile; ``bank``, ``row``: the accumulator
    it is added to; ``swap``: the shadow weights become active with this row; ``load``, ``load_row``: a weight row
    enters the shadow registers of that array row.
    """
    return data.StructLayout({
        "valid": 1,
        "padding": 1,
        "first": 1,
        "last": 1,
        "end": End,
        "bank": 1,
        "row": (config.accumulator_rows - 1).bit_length(),
        "swap": 1,
        "load": 1,
        "load_row": (config.rows - 1).bit_length(),
    })  # fmt: skip


def issue_tag(config: Config) -> data.StructLayout:
    """The tag of an issue slot: what it says to the array, :func:`steering_tag`. All zero in an idle slot.

    With protection also ``parity``, which makes the number of ones in the tag even.
    """
    steering = {name: field.shape for name, field in steering_tag(config)}
    return data.StructLayout({**steering, **({"parity": 1} if config.protected else {})})


def drain_tag(config: Config) -> data.StructLayout:
    """The tag of a drain slot. All zero in an idle slot.

    ``valid``: ``lanes`` columns of an accumulator row enter the requantizer; ``bank``, ``row``, ``group``: which;
    ``write``: they complete an output word; ``address``: where in activation RAM it goes; ``end``: what its block ends.

    With protection also ``row_ends``: it is the last slot of its row; and ``parity``, as in the other tag.
    """
    return data.StructLayout({
        "valid": 1,
        "bank": 1,
        "row": (config.accumulator_rows - 1).bit_length(),
        "group": max(1, (config.columns // config.lanes - 1).bit_length()),
        "write": 1,
        "address": (config.activation_words - 1).bit_length(),
        "end": End,
        **({"row_ends": 1, "parity": 1} if config.protected else {}),
    })  # fmt: skip


def select_tag(config: Config) -> data.StructLayout:
    """What a drain slot says to the accumulators of its group: which row of which bank."""
    return data.StructLayout({field: drain_tag(config)[field].shape for field in ("valid", "bank", "row")})


def show_tag() -> data.StructLayout:
    """What a drain slot says to the read registers of its group: whether to show the row, and of which bank."""
    return data.StructLayout({"valid": 1, "bank": 1})


def sound(tag: data.View) -> Value:
    """Whether the number of ones in ``tag`` is even, as it is in one that no single flip has hit. Combinational."""
    even: Value = ~tag.as_value().xor()
    return even


class TagPipe(wiring.Component):
    """Delays a tag: ``taps[k]`` is ``i`` as it was ``k`` cycles ago; idle (zero) for ``depth`` cycles after reset.

    Parameters
    ----------
    tag : StructLayout
        Layout of the tag.
    depth : int
        The longest delay, in cycles.
    """

    def __init__(self, *, tag: data.StructLayout, depth: int):
        self.tag = tag
        self.depth = depth
        super().__init__({"i": In(tag), "taps": Out(data.ArrayLayout(tag, depth + 1))})

    def elaborate(self, platform) -> Module:
        m = Module()
        stages = [self.i]
        for delay in range(1, self.depth + 1):
            stage = Signal(self.tag, name=f"tag_{delay}")
            m.d.sync += stage.eq(stages[-1])
            stages.append(stage)
        m.d.comb += self.taps.as_value().eq(Cat(stage.as_value() for stage in stages))
        return m
