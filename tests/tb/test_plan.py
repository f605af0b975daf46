"""The test plan has no hole: every register and memory belongs to one entry, every entry to tests that are there."""

import ast
import functools
import re
from pathlib import Path

import pytest

from vanallen.rtl.accelerator import Accelerator
from vanallen.rtl.config import preset
from vanallen.rtl.verilog import verilog
from vanallen.synth.netlist import read_netlist
from vanallen.tb.cases import CASES
from vanallen.tb.faults.storage import Storage, find_storage
from vanallen.tb.plan import PLAN, entries_of, members
from vanallen.tb.plan_page import PAGE, main, plan_markdown

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ("nano", pytest.param("cubesat", marks=pytest.mark.slow), "payload")


@functools.cache
def storage(name: str) -> list[Storage]:
    return find_storage(verilog(preset(name, "full")))


@pytest.mark.parametrize("config", CONFIGS)
def test_every_register_and_memory_belongs_to_one_entry(config: str) -> None:
    found = {entry.name: [owner.name for owner in entries_of(entry.name)] for entry in storage(config)}
    assert {name: owners for name, owners in found.items() if len(owners) != 1} == {}


@pytest.mark.parametrize("config", CONFIGS)
def test_no_entry_and_no_pattern_is_stale(config: str) -> None:
    names = [entry.name.removeprefix("accelerator.") for entry in storage(config)]
    assert [name for name, owned in members(names).items() if not owned] == []
    patterns = [(entry.name, pattern) for entry in PLAN for pattern in entry.storage]
    assert [pattern for pattern in patterns if not any(re.fullmatch(pattern[1], name) for name in names)] == []


@pytest.mark.parametrize("config", ["nano"])
def test_as_many_bits_are_stored_as_in_the_elaborated_design(config: str) -> None:
    """The list comes from the Verilog that is simulated; counted another way, there is no more."""
    netlist = read_netlist(Accelerator(config=preset(config, "full")))
    bits = sum(len(cell.stored) for cell in (*netlist.registers, *netlist.read_ports))
    assert sum(entry.bits for entry in storage(config) if not entry.is_memory) == bits
    memories = {cell.memory for cell in netlist.write_ports}
    assert sum(entry.is_memory for entry in storage(config)) == len(memories)


def test_names_are_unique() -> None:
    assert len({entry.name for entry in PLAN}) == len(PLAN)


@pytest.mark.parametrize("test", sorted({test for entry in PLAN for test in entry.tests}))
def test_every_test_named_is_there(test: str) -> None:
    path, _, name = test.partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_case_named_is_there() -> None:
    assert {case for entry in PLAN for case in entry.cases} <= {case.name for case in CASES}


def test_the_page_is_fresh(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 0
    assert (tmp_path / PAGE).read_text(encoding="utf-8") == plan_markdown()
    assert (ROOT / "docs" / PAGE).read_text(encoding="utf-8") == plan_markdown(), "run `make generate`"
    assert main([]) == 2
