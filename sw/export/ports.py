"""The port list of the chip, read from the Verilog that was written."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Port", "ports"]

_DECLARATION = re.compile(
    r"^\s*(?P<way>input|output|inout)\s+(?:\[(?P<high>\d+):(?P<low>\d+)\]\s*)?(?P<name>\w+)\s*;", re.M
)


@dataclass(frozen=True)
class Port:
    """A port of the top module: its direction (``"input"``, ``"output"``, ``"inout"``) and width in bits."""

    name: str
    direction: str
    width: int


def ports(verilog: str, top: str) -> list[Port]:
    """Ports of the module ``top`` in ``verilog``, the text that Yosys wrote, in the order of the module's header.

    Raises
    ------
    ValueError
        If the text has no such module, or the module doesn't declare one of its ports.
    """
    header = re.search(rf"^module {re.escape(top)}\s*\((?P<names>[^)]*)\);", verilog, re.M)
    if header is None:
        raise ValueError(f"verilog must have a module {top}")
    body = verilog[header.end() : verilog.index("endmodule", header.end())]
    declared = {}
    for match in _DECLARATION.finditer(body):
        width = int(match["high"]) - int(match["low"]) + 1 if match["high"] else 1
        declared[match["name"]] = Port(match["name"], match["way"], width)
    names = [name.strip() for name in header["names"].split(",")]
    missing = [name for name in names if name not in declared]
    if missing:
        raise ValueError(f"verilog must declare every port of module {top}, not leave out {', '.join(missing)}")
    return [declared[name] for name in names]
