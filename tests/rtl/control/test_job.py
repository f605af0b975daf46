"""A block that is due is committed in its cycle, unless something was found in the one before."""

import pytest

from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import preset
from vanallen.rtl.control.job import FAULTS, JobMachine
from vanallen.rtl.control.machine import Control
from vanallen.rtl.control.tag import End
from vanallen.tb.illegal import good_command

FLUSH = 9
TROUBLE = {
    "issue": {"issue_error": ErrorCode.INPUT_ADDRESS},
    "drain": {"drain_error": ErrorCode.OUTPUT_ADDRESS},
    "collision": {"collision": 1},
}
CHECKS = {code.name: {"wrong": 1 << place} for place, code in enumerate(FAULTS)}


def commits(simulate, protection, found):
    """Whether the first block is committed, and whether the machine is busy with its layer a cycle later."""
    job = Control(machine=JobMachine(config=preset("nano", protection), flush_cycles=FLUSH))
    seen = []

    async def testbench(ctx):
        settings = {"count": 1, "steal_interval": 16, "start": 1}
        if protection == "full":
            settings |= {"limit": 3, "patience": 1}
        for name, value in good_command().items():
            ctx.set(getattr(job.command, name), value)
        ctx.set(job.command.checksum_good, 1)
        for name, value in settings.items():
            ctx.set(getattr(job, name), value)
        await ctx.tick()
        ctx.set(job.start, 0)
        await ctx.tick().until(job.begin)
        await ctx.tick()
        for name, value in found.items():
            ctx.set(getattr(job, name), value)
        await ctx.tick()
        for name in found:
            ctx.set(getattr(job, name), 0)
        ctx.set(job.due, End.BLOCK)
        if protection == "full":
            ctx.set(job.complete, 1)
        seen.append(ctx.get(job.commit))
        await ctx.tick()
        seen.append(ctx.get(job.layer_busy))

    simulate(job, testbench)
    return tuple(seen)


@pytest.mark.parametrize("protection", ["none", "full"])
def test_a_block_is_committed_when_it_is_due(simulate, protection):
    assert commits(simulate, protection, {}) == (1, 1)


@pytest.mark.parametrize("name", TROUBLE)
@pytest.mark.parametrize("protection", ["none", "full"])
def test_not_beside_trouble(simulate, protection, name):
    assert commits(simulate, protection, TROUBLE[name]) == (0, 0)


@pytest.mark.parametrize("name", CHECKS)
def test_not_beside_what_a_check_found(simulate, name):
    assert commits(simulate, "full", CHECKS[name]) == (0, 0)
