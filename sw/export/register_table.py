"""``python -m vanallen.sw.export.register_table FILE`` writes the tables of the register map from their SystemRDL.

What imports the tables then needs neither the source nor its compiler. Needs the extra ``registers``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from systemrdl.node import AddressableNode, AddrmapNode, FieldNode, MemNode, Node, RegNode
from systemrdl.rdltypes.builtin_enums import OnWriteType
from systemrdl.rdltypes.user_enum import UserEnum

from vanallen.rtl.config import WINDOW_BYTES
from vanallen.rtl.register_types import Access

from .rdl import compile_map

__all__ = ["main", "register_table"]

_HEAD = '''\
"""The tables of the register map, made by `make generate` from rtl/registers.rdl: not to be edited."""

from __future__ import annotations

from enum import IntEnum

from .register_types import Access, Memory, NumberedWindow, Register, RegisterField

__all__ = ["ADDRESS_BITS", "MEMORIES", "REGISTERS", "ErrorCode", "Injection", "State", "Window"]
'''

_ENUMS = (
    ("State", "registers.status.state", "0x{:02X}",
     "What the chip is doing, in words of the extended Hamming code (8, 4): any two differ in four bits."),
    ("ErrorCode", "registers.status.error", "{}", "Why a job failed: the ``error`` field of the status register."),
    ("Injection", "registers.inject.point", "{}", "Where the ``inject`` register flips a bit."),
)  # fmt: skip
"""Class, path of the field that holds it, form of a code, and docstring."""

_WIDTH = 120


def _literal(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"0x{value:X}" if isinstance(value, int) and value >> 32 else str(value)


def _call(name: str, *values: object, **options: object) -> str:
    """A call that leaves out the options that are None."""
    given = [f"{key}={_literal(value)}" for key, value in options.items() if value is not None]
    return f"{name}({', '.join([*map(_literal, values), *given])})"


def _desc(node: Node) -> str:
    text = node.get_property("desc")
    if not text:
        raise ValueError(f"{node.get_path()} must have a desc")
    return text


def _doc(text: str) -> Iterator[str]:
    """A docstring below a member, over two lines where it is long."""
    line = '    """' + text.replace("`", "``")
    if len(line) + 3 > _WIDTH:
        place = line.rindex(" ", 0, _WIDTH)
        yield line[:place]
        line = "    " + line[place + 1 :]
    yield line + '"""'


def _enum(name: str, codes: type[UserEnum], form: str, doc: str) -> Iterator[str]:
    yield from ("", "", f"class {name}(IntEnum):", f'    """{doc}"""', "")
    for code in codes:
        yield f"    {code.name} = {form.format(code.value)}"
        if code.rdl_desc is not None:
            yield from _doc(code.rdl_desc)


def _codes(top: AddrmapNode, path: str) -> type[UserEnum]:
    node = top.find_by_path(path)
    codes = node.get_property("encode") if isinstance(node, FieldNode) else None
    if codes is None:
        raise ValueError(f"{path} must be a field with codes")
    return codes


def _windows(top: AddrmapNode) -> Iterator[str]:
    doc = "The windows of the address map: the value of address bits 21 to 19."
    yield from ("", "", "class Window(NumberedWindow):", f'    """{doc}"""', "")
    windows = [child for child in top.children() if isinstance(child, AddressableNode)]
    for child in windows:
        number, rest = divmod(child.absolute_address, WINDOW_BYTES)
        if rest:
            raise ValueError(f"{child.inst_name} must begin at a multiple of {WINDOW_BYTES:#x}")
        yield f"    {child.inst_name.upper()} = {number}"
        yield from _doc(_desc(child))


def _access(register: RegNode) -> Access:
    fields = list(register.fields())
    if not any(field.is_sw_readable for field in fields):
        return Access.WRITE
    if all(field.get_property("onwrite") is OnWriteType.wclr for field in fields):
        return Access.READ_CLEAR
    return Access.READ_WRITE if any(field.is_sw_writable for field in fields) else Access.READ


def _field(node: FieldNode) -> str:
    reset = node.get_property("reset")
    constant = not node.is_sw_writable and not node.is_hw_writable
    return _call(
        "RegisterField",
        node.inst_name,
        node.low,
        node.width,
        _desc(node),
        constant=node.get_property("size") or reset if constant else None,
        reset=None if constant else reset,
    )


def _register(node: RegNode) -> Iterator[str]:
    fields = [_field(field) for field in node.fields()]
    yield "    Register("
    yield f"        {_literal(node.inst_name)},"
    yield f"        0x{node.raw_absolute_address:03X},"
    yield f"        {_access(node)},"
    yield f"        {_literal(_desc(node))},"
    if len(fields) > 1:
        yield from ("        (", *(f"            {field}," for field in fields), "        ),")
    else:
        yield f"        ({fields[0]},),"
    if node.is_array:
        yield f"        words={node.n_elements},"
    yield "    ),"


def _memory(node: MemNode) -> Iterator[str]:
    yield "    Memory("
    yield f"        {_literal(node.inst_name)},"
    yield f"        0x{node.absolute_address:06X},"
    yield f"        {_literal(_desc(node))},"
    for name in ("rows_size", "item_bytes", "items_size"):
        if node.get_property(name) is not None:
            yield f"        {name}={_literal(node.get_property(name))},"
    yield "    ),"


def register_table(top: AddrmapNode) -> str:
    """Text of the module ``vanallen.rtl.register_table`` for the map ``top``: the same on every run.

    Raises
    ------
    ValueError
        If a window doesn't begin where windows do, or something has no description or codes.
    """
    nodes = list(top.descendants())
    registers = [node for node in nodes if isinstance(node, RegNode)]
    memories = [node for node in nodes if isinstance(node, MemNode)]
    lines = [_HEAD, f"ADDRESS_BITS = {top.get_property('address_bits')}", *_windows(top)]
    for name, field, form, doc in _ENUMS:
        lines += _enum(name, _codes(top, field), form, doc)
    lines += ["", "", "REGISTERS = ("]
    for register in registers:
        lines += _register(register)
    lines += [")", '"""The registers by address."""', "", "MEMORIES = ("]
    for memory in memories:
        lines += _memory(memory)
    lines += [")", '"""The memories by address."""']
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Writes the file; 2 where none is named."""
    if len(arguments) != 1:
        print("usage: python -m vanallen.sw.export.register_table FILE", file=sys.stderr)
        return 2
    Path(arguments[0]).write_text(register_table(compile_map()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
