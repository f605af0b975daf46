"""The C header of a configuration: address map, registers, status codes and the command format, from their tables."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from vanallen.rtl.commands import CHECKSUM_SEED, FIELDS, ErrorCode, Opcode
from vanallen.rtl.config import COMMAND_WORDS, Config
from vanallen.rtl.registers import (
    ADDRESS_BITS,
    IDENTITY,
    MEMORY_WINDOWS,
    REGISTERS,
    VERSION,
    State,
    window_rows,
    window_stride,
)

__all__ = ["c_header"]

_CHECKSUM = """\
/* The 16-bit checksum of a command, whatever its checksum field holds. */
static inline uint16_t vanallen_command_checksum(const uint64_t words[VANALLEN_COMMAND_WORDS])
{
    uint32_t result = VANALLEN_COMMAND_CHECKSUM_SEED;
    unsigned position;
    for (position = 0; position < 4u * VANALLEN_COMMAND_WORDS; position++) {
        uint32_t piece = (uint32_t)(words[position / 4u] >> (16u * (position % 4u))) & 0xFFFFu;
        unsigned turn = (5u * position + position / 16u) % 16u;
        if (position != 1u)
            result ^= ((piece << turn) | (piece >> (16u - turn))) & 0xFFFFu;
    }
    return (uint16_t)result;
}
"""

_FIELD = """\
/* VALUE in the place of a register's or command's field: VANALLEN_PUT(VANALLEN_REG_START_JOB, 7). */
#define VANALLEN_PUT(field, value) (((uint64_t)(value) & field##_MASK) << field##_SHIFT)

/* A field of a register's or command's word: VANALLEN_GET(VANALLEN_REG_STATUS_STATE, word). */
#define VANALLEN_GET(field, word) (((uint64_t)(word) >> field##_SHIFT) & field##_MASK)
"""


def _define(name: str, value: str, comment: str = "") -> str:
    return f"#define {name} {value}" + (f"  /* {comment} */" if comment else "")


def _field(prefix: str, offset: int, width: int, doc: str) -> Iterator[str]:
    yield _define(f"{prefix}_SHIFT", f"{offset}u", doc)
    yield _define(f"{prefix}_MASK", f"UINT64_C(0x{(1 << width) - 1:X})")


def _codes(kind: str, codes: type[IntEnum]) -> Iterator[str]:
    for code in codes:
        yield _define(f"VANALLEN_{kind}_{code.name}", f"0x{code.value:02X}u")


def _sizes(config: Config) -> Iterator[str]:
    yield _define("VANALLEN_IDENTITY", f"UINT64_C(0x{IDENTITY:016X})")
    for part, value in zip(("MAJOR", "MINOR", "PATCH"), VERSION, strict=True):
        yield _define(f"VANALLEN_VERSION_{part}", f"{value}u")
    yield _define("VANALLEN_ROWS", f"{config.rows}u", "R: reduction, channels in an activation word")
    yield _define("VANALLEN_COLUMNS", f"{config.columns}u", "C: output channels, bytes in a weight word")
    yield _define("VANALLEN_LANES", f"{config.lanes}u", "requantizer lanes")
    yield _define("VANALLEN_SIDE_COLUMNS", f"{config.side_columns}u", "checksum columns")
    yield _define("VANALLEN_ACCUMULATOR_ROWS", f"{config.accumulator_rows}u", "rows an accumulator bank")


def _address_map(config: Config) -> Iterator[str]:
    yield _define("VANALLEN_ADDRESS_BITS", f"{ADDRESS_BITS}u")
    for window in MEMORY_WINDOWS:
        prefix = f"VANALLEN_{window.name}_RAM"
        yield _define(f"{prefix}_BASE", f"0x{window.base:06X}u")
        yield _define(f"{prefix}_STRIDE", f"{window_stride(config, window)}u", "bytes of address from row to row")
        yield _define(f"{prefix}_ROWS", f"{window_rows(config, window)}u")


def _registers() -> Iterator[str]:
    for register in REGISTERS:
        prefix = f"VANALLEN_REG_{register.name.upper()}"
        yield _define(prefix, f"0x{register.address:03X}u", f"{register.access.value}: {register.doc}")
        if register.words > 1:
            yield _define(f"{prefix}_WORDS", f"{register.words}u")
        for field in register.fields:
            yield from _field(f"{prefix}_{field.name.upper()}", field.offset, field.width, field.doc)


def _command_format() -> Iterator[str]:
    yield _define("VANALLEN_COMMAND_WORDS", f"{COMMAND_WORDS}u")
    yield _define("VANALLEN_COMMAND_CHECKSUM_SEED", f"0x{CHECKSUM_SEED:04X}u")
    for field in FIELDS:
        prefix = f"VANALLEN_COMMAND_{field.name.upper()}"
        yield _define(f"{prefix}_WORD", f"{field.word}u")
        yield from _field(prefix, field.offset, field.width, field.doc + (", signed" if field.signed else ""))


def c_header(config: Config) -> str:
    """C99 header text for ``config``: the same on every run. Every address is in bytes from the chip's base."""
    guard = f"VANALLEN_{config.name.upper()}_H"
    version = ".".join(map(str, VERSION))
    sections = [
        ("Sizes of this configuration", _sizes(config)),
        ("Memories, as the host sees them", _address_map(config)),
        ("Registers, 64 bits each", _registers()),
        ("Codes of the status register's field state", _codes("STATE", State)),
        ("Codes of the status register's field error", _codes("ERROR", ErrorCode)),
        ("Command opcodes", _codes("OPCODE", Opcode)),
        ("The command format: eight 64-bit words", _command_format()),
    ]
    lines = [
        f"/* The accelerator Van Allen, configuration {config.name}, hardware interface {version}.",
        " * Made by `vanallen export` from the hardware's register map: not to be edited. */",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        "#include <stdint.h>",
        "",
    ]
    for title, body in sections:
        lines += [f"/* {title} */", *body, ""]
    return "\n".join([*lines, _FIELD, _CHECKSUM, f"#endif /* {guard} */", ""])
