"""One module for many equal ones, in RTLIL text."""

from __future__ import annotations

import re

__all__ = ["share_modules"]

_MODULE = re.compile(r"^(?:attribute [^\n]*\n)*module (\\\S+)\n(.*?)^end\n", re.MULTILINE | re.DOTALL)
_CELL = re.compile(r"^(\s*cell )(\\\S+)( )", re.MULTILINE)


def share_modules(rtlil: str) -> str:
    """``rtlil`` with every set of modules that differ in nothing but their names made one.

    Amaranth writes a module for each instance; Yosys maps every module that keeps its hierarchy by itself, so that 128
    equal processing elements would be mapped 128 times. The first of a set stays; instances of the others become
    instances of it. Modules whose submodules become equal are compared again, until nothing changes.
    """
    while replaced := _replaced(rtlil):
        rtlil = _without(rtlil, replaced)
    return rtlil


def _replaced(rtlil: str) -> dict[str, str]:
    """By name of a module: the first one that has the same body."""
    first: dict[str, str] = {}
    names = {name: first.setdefault(body, name) for name, body in _MODULE.findall(rtlil)}
    return {name: kept for name, kept in names.items() if name != kept}


def _without(rtlil: str, replaced: dict[str, str]) -> str:
    rtlil = _MODULE.sub(lambda match: "" if match[1] in replaced else match[0], rtlil)
    return _CELL.sub(lambda match: match[1] + replaced.get(match[2], match[2]) + match[3], rtlil)
