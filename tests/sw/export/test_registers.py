"""The register map: complete, and the checked-in page is not stale."""

import json
from pathlib import Path

import pytest

from vanallen.rtl.commands import FIELDS
from vanallen.rtl.config import PRESETS, preset
from vanallen.rtl.registers import REGISTERS
from vanallen.sw.export.registers import register_map, register_map_markdown

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", PRESETS)
def test_map_survives_json_and_is_complete(name):
    result = json.loads(json.dumps(register_map(preset(name))))
    assert [entry["name"] for entry in result["registers"]] == [register.name for register in REGISTERS]
    assert [entry["name"] for entry in result["command"]["fields"]] == [field.name for field in FIELDS]
    assert {entry["name"] for entry in result["memories"]} == {"command", "parameter", "weight", "activation"}


@pytest.mark.parametrize("name", PRESETS)
def test_constants_are_the_sizes(name):
    config = preset(name)
    registers = {entry["name"]: entry for entry in register_map(config)["registers"]}
    fields = {field["name"]: field for field in registers["configuration"]["fields"]}
    assert fields["columns"]["constant"] == config.columns and fields["parameter_rows"]["constant"] == 512
    assert registers["layer_cycles"]["words"] == 64 and registers["status"]["words"] == 1
    (slots,) = registers["steal_interval"]["fields"]
    assert slots == {
        "name": "slots", "offset": 0, "width": 16, "doc": "16 to 65,535; 1,024 after reset", "constant": None,
        "reset": 1024,
    }  # fmt: skip


def test_memories_do_not_overlap():
    for name in PRESETS:
        ends = 0
        for memory in sorted(register_map(preset(name))["memories"], key=lambda entry: entry["base"]):
            assert memory["base"] >= ends, memory
            ends = memory["base"] + memory["rows"] * memory["stride"]


def test_page_of_the_documents_is_fresh():
    page = (ROOT / "docs" / "registers.md").read_text(encoding="utf-8")
    assert page == register_map_markdown(), "docs/registers.md is stale: run `make generate`"
