"""The AXI4-Lite channels under random idle insertion and back-pressure: order, nothing lost, nothing invented."""

import random

import pytest
from amaranth.hdl import Elaboratable, Module

from vanallen.rtl.bus.axi_lite import OKAY, SLVERR, ReadChannelMachine, ResponseQueue, WriteChannelMachine
from vanallen.rtl.bus.host_decode import PLACE_BITS, WORD_ADDRESS_BITS
from vanallen.rtl.bus.pair_queue import PairQueue
from vanallen.rtl.bus.read_address import ReadAddress
from vanallen.rtl.control.machine import Control
from vanallen.rtl.memory.scratchpad import Scratchpad

DEADLINE = 5000
FLAGS = ("to_memory", "to_register", "sound")
"""What a write is told of itself: here the lowest bits of its word."""

RATES = [(1.0, 1.0), (0.5, 0.5), (1.0, 0.2), (0.2, 1.0), (0.7, 0.7)]
"""How often the manager offers, and how often it takes."""


class WriteSide(Elaboratable):
    """The machine of the write channel with the queues that it moves."""

    def __init__(self):
        self.channel = Control(machine=WriteChannelMachine())
        self.addresses, self.words = PairQueue(bits=WORD_ADDRESS_BITS), PairQueue(bits=65)

    def elaborate(self, platform):
        m = Module()
        m.submodules.channel, m.submodules.addresses, m.submodules.words = self.channel, self.addresses, self.words
        m.d.comb += [
            self.addresses.place.eq(self.channel.address_place), self.addresses.shift.eq(self.channel.request),
            self.words.place.eq(self.channel.word_place), self.words.shift.eq(self.channel.request),
        ]  # fmt: skip
        return m


class ReadSide(Elaboratable):
    """The machine of the read channel with the addresses of its reads."""

    def __init__(self, *, latency):
        self.channel = Control(machine=ReadChannelMachine(latency=latency))
        self.reads = ReadAddress(latency=latency)

    def elaborate(self, platform):
        m = Module()
        m.submodules.channel, m.submodules.reads = self.channel, self.reads
        return m


def write_traffic(simulate, rng, count, offer, take, hold):
    """(writes sent, writes executed, responses, cycles) of ``count`` writes and a drain."""
    top = WriteSide()
    channel = top.channel
    sent = [(rng.getrandbits(WORD_ADDRESS_BITS), rng.getrandbits(65)) for _ in range(count)]
    executed, did, responses, used = [], [], [], []

    async def testbench(ctx):
        offers = {"address": 0, "word": 0}
        taken = {"address": 0, "word": 0}
        waiting = None
        for cycle in range(DEADLINE):
            # either side may come first, by any number, and stays until it is taken
            for side in offers:
                offers[side] = offers[side] or int(taken[side] < count and rng.random() < offer)
            ctx.set(channel.awvalid, offers["address"])
            ctx.set(channel.wvalid, offers["word"])
            address = sent[min(taken["address"], count - 1)][0]
            ctx.set(top.addresses.value, address if offers["address"] else rng.getrandbits(WORD_ADDRESS_BITS))
            word = sent[min(taken["word"], count - 1)][1]
            ctx.set(top.words.value, word if offers["word"] else rng.getrandbits(65))
            ctx.set(channel.bready, int(rng.random() < take))
            held = rng.random() < hold
            ctx.set(channel.hold, int(held))
            said = [ctx.get(getattr(channel, name)) for name in ("stored", "stray", "struck")]
            assert said == (did[-1] if did else [0] * 3), "what came of a write is told in the next cycle"
            flags = [rng.randrange(2) for _ in FLAGS]
            if ctx.get(channel.request):
                assert not held
                executed.append((ctx.get(top.addresses.first), ctx.get(top.words.first)))
                flags = [executed[-1][1] >> index & 1 for index in range(3)]
                did.append([flags[0] & flags[2], flags[0] & ~flags[2], 1 - flags[2]])
            else:
                did.append([0] * 3)
            for name, flag in zip(FLAGS, flags, strict=True):
                ctx.set(getattr(channel, name), flag)
            valid, response = ctx.get(channel.bvalid), ctx.get(channel.bresp)
            assert waiting is None or (valid, response) == (1, waiting), "a response must stay until it is taken"
            waiting = response if valid and not ctx.get(channel.bready) else None
            if valid and ctx.get(channel.bready):
                responses.append(response)
            for side, ready in (("address", channel.awready), ("word", channel.wready)):
                if offers[side] and ctx.get(ready):
                    offers[side], taken[side] = 0, taken[side] + 1
            used.append(cycle)
            await ctx.tick()
            if len(responses) == count:
                break
        ctx.set(channel.awvalid, 0)
        ctx.set(channel.wvalid, 0)
        ctx.set(channel.bready, 1)
        for _ in range(10):
            assert not ctx.get(channel.bvalid) and not ctx.get(channel.request), "nothing may be left over"
            await ctx.tick()

    simulate(top, testbench)
    return sent, executed, responses, len(used)


@pytest.mark.parametrize("hold", [0.0, 0.3])
@pytest.mark.parametrize(("offer", "take"), RATES)
def test_writes(simulate, offer, take, hold):
    rng = random.Random(f"{offer} {take}")
    sent, executed, responses, cycles = write_traffic(simulate, rng, 300, offer, take, hold)
    assert executed == sent
    assert responses == [OKAY if word & 4 and word & 3 else SLVERR for _, word in sent]
    if offer == take == 1 and not hold:
        # nothing is accepted in the first cycle; executed in the cycle after that, answered in the second after that
        assert cycles == 300 + 4


def test_no_more_writes_than_responses_have_room(simulate):
    channel = Control(machine=WriteChannelMachine())

    async def testbench(ctx):
        ctx.set(channel.awvalid, 1)
        ctx.set(channel.wvalid, 1)
        accepted = 0
        for _ in range(20):
            accepted += ctx.get(channel.awready) and ctx.get(channel.wready)
            await ctx.tick()
        assert accepted == WriteChannelMachine.depth + 2  # answered, and queued

    simulate(channel, testbench)


def read_traffic(simulate, rng, count, offer, take, latency=3, pause=0.0):
    """(addresses sent, addresses answered with their error flag, cycles) of ``count`` reads and a drain."""
    top = ReadSide(latency=latency)
    channel, reads = top.channel, top.reads
    sent, answers, used = [rng.getrandbits(WORD_ADDRESS_BITS) for _ in range(count)], [], []
    queue, requested = {}, {}

    async def testbench(ctx):
        offered, taken, waiting, paused, meets = 0, 0, None, 0, 0
        for cycle in range(DEADLINE):
            offered = offered or (taken < count and rng.random() < offer)
            assert not (paused and ctx.get(channel.arready)), "no address may be taken after a pause"
            assert ctx.get(channel.holds) == (ctx.get(channel.request) and meets), "it holds what met a cycle ago"
            meets = rng.randrange(2)
            ctx.set(channel.meets, meets)
            paused = int(rng.random() < pause)
            ctx.set(channel.pause, paused)
            ctx.set(channel.arvalid, int(offered))
            ctx.set(reads.i, sent[min(taken, count - 1)] if offered else rng.getrandbits(WORD_ADDRESS_BITS))
            ctx.set(channel.rready, int(rng.random() < take))
            address = ctx.get(reads.address)
            ctx.set(reads.refused, address & 1)
            if ctx.get(channel.request):
                requested[cycle] = address
            if cycle + 1 - latency in requested:
                address = requested[cycle + 1 - latency]
                assert ctx.get(reads.next_window) == address >> (WORD_ADDRESS_BITS - 3)
                assert ctx.get(reads.next_place) == address % (1 << PLACE_BITS)
                assert ctx.get(reads.next_error) == address & 1
            valid, head = ctx.get(channel.rvalid), ctx.get(channel.head)
            if valid:
                assert waiting is None or queue[head] == waiting, "an answer must stay until it is taken"
                waiting = queue[head]
                if ctx.get(channel.rready):
                    answers.append(queue.pop(head))
                    waiting = None
            else:
                assert waiting is None
            assert ctx.get(channel.collect) == (cycle - latency in requested), "a word is collected when it comes"
            if ctx.get(channel.collect):
                slot = ctx.get(channel.slot)
                assert slot not in queue, "no word may be overwritten"
                queue[slot] = (requested[cycle - latency], ctx.get(reads.error))
            if offered and ctx.get(channel.arready):
                offered, taken = 0, taken + 1
            used.append(cycle)
            await ctx.tick()
            if len(answers) == count:
                break
        ctx.set(channel.arvalid, 0)
        for _ in range(10):
            assert not ctx.get(channel.rvalid) and not ctx.get(channel.request), "nothing may be left over"
            await ctx.tick()

    simulate(top, testbench)
    return sent, answers, len(used)


@pytest.mark.parametrize(("latency", "pause"), [(3, 0.0), (Scratchpad.host_latency, 0.0), (3, 0.4)])
@pytest.mark.parametrize(("offer", "take"), RATES)
def test_reads(simulate, offer, take, latency, pause):
    rng = random.Random(f"{offer} {take}")
    sent, answers, cycles = read_traffic(simulate, rng, 300, offer, take, latency, pause)
    assert answers == [(address, address & 1) for address in sent]
    if offer == take == 1 and not pause:
        assert cycles == 300 + latency + 3  # nothing is accepted in the first cycle; request, latency, queue


def test_no_more_reads_than_the_queue_holds(simulate):
    channel = Control(machine=ReadChannelMachine(latency=3))

    async def testbench(ctx):
        ctx.set(channel.arvalid, 1)
        accepted = 0
        for _ in range(40):
            accepted += ctx.get(channel.arready)
            await ctx.tick()
        assert accepted == ReadChannelMachine.depth

    simulate(channel, testbench)


def test_queue_shows_what_was_put_in_a_slot(trace):
    rng, stored = random.Random(4), {}
    steps = [{"push": int(slot < 8 or rng.random() < 0.5), "slot": slot if slot < 8 else rng.randrange(8),
              "head": rng.randrange(min(max(slot, 1), 8)), "word_in": rng.getrandbits(64), "error_in": rng.randrange(2)}
             for slot in range(200)]  # fmt: skip
    outputs, last = trace(ResponseQueue(depth=8), steps, ["word", "error"]), None
    for cycle, (step, output) in enumerate(zip(steps, outputs, strict=True)):
        if last is not None:  # comes a cycle later, and is shown at once
            stored[last] = (step["word_in"], step["error_in"])
        if cycle:
            assert output == stored[step["head"]], cycle
        last = step["slot"] if step["push"] else None
