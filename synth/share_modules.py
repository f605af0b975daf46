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
    while True:
        kept: dict[str, str] = {}
        replaced: dict[str, str] = {}
        for name, body in _MODULE.findall(rtlil):
            first = kept.setdefault(body, name)
            if first != name:
                replaced[name] = first
        if not replaced:
            return rtlil
        rtlil = _MODULE.sub(lambda match: "" if match[1] in replaced else match[0], rtlil)
        rtlil = _CELL.sub(lambda match: match[1] + replaced.get(match[2], match[2]) + match[3], rtlil)
