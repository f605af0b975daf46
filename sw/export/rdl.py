"""The register map's source, compiled. Needs the extra ``registers`` (the SystemRDL compiler)."""

from __future__ import annotations

from importlib.resources import as_file, files

from systemrdl.compiler import RDLCompiler
from systemrdl.node import AddrmapNode

from vanallen.rtl.config import Config

__all__ = ["compile_map"]

_SOURCE = "registers.rdl"
_TOP = "vanallen"


def compile_map(config: Config | None = None) -> AddrmapNode:
    """The address map of ``rtl/registers.rdl`` with the sizes of ``config``; with the source's own without.

    A parameter of the map is called as the size of the configuration, in capitals.

    Raises
    ------
    systemrdl.RDLCompileError
        If the source is wrong; the compiler has printed where.
    """
    compiler = RDLCompiler()
    with as_file(files("vanallen.rtl") / _SOURCE) as path:
        compiler.compile_file(str(path))
    names = [parameter.name for parameter in compiler.root.comp_defs[_TOP].parameters]
    sizes = {} if config is None else {name: getattr(config, name.lower()) for name in names}
    return compiler.elaborate(_TOP, parameters=sizes).top
