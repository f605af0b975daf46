"""The tag pipe: every tap is the tag of as many cycles ago, and idle after reset."""

import random

import pytest

from vanallen.rtl.config import PRESETS
from vanallen.rtl.control.tag import TagPipe, drain_tag, issue_tag


@pytest.mark.parametrize("layout", [issue_tag, drain_tag], ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("config", [PRESETS["nano"], PRESETS["payload"]], ids=lambda config: config.name)
def test_taps(simulate, layout, config):
    tag = layout(config)
    pipe, rng = TagPipe(tag=tag, depth=9), random.Random(3)
    tags = [rng.getrandbits(tag.size) for _ in range(60)]

    async def testbench(ctx):
        for cycle, value in enumerate(tags):
            ctx.set(pipe.i.as_value(), value)
            for delay in range(10):
                want = tags[cycle - delay] if cycle >= delay else 0
                assert ctx.get(pipe.taps[delay].as_value()) == want, (cycle, delay)
            await ctx.tick()

    simulate(pipe, testbench)
