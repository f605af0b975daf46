"""The register map, for programs (a dictionary that JSON can hold) and for people (Markdown)."""

from __future__ import annotations

from typing import Any

from vanallen.rtl.commands import FIELDS, ErrorCode, Opcode
from vanallen.rtl.config import COMMAND_WORDS, PRESETS, Config
from vanallen.rtl.registers import (
    ADDRESS_BITS,
    MEMORY_WINDOWS,
    REGISTERS,
    VERSION,
    Register,
    State,
    window_rows,
    window_stride,
)

from .markdown import bits, table

__all__ = ["register_map", "register_map_markdown"]


def _register(register: Register, config: Config) -> dict[str, Any]:
    constants = register.constants(config)
    return {
        "name": register.name,
        "address": register.address,
        "words": register.words,
        "access": register.access.value,
        "doc": register.doc,
        "fields": [
            {
                "name": field.name,
                "offset": field.offset,
                "width": field.width,
                "doc": field.doc,
                "constant": constants.get(field.name),
                "reset": field.reset,
            }
            for field in register.fields
        ],
    }


def register_map(config: Config) -> dict[str, Any]:
    """The address map of ``config``: registers with their fields, memory windows, codes and the command format.

    Addresses and strides are in bytes, offsets and widths in bits. ``constant`` is what a field that never changes
    reads as, ``reset`` what another reads as after a reset; None if that depends.
    """
    return {
        "config": config.name,
        "interface_version": list(VERSION),
        "address_bits": ADDRESS_BITS,
        "registers": [_register(register, config) for register in REGISTERS],
        "memories": [
            {
                "name": window.name.lower(),
                "base": window.base,
                "stride": window_stride(config, window),
                "rows": window_rows(config, window),
            }
            for window in MEMORY_WINDOWS
        ],
        "states": {code.name: code.value for code in State},
        "errors": {code.name: code.value for code in ErrorCode},
        "opcodes": {code.name: code.value for code in Opcode},
        "command": {"words": COMMAND_WORDS, "fields": [vars(field) for field in FIELDS]},
    }


def _register_tables() -> list[str]:
    lines = []
    for register in REGISTERS:
        lines += [
            f"### `{register.name}` at 0x{register.address:03X}",
            "",
            f"{register.doc} ({register.access.value})",
            "",
        ]
        rows: list[list[object]] = [[bits(f.offset, f.width), f"`{f.name}`", f.doc] for f in register.fields]
        lines += table(["bits", "field", "holds"], rows)
    return lines


def _memory_tables() -> list[str]:
    rows: list[list[object]] = []
    for window in MEMORY_WINDOWS:
        sizes = [f"{window_rows(config, window)} x {window_stride(config, window)}" for config in PRESETS.values()]
        rows.append([f"`{window.name.lower()}`", f"0x{window.base:06X}", *sizes])
    return table(["memory", "base", *(f"`{name}`" for name in PRESETS)], rows)


def register_map_markdown() -> str:
    """The page of the documents: registers, memories of every preset, and codes."""
    lines = [
        "# Register map",
        "",
        "Made by `make generate` from `rtl/registers.rdl` and `rtl/commands.py`: not to be edited.",
        f"Byte addresses of {ADDRESS_BITS} bits, 64-bit words, little-endian; "
        f"hardware interface {'.'.join(map(str, VERSION))}. "
        "[The bus](components/bus.md) says how the port behaves, [the command format](components/commands-format.md) "
        "what command RAM holds, [how the map is made](components/register-map.md) what else comes from it.",
        "",
        "## Registers",
        "",
        *_register_tables(),
        "## Memories",
        "",
        "Rows, and the bytes of address from one row to the next.",
        "",
        *_memory_tables(),
        "## Codes",
        "",
        *table(["state", "code"], [[f"`{code.name}`", f"0x{code.value:02X}"] for code in State]),
        *table(["error", "code"], [[f"`{code.name}`", code.value] for code in ErrorCode]),
        *table(["opcode", "code"], [[f"`{code.name}`", f"0x{code.value:02X}"] for code in Opcode]),
    ]
    return "\n".join(lines).rstrip() + "\n"
