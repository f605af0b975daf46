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


def test_memories_do_not_overlap():
    for name in PRESETS:
        ends = 0
        for memory in sorted(register_map(preset(name))["memories"], key=lambda entry: entry["base"]):
            assert memory["base"] >= ends, memory
            ends = memory["base"] + memory["rows"] * memory["stride"]


def test_page_of_the_documents_is_fresh():
    page = (ROOT / "docs" / "registers.md").read_text(encoding="utf-8")
    assert page == register_map_markdown(), "docs/registers.md is stale: run `make generate`"
