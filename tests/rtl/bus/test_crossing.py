"""The crossing between two clocks: each channel gives what it took, in order, whatever the clocks and the waits."""

import random
from itertools import pairwise

import pytest
from amaranth.hdl import ClockDomain, Module, ResetSignal, Signal
from amaranth.sim import Simulator

from vanallen.rtl.bus.crossing import AxiCrossing

CHANNELS = {
    "aw": ("manager", ("awaddr", "awprot")),
    "w": ("manager", ("wdata", "wstrb")),
    "b": ("subordinate", ("bresp",)),
    "ar": ("manager", ("araddr", "arprot")),
    "r": ("subordinate", ("rdata", "rresp")),
}
"""By channel: who sends, and what."""

OTHER = {"manager": "subordinate", "subordinate": "manager"}
COUNT = 60


async def send(ctx, port, domain, channel, fields, rng, sent, rate):
    valid, ready = getattr(port, f"{channel}valid"), getattr(port, f"{channel}ready")
    while len(sent) < COUNT:
        word = tuple(rng.getrandbits(len(getattr(port, field))) for field in fields)
        for field, value in zip(fields, word, strict=True):
            ctx.set(getattr(port, field), value)
        ctx.set(valid, 1)
        await ctx.tick(domain).until(ready)
        sent.append(word)
        ctx.set(valid, 0)
        for field in fields:
            ctx.set(getattr(port, field), rng.getrandbits(len(getattr(port, field))))
        while rng.random() > rate:
            await ctx.tick(domain)


async def receive(ctx, port, domain, channel, fields, rng, got, rate, finished):
    valid, ready = getattr(port, f"{channel}valid"), getattr(port, f"{channel}ready")
    waiting = None
    while len(got) < COUNT:
        taking = int(rng.random() < rate)
        ctx.set(ready, taking)
        _, _, offered, *word = await ctx.tick(domain).sample(valid, *(getattr(port, field) for field in fields))
        assert waiting is None or (offered and tuple(word) == waiting), "an offer must stay until it is taken"
        waiting = tuple(word) if offered and not taking else None
        if offered and taking:
            got.append(tuple(word))
    ctx.set(ready, 1)
    for _ in range(20):
        await ctx.tick(domain)
        assert not ctx.get(valid), "nothing may come that wasn't sent"
    finished.append(channel)


@pytest.mark.parametrize("rates", [(1.0, 1.0), (0.3, 0.5), (1.0, 0.2)])
@pytest.mark.parametrize("periods", [(40, 10, 0), (10, 40, 3), (10, 10, 5), (9, 10, 0)])
def test_each_channel_gives_what_it_took(periods, rates):
    crossing = AxiCrossing(manager_domain="link", subordinate_domain="sync")
    domains = {"manager": "link", "subordinate": "sync"}
    ports = {"manager": crossing.manager, "subordinate": crossing.subordinate}
    simulator = Simulator(crossing)
    link, chip, phase = periods
    simulator.add_clock(link * 1e-9, domain="link")
    simulator.add_clock(chip * 1e-9, domain="sync", phase=phase * 1e-9)
    finished = []
    sent, got = {channel: [] for channel in CHANNELS}, {channel: [] for channel in CHANNELS}
    for number, (channel, (side, fields)) in enumerate(CHANNELS.items()):

        def bind(side=side, channel=channel, fields=fields, number=number):
            async def sender(ctx):
                rng = random.Random(f"{periods} {rates} {number}")
                await send(ctx, ports[side], domains[side], channel, fields, rng, sent[channel], rates[0])

            async def receiver(ctx):
                rng = random.Random(f"{rates} {periods} {number}")
                end = OTHER[side]
                await receive(ctx, ports[end], domains[end], channel, fields, rng, got[channel], rates[1], finished)

            simulator.add_testbench(sender)
            simulator.add_testbench(receiver)

        bind()
    simulator.run_until(COUNT * 40 * 1e-9 * 40)
    assert sorted(finished) == sorted(CHANNELS), "a deadline, not an end"
    for channel in CHANNELS:
        assert got[channel] == sent[channel], channel


def test_an_answer_comes_in_a_few_cycles():
    """Four cycles of a link four times slower than the chip, as the docstring says."""
    crossing = AxiCrossing(manager_domain="link", subordinate_domain="sync")
    simulator = Simulator(crossing)
    simulator.add_clock(40e-9, domain="link")
    simulator.add_clock(10e-9, domain="sync")
    waited = []

    async def subordinate(ctx):
        ctx.set(crossing.subordinate.arready, 1)
        await ctx.tick("sync").until(crossing.subordinate.arvalid)
        ctx.set(crossing.subordinate.rvalid, 1)
        await ctx.tick("sync").until(crossing.subordinate.rready)
        ctx.set(crossing.subordinate.rvalid, 0)

    async def manager(ctx):
        ctx.set(crossing.manager.rready, 1)
        for _ in range(10):
            await ctx.tick("link")
        ctx.set(crossing.manager.arvalid, 1)
        await ctx.tick("link")
        ctx.set(crossing.manager.arvalid, 0)
        cycles = 0
        while not ctx.get(crossing.manager.rvalid):
            await ctx.tick("link")
            cycles += 1
        waited.append(cycles)

    simulator.add_testbench(subordinate)
    simulator.add_testbench(manager)
    simulator.run_until(100 * 40e-9)
    assert waited == [4]


@pytest.mark.parametrize("periods", [(40, 10), (10, 40), (9, 10)])
def test_a_reset_of_both_sides_empties_every_channel(periods):
    """As ``rtl.verilog.system_verilog`` asks for it: both together, for four cycles of the slower clock."""
    crossing = AxiCrossing(manager_domain="link", subordinate_domain="sync")
    top, resets = Module(), {"link": Signal(), "sync": Signal()}
    top.submodules.crossing = crossing
    for domain, reset in resets.items():
        top.domains += ClockDomain(domain)
        top.d.comb += ResetSignal(domain).eq(reset)
    simulator = Simulator(top)
    for domain, period in zip(resets, periods, strict=True):
        simulator.add_clock(period * 1e-9, domain=domain)
    domains = {"manager": "link", "subordinate": "sync"}
    ports = {"manager": crossing.manager, "subordinate": crossing.subordinate}
    slower = max(zip(periods, resets, strict=True))[1]
    got = []

    async def testbench(ctx):
        ends = [(channel, side, OTHER[side]) for channel, (side, _) in CHANNELS.items()]
        for channel, side, _ in ends:  # nobody takes: the queues fill
            ctx.set(getattr(ports[side], f"{channel}valid"), 1)
        for _ in range(12):
            await ctx.tick(slower)
        assert all(ctx.get(getattr(ports[end], f"{channel}valid")) for channel, _, end in ends)
        for channel, side, _ in ends:
            ctx.set(getattr(ports[side], f"{channel}valid"), 0)
        for value in (1, 0):
            for reset in resets.values():
                ctx.set(reset, value)
            for _ in range(4):
                await ctx.tick(slower)
        for channel, side, end in ends:
            fields = CHANNELS[channel][1]
            assert not ctx.get(getattr(ports[end], f"{channel}valid")), f"{channel}: nothing is left from before"
            for number in range(8):
                word = getattr(ports[side], fields[0])
                ctx.set(word, number % (1 << len(word)))
                ctx.set(getattr(ports[side], f"{channel}valid"), 1)
                await ctx.tick(domains[side]).until(getattr(ports[side], f"{channel}ready"))
                ctx.set(getattr(ports[side], f"{channel}valid"), 0)
                while not ctx.get(getattr(ports[end], f"{channel}valid")):
                    await ctx.tick(domains[end])
                assert ctx.get(getattr(ports[end], fields[0])) == number % (1 << len(word)), channel
                ctx.set(getattr(ports[end], f"{channel}ready"), 1)
                await ctx.tick(domains[end])
                ctx.set(getattr(ports[end], f"{channel}ready"), 0)
            got.append(channel)

    simulator.add_testbench(testbench)
    simulator.run_until(2000 * 40e-9)
    assert got == list(CHANNELS), "a deadline, not an end"


def test_a_word_passes_every_other_cycle():
    """Of the subordinate, to and from it, as the docstring says: with a manager that is faster there is always one."""
    crossing = AxiCrossing(manager_domain="link", subordinate_domain="sync")
    simulator = Simulator(crossing)
    simulator.add_clock(2.5e-9, domain="link")
    simulator.add_clock(10e-9, domain="sync")
    passed = {"ar": [], "r": []}

    async def subordinate(ctx):
        port = crossing.subordinate
        for signal in (port.arready, port.rvalid, crossing.manager.arvalid, crossing.manager.rready):
            ctx.set(signal, 1)
        for cycle in range(60):
            _, _, arvalid, rready = await ctx.tick("sync").sample(port.arvalid, port.rready)
            for channel, went in (("ar", arvalid), ("r", rready)):
                passed[channel].extend([cycle] if went else [])

    simulator.add_testbench(subordinate)
    simulator.run_until(700e-9)
    for cycles in passed.values():
        assert {later - earlier for earlier, later in pairwise(cycles[-20:])} == {2}
