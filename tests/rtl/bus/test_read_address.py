"""The addresses of reads on their way, and where one was struck, an error."""

import random

import pytest
from amaranth.hdl import Cat, Fragment

from vanallen.rtl.bus.host_decode import PLACE_BITS, WINDOW_BITS, WORD_ADDRESS_BITS
from vanallen.rtl.bus.read_address import ReadAddress

LATENCY = 5
GAP = 12
"""Cycles between two flips: more than an address is on its way."""


def stream(simulate, protected, strikes):
    """By cycle (address, refused, what came of it): its place asked for and collected, ``next_error``, ``error``.

    Every ``GAP`` cycles a bit flips, each of every register in turn, if ``strikes``; the registers are by cycle too.
    """
    rng, reads = random.Random(1), ReadAddress(latency=LATENCY, protected=protected)
    fragment = Fragment.get(reads, None)
    registers = [signal for one in fragment.statements["sync"] for signal in one._lhs_signals()]
    bits = [(register, index) for register in registers for index in range(len(register))]
    sent, seen, struck = [], [], {}

    async def testbench(ctx):
        for cycle in range(GAP * (len(bits) + 1)):
            if strikes and cycle % GAP == 0 and cycle:
                register, index = bits[cycle // GAP - 1]
                ctx.set(register, ctx.get(register) ^ 1 << index)
                struck[cycle] = register.name
            sent.append((rng.getrandbits(WORD_ADDRESS_BITS), rng.randrange(2)))
            ctx.set(reads.i, sent[-1][0])
            ctx.set(reads.refused, sent[-2][1] if cycle else 0)
            seen.append([ctx.get(value) for value in (
                reads.address, Cat(reads.next_place, reads.next_window), reads.next_error, reads.error)])  # fmt: skip
            await ctx.tick()

    simulate(fragment, testbench)
    came = [(seen[cycle + 1][0], *seen[cycle + LATENCY][1:3], seen[cycle + 1 + LATENCY][3])
            for cycle in range(len(sent) - LATENCY - 1)]  # fmt: skip
    return list(zip(sent, came, strict=False)), struck


def place_of(address):
    return address % (1 << PLACE_BITS) | address >> WORD_ADDRESS_BITS - WINDOW_BITS << PLACE_BITS


@pytest.mark.parametrize("protected", [False, True])
def test_addresses_arrive_in_time(simulate, protected):
    reads, _ = stream(simulate, protected, strikes=False)
    for (address, refused), came in reads:
        assert came == (address, place_of(address), refused, refused)


def test_what_was_struck_is_an_error(simulate):
    reads, struck = stream(simulate, True, strikes=True)
    changed = 0
    for cycle, ((address, refused), (asked, place, next_error, error)) in enumerate(reads):
        last = struck.get(cycle + 1 + LATENCY) == "error"  # struck behind the check: then nothing is chosen any more
        different = (asked, place) != (address, place_of(address))
        assert next_error >= (refused | different), cycle
        assert last or error == next_error, cycle
        near = any(cycle + 1 <= flip <= cycle + LATENCY for flip in struck)
        assert near or last or error == refused, "an error without a reason"
        changed += different
    assert changed > 50
