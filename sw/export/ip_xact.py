"""The register map as IP-XACT (IEEE 1685-2014), by PeakRDL. Needs the extra ``registers``."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from peakrdl_ipxact import IPXACTExporter
from systemrdl.node import AddrmapNode

from vanallen.rtl.registers import VERSION

__all__ = ["ip_xact"]


def ip_xact(top: AddrmapNode, name: str) -> str:
    """XML text of a component called ``name`` with the memory map ``top``: the same on every run.

    Registers and each memory are address blocks of one map; a memory that the configuration hasn't is marked as absent.
    """
    exporter = IPXACTExporter(vendor="vanallen", library="vanallen", version=".".join(map(str, VERSION)))
    with TemporaryDirectory() as folder:
        path = Path(folder, "map.xml")
        exporter.export(top, str(path), component_name=name)
        return path.read_text(encoding="utf-8")
