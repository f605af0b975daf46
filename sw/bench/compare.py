"""What protection costs in cycles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .cycles import WorkloadCycles

__all__ = ["CycleCost", "cycle_costs", "overhead"]


@dataclass(frozen=True)
class CycleCost:
    """The ``cycles`` of a workload on the protected chip and on the unprotected one; ``overhead`` 0.01 is 1 % more."""

    name: str
    cycles: int
    unprotected_cycles: int

    @property
    def overhead(self) -> float:
        """What the protected chip takes longer."""
        return self.cycles / self.unprotected_cycles - 1


def cycle_costs(protected: Sequence[WorkloadCycles], unprotected: Sequence[WorkloadCycles]) -> tuple[CycleCost, ...]:
    """The cost of each workload that was measured on both."""
    without = {work.name: work.cycles for work in unprotected}
    return tuple(CycleCost(work.name, work.cycles, without[work.name]) for work in protected if work.name in without)


def overhead(costs: Sequence[CycleCost]) -> float | None:
    """That of all workloads one after the other; None if there is none."""
    if not costs:
        return None
    return sum(cost.cycles for cost in costs) / sum(cost.unprotected_cycles for cost in costs) - 1
