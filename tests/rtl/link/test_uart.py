"""Receiver and transmitter at the wire, bit by bit."""

import random

import pytest

from vanallen.rtl.link.uart import UartReceiver, UartTransmitter, divisor_of


def wire(data, divisor, stop=1):
    """The wire's value in each cycle of a byte; ``divisor`` may be a fraction."""
    bits = [0, *(data >> index & 1 for index in range(8)), stop]
    return [bits[min(int(cycle / divisor), 9)] for cycle in range(round(10 * divisor))]


def received(trace, divisor, samples, ready=1):
    """(data, error) of what is taken."""
    steps = [{"rx": sample, "o.ready": ready} for sample in [1] * 10 + samples + [1] * 3 * divisor]
    outputs = trace(UartReceiver(divisor=divisor), steps, ["o.valid", "o.payload.data", "o.payload.error"])
    return [(data, error) for valid, data, error in outputs if valid and ready]


@pytest.mark.parametrize(("divisor", "off"), [(8, 1.0), (9, 1.0), (16, 1.0), (16, 1.03), (16, 0.97), (40, 1.04)])
def test_bytes_arrive(trace, divisor, off):
    rng = random.Random(divisor)
    sent = [0x00, 0xFF, 0x55, 0xAA, *rng.randbytes(12)]
    samples = [sample for data in sent for sample in wire(data, divisor * off)]
    assert received(trace, divisor, samples) == [(data, 0) for data in sent]


def test_a_low_stop_bit_is_an_error(trace):
    samples = wire(0x5A, 16, stop=0) + [0] * 100 + [1] * 16 + wire(0x33, 16)
    assert received(trace, 16, samples) == [(0x5A, 1), (0x33, 0)]


def test_a_glitch_is_no_byte(trace):
    assert received(trace, 16, [0] * 5 + [1] * 30 + wire(0x33, 16)) == [(0x33, 0)]


def test_a_byte_that_is_not_taken_costs_the_next_one(trace):
    sent = [sample for data in (1, 2, 3) for sample in wire(data, 16)]
    steps = [{"rx": sample, "o.ready": 0} for sample in [1] * 5 + sent[:330]]
    steps += [{"rx": sample, "o.ready": 1} for sample in sent[330:] + [1] * 20]
    outputs = trace(UartReceiver(divisor=16), steps, ["o.valid", "o.payload.data", "o.payload.error", "o.ready"])
    assert [(data, error) for valid, data, error, ready in outputs if valid and ready] == [(1, 0), (3, 1)]


@pytest.mark.parametrize("divisor", [8, 13])
def test_transmitter(trace, divisor):
    """One byte after another, then idle; the wire follows what is taken by a cycle."""
    byte = 10 * divisor + 1
    steps = [{"i.valid": 1, "i.payload": 0xA5}, {"i.payload": 0x00}, *[{}] * (byte - 1)]
    steps += [{"i.valid": 0, "i.payload": 0xFF}, *[{}] * (2 * byte)]
    outputs = trace(UartTransmitter(divisor=divisor), steps, ["i.ready", "tx"])
    assert [cycle for cycle, (ready, _) in enumerate(outputs) if ready][:2] == [0, byte]
    expected = [1, *wire(0xA5, divisor), 1, *wire(0x00, divisor)]
    assert [tx for _, tx in outputs] == expected + [1] * (len(outputs) - len(expected))


@pytest.mark.parametrize(
    ("clock_hz", "baud", "divisor"), [(100_000_000, 3_000_000, 33), (25_000_000, 1_000_000, 25), (8, 1, 8)]
)
def test_divisor(clock_hz, baud, divisor):
    assert divisor_of(clock_hz=clock_hz, baud=baud) == divisor


@pytest.mark.parametrize(
    ("baud", "said"), [(4_000_000, "from 1 to 3125000"), (0, "from 1"), (2_900_000, "within 2 % .* such as 2777777")]
)
def test_what_the_clock_can_not_make(baud, said):
    with pytest.raises(ValueError, match=said):
        divisor_of(clock_hz=25_000_000, baud=baud)
