"""IP-XACT: read back, by hand and by PeakRDL's importer, it is the table."""

from xml.etree import ElementTree

import pytest
from peakrdl_ipxact import IPXACTImporter
from systemrdl import RDLCompiler

from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import PRESETS
from vanallen.rtl.registers import MEMORY_WINDOWS, REGISTERS, VERSION, Access, State, window_rows, window_stride
from vanallen.sw.export.ip_xact import ip_xact
from vanallen.sw.export.rdl import compile_map

NAMESPACE = {"x": "http://www.accellera.org/XMLSchema/IPXACT/1685-2014"}


def text(element, path):
    return element.findtext(path, namespaces=NAMESPACE)


def number(element, path):
    value = text(element, path)
    return int(value[2:], 16) if value.startswith("'h") else int(value)


def named(element, path):
    return {text(child, "x:name"): child for child in element.findall(path, NAMESPACE)}


def component(config):
    return ElementTree.fromstring(ip_xact(compile_map(config), f"vanallen_{config.name}"))


def access(entry, field):
    if entry.access is Access.READ_CLEAR:
        return "read-write", "clear"
    names = {Access.READ: "read-only", Access.WRITE: "write-only", Access.READ_WRITE: "read-write"}
    return names[entry.access], "oneToClear" if field.name == "pending" else None


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_registers_and_fields_are_those_of_the_table(config):
    root = component(config)
    assert text(root, "x:name") == f"vanallen_{config.name}"
    assert text(root, "x:version") == ".".join(map(str, VERSION))
    blocks = named(root, "x:memoryMaps/x:memoryMap/x:addressBlock")
    assert number(blocks["registers"], "x:baseAddress") == 0
    registers = named(blocks["registers"], "x:register")
    assert list(registers) == [entry.name for entry in REGISTERS]
    for entry in REGISTERS:
        node = registers[entry.name]
        assert number(node, "x:addressOffset") == entry.address and number(node, "x:size") == 64
        assert text(node, "x:description") == entry.doc
        assert int(text(node, "x:dim") or 1) == entry.words
        fields = named(node, "x:field")
        assert list(fields) == [field.name for field in entry.fields]
        for field in entry.fields:
            got = fields[field.name]
            assert (number(got, "x:bitOffset"), number(got, "x:bitWidth")) == (field.offset, field.width)
            assert (text(got, "x:access"), text(got, "x:modifiedWriteValue")) == access(entry, field)
            reset = entry.constants(config).get(field.name, field.reset)
            assert (reset is None) == (got.find("x:resets", NAMESPACE) is None)
            assert reset is None or number(got, "x:resets/x:reset/x:value") == reset


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_memories_are_those_of_the_configuration(config):
    blocks = named(component(config), "x:memoryMaps/x:memoryMap/x:addressBlock")
    assert blocks.keys() == {"registers", *(window.name.lower() for window in MEMORY_WINDOWS)}
    for window in MEMORY_WINDOWS:
        block = blocks[window.name.lower()]
        assert number(block, "x:baseAddress") == window.base
        assert number(block, "x:range") == window_rows(config, window) * window_stride(config, window)
        assert (number(block, "x:width"), text(block, "x:usage")) == (64, "memory")


def test_codes_are_those_of_the_table():
    blocks = named(component(PRESETS["nano"]), "x:memoryMaps/x:memoryMap/x:addressBlock")
    fields = named(named(blocks["registers"], "x:register")["status"], "x:field")
    for name, codes in (("state", State), ("error", ErrorCode)):
        values = named(fields[name], "x:enumeratedValues/x:enumeratedValue")
        assert {code: number(value, "x:value") for code, value in values.items()} == {
            code.name: code.value for code in codes
        }


def test_another_tool_reads_the_same_map(tmp_path):
    config = PRESETS["payload"]
    (tmp_path / "map.xml").write_text(ip_xact(compile_map(config), "vanallen_payload"), encoding="utf-8")
    compiler = RDLCompiler()
    IPXACTImporter(compiler).import_file(str(tmp_path / "map.xml"))
    top = compiler.elaborate().top
    registers = {node.inst_name: node for node in top.find_by_path("registers").registers()}
    for entry in REGISTERS:
        node = registers[entry.name]
        assert node.raw_absolute_address == entry.address
        got = [(field.inst_name, field.low, field.width) for field in node.fields()]
        assert got == [(field.name, field.offset, field.width) for field in entry.fields]
    for window in MEMORY_WINDOWS:
        node = top.find_by_path(window.name.lower())
        assert (node.absolute_address, node.size) == (
            window.base, window_rows(config, window) * window_stride(config, window)
        )  # fmt: skip
