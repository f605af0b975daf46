"""What protection costs in cycles."""

import pytest

from vanallen.sw.bench.compare import CycleCost, cycle_costs, overhead
from vanallen.sw.bench.cycles import WorkloadCycles


def work(name, cycles):
    return WorkloadCycles(name, 1000, cycles, 90, cycles, "multiply", 90 / cycles, True)


def test_costs_are_of_what_ran_on_both():
    costs = cycle_costs([work("a", 110), work("b", 100)], [work("b", 100), work("a", 100), work("c", 5)])
    assert costs == (CycleCost("a", 110, 100), CycleCost("b", 100, 100))
    assert [cost.overhead for cost in costs] == [pytest.approx(0.1), 0]
    assert overhead(costs) == pytest.approx(0.05)
    assert overhead(()) is None
