"""Encoder and decoder against the package, with idle cycles and back-pressure."""

import random

import pytest
from cobs import cobs

from vanallen.rtl.link.cobs import CobsDecoder, CobsEncoder

END = 0x100
LENGTHS = [0, 1, 5, 253, 254, 255, 300, 508, 509]


def stream(simulate, component, items, rate, rng, quiet=40):
    """What comes out for ``items`` until nothing has come for a while: payloads as integers."""
    given = []

    async def testbench(ctx):
        left, still, offered = list(items), 0, False
        while left or still < quiet:
            offered = bool(left) and (offered or rng.random() < rate)
            ctx.set(component.i.valid, offered)
            if offered:
                ctx.set(component.i.payload.as_value(), left[0])
            ctx.set(component.o.ready, int(rng.random() < rate))
            if ctx.get(component.o.valid) and ctx.get(component.o.ready):
                payload = component.o.payload
                given.append(ctx.get(payload.as_value() if hasattr(payload, "as_value") else payload))
                still = 0
            if offered and ctx.get(component.i.ready):
                left.pop(0)
                offered, still = False, 0
            still += 1
            await ctx.tick()

    simulate(component, testbench)
    return given


def packets(rng):
    return [bytes(0 if rng.random() < zeros else rng.randrange(1, 256) for _ in range(length))
            for length in LENGTHS for zeros in (0, 0.02, 1)]  # fmt: skip


@pytest.mark.parametrize("rate", [1.0, 0.6])
def test_encoder(simulate, rate):
    rng = random.Random(1)
    sent = packets(rng)
    items = [item for packet in sent for item in (*packet, END)]
    assert bytes(stream(simulate, CobsEncoder(), items, rate, rng)) == b"".join(cobs.encode(p) + b"\0" for p in sent)


@pytest.mark.parametrize("rate", [1.0, 0.6])
def test_decoder(simulate, rate):
    rng = random.Random(2)
    sent = packets(rng)
    items = [item for packet in sent for item in (*cobs.encode(packet), 0)]
    given = stream(simulate, CobsDecoder(), items, rate, rng)
    assert given == [item for packet in sent for item in (*packet, END)]
