"""README and documents say what was measured on the design of today; `make figures` mends what fails here."""

from pathlib import Path

import pytest

from vanallen.rtl.config import PROTECTIONS, preset
from vanallen.sw.bench.workloads import WORKLOADS, workload
from vanallen.sw.compiler import CapacityError
from vanallen.sw.figures.markers import pages, render
from vanallen.sw.figures.record import FIGURES, is_fresh, load
from vanallen.sw.figures.sources import CONFIGS, EARLIER, SOURCES
from vanallen.sw.models import load_input, load_model
from vanallen.sw.session.report import layer_results
from vanallen.sw.session.run import compile_for
from vanallen.tb.cases import select
from vanallen.tb.coverage import points
from vanallen.tb.mutants.hand import MUTANTS
from vanallen.tb.mutants.protection import PROTECTION

ROOT = Path(__file__).resolve().parents[3]
RECORD = load(ROOT)


@pytest.mark.parametrize("path", pages(ROOT), ids=lambda path: path.name)
def test_tables_are_those_of_the_figures(path):
    text = path.read_text(encoding="utf-8")
    assert text == render(text, RECORD), f"{path.name} is stale: run `make generate`"


def test_readme_has_the_tables():
    assert ROOT / "README.md" in pages(ROOT)
    assert not set(RECORD) - {source.name for source in SOURCES}, "figures of no source"


def test_figures_are_of_today_s_design():
    stale = {source.name for source in SOURCES if not is_fresh(source, RECORD)}
    assert set(EARLIER) <= stale, "what is fresh is no figure of an earlier design"
    stale -= set(EARLIER)
    assert not stale, f"{FIGURES} has nothing, or figures of another design, for {stale}: run `make figures`"


def model_cycles(name, config):
    """Cycles of a workload as compiler and cycle model of today have it; None where it doesn't fit."""
    work = workload(name, preset(config), seed=1)
    model = load_model(work.model) if isinstance(work.model, str) else work.model
    arrays = load_input(work.inputs).arrays if isinstance(work.inputs, str) else work.inputs
    try:
        program = compile_for(model, preset(config), {name: array[: work.samples] for name, array in arrays.items()})
    except CapacityError:
        return None
    return sum(layer.model_cycles or 0 for layer in layer_results(program, {}, None))


@pytest.mark.parametrize("config", CONFIGS)
def test_cycles_are_those_of_today_s_compiler(config):
    """The hash is of the hardware alone; what the compiler makes of a workload shows here."""
    figures = RECORD[f"bench-{config}"]["figures"]
    recorded = {name: figures[name]["cycles"] if name in figures else None for name in WORKLOADS}
    assert recorded == {name: model_cycles(name, config) for name in WORKLOADS}, f"make figures ONLY=bench-{config}"


@pytest.mark.parametrize("protection", PROTECTIONS)
def test_regression_is_today_s(protection):
    """The same of cases, coverage points and mutants."""
    figures, command = RECORD[f"regress-{protection}"]["figures"], f"make figures ONLY=regress-{protection}"
    assert figures["coverage"]["points"] == len(points(preset("nano", protection), "verilator")), command
    assert figures["passed"] + figures["failed"] == len(select("", "verilator", protection)), command
    assert RECORD["mutants"]["figures"]["mutants"]["total"] >= len(MUTANTS), "make figures ONLY=mutants"
    assert RECORD["mutants-full"]["figures"]["mutants"]["total"] == len(PROTECTION), "make figures ONLY=mutants-full"
