"""Cycles of the workloads: the sums, what is skipped, and what the chip reaches."""

import pytest

from vanallen.rtl.config import preset
from vanallen.sw.bench.cycles import figures, measure_cycles
from vanallen.sw.bench.speed import measure_in_process
from vanallen.sw.session import LayerResult


def layer(name, cycles, ideal, model, bound):
    return LayerResult(name, "QLinearConv", "chip", "", 640, cycles, ideal, model, bound, ideal / cycles, 0)


def test_figures_are_sums_and_most_of_the_ideal_binds():
    layers = [layer("a", 100, 50, 100, "multiply"), layer("b", 60, 40, 61, "weight"), layer("c", 40, 20, 40, "weight")]
    found = figures("work", layers, bit_exact=True)
    assert (found.macs, found.cycles, found.ideal_cycles, found.model_cycles) == (1920, 200, 110, 201)
    assert found.bound == "weight" and found.utilization == 110 / 200
    assert not found.good, "the cycle model is off by one"
    assert figures("work", [layers[0]], bit_exact=True).good
    assert not figures("work", [layers[0]], bit_exact=False).good


def test_workload_that_does_not_fit_is_skipped_with_the_reason():
    report = measure_cycles(preset("nano"), seed=1, names=["conv-3x3"])
    assert report.workloads == ()
    (skipped,) = report.skipped
    assert skipped.name == "conv-3x3" and "activation" in skipped.reason


def test_unknown_name_is_refused():
    with pytest.raises(ValueError, match="workload must be one of digits"):
        measure_cycles(preset("nano"), seed=1, names=["nothing"])


@pytest.mark.parametrize(
    ("name", "workload", "least"),
    [
        ("nano", "digits", 0.8),
        ("nano", "gemm-resident", 0.9),
        ("cubesat", "conv-3x3", 0.95),
        ("payload", "conv-3x3", 0.95),
        ("payload", "gemm-resident", 0.99),
    ],
)
def test_cycles_are_the_model_s_and_utilization_is_as_promised(name, workload, least):
    steps = []
    report = measure_cycles(preset(name), seed=1, names=[workload], progress=lambda *step: steps.append(step))
    (found,) = report.workloads
    assert found.good, found
    assert found.utilization >= least, found
    assert steps == [(0, 1), (1, 1)]


def test_speeds_are_measured():
    speeds = measure_in_process(preset("nano"), seconds=0.2)
    assert speeds.in_process > 0 and speeds.bare_loop > 0
