"""One module for many equal ones, in RTLIL text."""

from __future__ import annotations

import re

__all__ = ["share_modules"]

_MODULE = re.compile(r"^(?:attribute [^\n]*\n)*module (\\\S+)\n(.*?)^end\n", re.MULTILINE | re.DOTALL)
_CELL = re.compile(r"^(\s*cell )(\\\S+)( )", re.MULTILINE)
_CONNECTIONS = re.compile(r"(?:^ {4}connect [^\n]*\n)+", re.MULTILINE)
_PORT = re.compile(r"^\s*wire (.*)\b(input|output) \d+ (.*)\n+", re.MULTILINE)


def share_modules(rtlil: str) -> str:
    """``rtlil`` with every set of modules that differ in nothing but their names and the order of their ports made one.

    Amaranth writes a module for each instance; Yosys maps every module that keeps its hierarchy by itself, so that 128
    equal processing elements would be mapped 128 times. The first of a set stays; instances of the others become
    instances of it (they name the ports they connect). Modules whose submodules become equal are compared again, until
    nothing changes.
    """
    while replaced := _replaced(rtlil):
        rtlil = _without(rtlil, replaced)
    return rtlil


def _replaced(rtlil: str) -> dict[str, str]:
    """By name of a module: the first one that is equal to it."""
    first: dict[tuple[frozenset[tuple[str, ...]], str], str] = {}
    found: dict[str, str] = {}
    for name, body in _MODULE.findall(rtlil):
        kept = first.setdefault(_canonical(body), name)
        if kept != name:
            found[name] = kept
    return found


def _canonical(body: str) -> tuple[frozenset[tuple[str, ...]], str]:
    """A module's ports, and the rest of it with the connections of each cell in alphabetical order."""
    rest = _CONNECTIONS.sub(lambda match: "".join(sorted(match[0].splitlines(keepends=True))), _PORT.sub("", body))
    return frozenset(_PORT.findall(body)), rest


def _without(rtlil: str, replaced: dict[str, str]) -> str:
    rtlil = _MODULE.sub(lambda match: "" if match[1] in replaced else match[0], rtlil)
    return _CELL.sub(lambda match: match[1] + replaced.get(match[2], match[2]) + match[3], rtlil)
