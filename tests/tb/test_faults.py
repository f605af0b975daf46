"""Faults deposited during real layers: a small form of the regression's cases, and that they bite."""

from pathlib import Path
from typing import Any

import pytest

from vanallen.rtl.config import preset
from vanallen.tb.bench.faults import MAY_MOVE
from vanallen.tb.cases import select
from vanallen.tb.faults.storage import expose, find_storage
from vanallen.tb.plan import PLAN
from vanallen.tb.runner import build, run

FEW = ("row_skipped", "lost_swap", "wrong_padding", "lost_write_enable")


def passes(folder: Path, protection: str, module: str, test: str, **settings: Any) -> None:
    simulation = build(preset("nano", protection), prepare=expose)
    outcome = run(simulation, module=f"vanallen.tb.bench.{module}", test=test, folder=folder, seed=5, settings=settings)
    assert outcome.passed, outcome.message


@pytest.mark.timeout(600)  # the first builds the simulator
@pytest.mark.parametrize("storage", ["weights", "job_machine"])
def test_flips_of_a_class_are_survived(tmp_path: Path, storage: str) -> None:
    passes(tmp_path, "full", "faults", "faults", storage=storage, jobs=4)


@pytest.mark.timeout(600)
def test_what_steers_is_told_when_it_is_hit(tmp_path: Path) -> None:
    passes(tmp_path, "full", "tag_faults", "tag_faults", faults=FEW)


@pytest.mark.slow  # builds one more simulator
@pytest.mark.timeout(600)
def test_the_same_deposits_change_outputs_without_protection(tmp_path: Path) -> None:
    passes(tmp_path, "none", "tag_faults", "tag_faults_bite")


def test_every_class_has_a_case_and_says_what_may_move() -> None:
    assert {entry.name for entry in PLAN} == {*MAY_MOVE, "reports"}
    assert {case for entry in PLAN for case in entry.cases} <= {
        case.name for protection in ("full", "none") for case in select("faults", "verilator", protection)
    }
    assert not any(case.deposits for case in select("", "verilator", "none"))


def test_exposed_verilog_has_the_same_storage() -> None:
    text = "module \\top (clk);\n  reg [7:0] q;\n  reg [3:0] ram [63:0];\n    q <= d;\n      ram[q] <= d;\nendmodule\n"
    assert find_storage(expose(text)) == find_storage(text)
    assert "verilator public_flat_rw" in expose(text)
