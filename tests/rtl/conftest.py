"""How the tests of hardware blocks drive them."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from amaranth.hdl import Elaboratable
from amaranth.sim import Simulator

WALL_CYCLES = 200_000
"""No test of a block runs longer."""


def port_of(component: Any, path: str) -> Any:
    """``read.0.address`` is ``component.read[0].address``."""
    for step in path.split("."):
        component = component[int(step)] if step.isdigit() else getattr(component, step)
    return component


def run(component: Elaboratable, testbench: Any, *, clocked: bool = True) -> None:
    """Simulates until ``testbench(ctx)`` ends, ``WALL_CYCLES`` cycles at most."""
    simulator = Simulator(component)
    ended = []

    async def process(ctx: Any) -> None:
        await testbench(ctx)
        ended.append(True)

    simulator.add_testbench(process)
    if clocked:
        simulator.add_clock(1e-6)
        for cycles in range(100, WALL_CYCLES, 100):
            if not ended:
                simulator.run_until(cycles * 1e-6)
    else:
        simulator.run()
    assert ended, f"the testbench has not ended after {WALL_CYCLES} cycles"


@pytest.fixture
def simulate() -> Any:
    """:func:`run`."""
    return run


@pytest.fixture
def trace() -> Any:
    """``trace(component, steps, outputs)``: the values of ``outputs`` in each cycle.

    A step sets the ports it names, which keep their values; outputs are read before the clock edge that ends the cycle.
    """

    def trace(component: Any, steps: Iterable[Mapping[str, Any]], outputs: Iterable[str]) -> list[tuple[Any, ...]]:
        rows = []

        async def testbench(ctx: Any) -> None:
            for step in steps:
                for path, value in step.items():
                    ctx.set(port_of(component, path), value)
                rows.append(tuple(ctx.get(port_of(component, path)) for path in outputs))
                await ctx.tick()

        run(component, testbench)
        return rows

    return trace
