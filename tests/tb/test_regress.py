"""The cocotb regression: nano with both simulators, the larger presets with fewer random layers."""

import pytest

from vanallen.rtl.config import preset
from vanallen.sw.driver.simulation import SimulationTarget
from vanallen.tb.cases import CASES, select
from vanallen.tb.regress import regress
from vanallen.tb.runner import SimulatorMissing, build
from vanallen.tb.short import short_regression


def run(config, tmp_path, protection="none", **options):
    try:
        result = regress(preset(config, protection), folder=tmp_path, **options)
    except SimulatorMissing as missing:
        pytest.skip(f"simulator missing: {missing}")
    failed = [(case.name, case.seed, case.outcome) for case in result.cases if case.outcome != "passed"]
    assert not failed and result.passed == len(result.cases) > 0
    return result


@pytest.mark.timeout(600)
def test_nano_under_verilator_and_its_coverage(tmp_path):
    result = run("nano", tmp_path, sim="verilator")
    assert len(result.cases) == len(select("", "verilator", "none"))
    assert result.coverage.hit >= 0.95 * result.coverage.points, result.coverage.missed
    assert result.coverage.points >= 60


@pytest.mark.timeout(600)
def test_protected_nano_under_verilator(tmp_path):
    """What is deposited in it: test_faults.py; all of its cases: `make figures ONLY=regress-full`."""
    for part in ("registers", "bus", "layers_steal", "layers_convolution"):
        run("nano", tmp_path, protection="full", filter=part)


def test_nano_under_icarus(tmp_path):
    """A simulator that knows X; all cases are slow."""
    result = run("nano", tmp_path, sim="icarus", filter="start")
    assert "start.defined" not in result.coverage.missed
    for part in ("registers", "layers_steal", "bus_pauses"):
        run("nano", tmp_path, sim="icarus", filter=part)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nano_under_icarus_all(tmp_path):
    run("nano", tmp_path, sim="icarus")


@pytest.mark.slow  # building the payload chip for cocotb takes minutes where the machine is shared
@pytest.mark.timeout(900)
@pytest.mark.parametrize("config", ["cubesat", "payload"])
@pytest.mark.parametrize("name", ["layers_steal_blocks", "bus_back"])
def test_larger_presets(tmp_path, config, name):
    run(config, tmp_path, filter=name)


@pytest.mark.parametrize("config", ["cubesat", "payload"])
def test_random_layers_of_larger_presets_in_process(config):
    target = SimulationTarget(preset(config))
    try:
        short_regression(target, preset(config), seed=3)
    finally:
        target.close()


def test_a_filter_chooses_cases_and_keeps_their_seeds(tmp_path):
    first = run("nano", tmp_path, filter="illegal")
    assert [case.name for case in first.cases] == ["illegal_commands", "illegal_jobs"]
    alone = run("nano", tmp_path, filter="illegal_jobs")
    assert alone.cases[0].seed == first.cases[1].seed
    other = run("nano", tmp_path, filter="illegal_jobs", seed=1)
    assert other.cases[0].seed != alone.cases[0].seed


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="filter must be part of the name of a case, not 'nothing'"):
        regress(preset("nano"), filter="nothing")
    with pytest.raises(ValueError, match="simulator must be one of verilator, icarus, not 'other'"):
        build(preset("nano"), simulator="other")


def test_icarus_leaves_out_only_cases_that_say_so():
    left_out = {case.name for case in CASES} - {case.name for case in select("", "icarus")}
    assert left_out == {case.name for case in CASES if not case.icarus_jobs}
