"""Configurations of the accelerator and the named presets. Imports no Amaranth."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["DEFAULT_PROTECTION", "PRESETS", "PROTECTED_COLUMNS", "PROTECTIONS", "Config", "chip_name", "preset"]

ARRAY_ROWS = (4, 8, 16)
"""Heights of the systolic array that the partial-sum widths and the RAM words are made for."""

COMMAND_WORDS = 8
"""64-bit words a command takes in command RAM."""

PROTECTIONS = ("none", "full")
"""What a build may be protected by."""

DEFAULT_PROTECTION = "full"
"""What it is protected by unless told otherwise."""

PROTECTED_COLUMNS = 16
"""Widest array with a checksum column: the sum of so many int8 has 12 bits."""

WINDOW_BYTES = 1 << 19
"""Address space of a memory."""


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _is_power_of_two(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0


@dataclass(kw_only=True, frozen=True)
class Config:
    """Sizes of one accelerator.

    Parameters
    ----------
    name : str
        What the command line calls it.
    rows : int
        ``R``, rows of the systolic array: the reduction. 4, 8 or 16; also the channels in one activation word.
    columns : int
        ``C``, columns of the array: output channels. A multiple of ``rows``, at most 64.
    lanes : int
        Requantizer lanes: a power of two that divides ``rows``.
    activation_bytes, weight_bytes : int
        RAM sizes. A power of two times ``rows`` (``columns``) bytes, at most 32,768 words.
    accumulator_rows : int
        Rows in each of the two accumulator banks, hence of the largest output block. A power of two, 16 to 4,096.
    parameter_rows : int
        Rows of parameter RAM; a row holds bias and scale of ``lanes`` channels.
    command_rows : int
        64-bit words of command RAM; a command takes 8.
    protection : str
        One of :data:`PROTECTIONS`: ``"full"`` detects and repairs any single upset; ``"none"`` has neither protection
        logic nor protection registers.

    Raises
    ------
    TypeError
        If a size is not an integer.
    ValueError
        If a size is outside what the hardware is made for; the message says what it must be.
    """

    name: str
    rows: int
    columns: int
    lanes: int
    activation_bytes: int
    weight_bytes: int
    accumulator_rows: int
    parameter_rows: int = 512
    command_rows: int = 512
    protection: str = DEFAULT_PROTECTION

    def __post_init__(self) -> None:
        for field, value in vars(self).items():
            if field not in ("name", "protection") and (not isinstance(value, int) or isinstance(value, bool)):
                raise TypeError(f"{field} must be an integer, not {value!r}")
        _require(self.rows in ARRAY_ROWS, f"rows must be one of {ARRAY_ROWS}, not {self.rows!r}")
        _require(
            self.columns > 0 and self.columns % self.rows == 0 and self.columns <= 64,
            f"columns must be a multiple of rows ({self.rows}) up to 64, not {self.columns!r}: "
            "else two column blocks would share an output word",
        )
        _require(
            _is_power_of_two(self.lanes) and self.rows % self.lanes == 0,
            f"lanes must be a power of two that divides rows ({self.rows}), not {self.lanes!r}",
        )
        self._check_memory("activation_bytes", self.activation_bytes, self.rows)
        self._check_memory("weight_bytes", self.weight_bytes, self.columns)
        _require(
            _is_power_of_two(self.accumulator_rows) and 16 <= self.accumulator_rows <= 4096,
            f"accumulator_rows must be a power of two from 16 to 4096, not {self.accumulator_rows!r}",
        )
        _require(
            _is_power_of_two(self.parameter_rows) and 64 <= self.parameter_rows <= 4096,
            f"parameter_rows must be a power of two from 64 to 4096, not {self.parameter_rows!r}",
        )
        _require(
            _is_power_of_two(self.command_rows) and 64 <= self.command_rows <= 4096,
            f"command_rows must be a power of two from 64 to 4096, not {self.command_rows!r}",
        )
        _require(self.protection in PROTECTIONS, f"protection must be one of {PROTECTIONS}, not {self.protection!r}")
        _require(
            not self.protected or self.columns <= PROTECTED_COLUMNS,
            f"columns must be at most {PROTECTED_COLUMNS} with protection, not {self.columns!r}: "
            "a checksum weight, the sum of a row's weights, has 12 bits",
        )

    def _check_memory(self, field: str, size: int, word: int) -> None:
        words, rest = divmod(size, word)
        _require(
            rest == 0 and _is_power_of_two(words) and 64 <= words <= 32768,
            f"{field} must be {word} bytes times a power of two from 64 to 32768, not {size!r}",
        )
        stride = max(8, 1 << (word - 1).bit_length())
        _require(
            words * stride <= WINDOW_BYTES,
            f"{field} must be at most {WINDOW_BYTES // stride * word}, not {size!r}: its window of the address map is "
            f"{WINDOW_BYTES} bytes, {stride} a word",
        )

    @property
    def protected(self) -> bool:
        """Whether single upsets are detected and repaired."""
        return self.protection == "full"

    @property
    def copies(self) -> int:
        """Copies of everything that steers: three, which vote, in a protected build."""
        return 3 if self.protected else 1

    @property
    def side_columns(self) -> int:
        """``X``, checksum columns beside the array."""
        return int(self.protected)

    @property
    def activation_words(self) -> int:
        """Words of activation RAM, each ``rows`` bytes: one pixel's group of channels."""
        return self.activation_bytes // self.rows

    @property
    def weight_words(self) -> int:
        """Words of weight RAM, each ``columns`` bytes: one row of a weight tile."""
        return self.weight_bytes // self.columns

    @property
    def commands(self) -> int:
        """Commands that command RAM holds."""
        return self.command_rows // COMMAND_WORDS

    @property
    def words_per_column_block(self) -> int:
        """Activation words that one output row of a column block fills."""
        return self.columns // self.rows

    @property
    def steps_per_word(self) -> int:
        """Cycles in which the lanes fill one activation word."""
        return self.rows // self.lanes

    @property
    def parameter_rows_per_column_block(self) -> int:
        """Parameter RAM rows of ``columns`` channels."""
        return self.columns // self.lanes

    @property
    def macs_per_cycle(self) -> int:
        """Peak multiply-accumulates a cycle."""
        return self.rows * self.columns


PRESETS = {
    config.name: config
    for config in (
        Config(name="nano", rows=4, columns=4, lanes=1,
               activation_bytes=8 << 10, weight_bytes=8 << 10, accumulator_rows=64),
        Config(name="cubesat", rows=8, columns=8, lanes=2,
               activation_bytes=64 << 10, weight_bytes=64 << 10, accumulator_rows=256),
        Config(name="payload", rows=8, columns=16, lanes=4,
               activation_bytes=128 << 10, weight_bytes=128 << 10, accumulator_rows=256),
        Config(name="orbital", rows=16, columns=16, lanes=4,
               activation_bytes=256 << 10, weight_bytes=256 << 10, accumulator_rows=512),
    )
}  # fmt: skip
"""The presets by name, smallest first."""


def preset(name: str, protection: str = DEFAULT_PROTECTION) -> Config:
    """The preset called ``name``, protected unless told otherwise.

    Raises
    ------
    ValueError
        If there is none; the message lists those there are.
    """
    if name not in PRESETS:
        raise ValueError(f"configuration must be one of {', '.join(PRESETS)}, not {name!r}")
    return replace(PRESETS[name], protection=protection)


def chip_name(name: str, protection: str) -> str:
    """What a chip and its results are called: ``name`` (of a preset, or of a board), and ``protection`` if it isn't the
    default."""
    return name if protection == DEFAULT_PROTECTION else f"{name}-{protection}"
