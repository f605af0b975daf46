"""Encoder and decoder against the code; every register of the decoder flipped."""

import random

import pytest
from amaranth.hdl import Fragment

from vanallen.rtl.ecc.decoder import Decoder
from vanallen.rtl.ecc.encoder import Encoder
from vanallen.rtl.ecc.secded import Secded, Status

OUTPUTS = ("data", "check", "parity", "corrected", "uncorrectable")


@pytest.fixture(params=[(8, 4), (12, 14), (32, 11), (64, 15), (16, 0)], ids=lambda size: f"{size[0]}_{size[1]}")
def code(request):
    data_bits, address_bits = request.param
    return Secded(data_bits=data_bits, address_bits=address_bits)


def byte_parity(code, data):
    return sum(((data >> 8 * byte & 0xFF).bit_count() & 1) << byte for byte in range(code.parity_bits))


def random_word(rng, code, flips):
    """Data, their codeword with so many wrong bits, and the address."""
    data, address = rng.getrandbits(code.data_bits), rng.getrandbits(code.address_bits) if code.address_bits else 0
    word = code.encode(data, address)
    for bit in rng.sample(range(code.word_bits), flips):
        word ^= 1 << bit
    return data, word, address


def expected(code, word, address):
    decoded = code.decode(word, address)
    corrected, uncorrectable = (int(decoded.status is status) for status in (Status.CORRECTED, Status.UNCORRECTABLE))
    check = code.check(decoded.data, address) if corrected else word >> code.data_bits
    # one wrong data bit changes a byte's parity, which is corrected with it
    return decoded.data, check, byte_parity(code, decoded.data), corrected, uncorrectable


def test_encoder(simulate, code):
    rng = random.Random(1)
    encoder = Encoder(code=code)

    async def testbench(ctx):
        for _ in range(200):
            data, _, address = random_word(rng, code, 0)
            ctx.set(encoder.data, data)
            ctx.set(encoder.address, address)
            assert ctx.get(encoder.check) == code.check(data, address)

    simulate(encoder, testbench, clocked=False)


def test_decoder_streams(trace, code):
    rng = random.Random(2)
    steps = []
    for _ in range(1000):
        _, word, address = random_word(rng, code, rng.choice((0, 1, 1, 2, 3, 4)))
        if rng.random() < 0.2 and code.address_bits:
            address ^= 1 << rng.randrange(code.address_bits)
        steps.append({"word": word, "address": address})
    rows = trace(Decoder(code=code), steps + [{}] * Decoder.latency, OUTPUTS)
    for cycle, step in enumerate(steps):
        assert rows[cycle + Decoder.latency] == expected(code, step["word"], step["address"]), cycle


def test_every_bit_of_a_word(trace, code):
    data, word, address = random_word(random.Random(3), code, 0)
    steps = [{"word": word ^ 1 << bit, "address": address} for bit in range(code.word_bits)]
    rows = trace(Decoder(code=code), steps + [{}] * Decoder.latency, OUTPUTS)
    assert set(rows[Decoder.latency :]) == {(data, code.check(data, address), byte_parity(code, data), 1, 0)}


def registers(fragment):
    return [signal for one in fragment.statements["sync"] for signal in one._lhs_signals()]


@pytest.mark.parametrize("flips", [0, 1])
def test_a_flip_of_any_register_is_told(simulate, code, flips):
    """Wrong data come with a wrong parity, or ``uncorrectable``; with the parity alone if the word is clean. What would
    be written back has one wrong bit at most."""
    rng = random.Random(4)
    decoder = Decoder(code=code)
    fragment = Fragment.get(decoder, None)
    places = [(register, bit) for register in registers(fragment) for bit in range(len(register))]
    widths = 2 * code.word_bits + code.address_bits + code.parity_bits + 2
    assert len(places) == widths and all(register.reset_less for register, _ in places)
    if flips:  # with another row the word has two wrong things, which the code may take for a third
        places = [(register, bit) for register, bit in places if register.name != "row"]
    wrong_data = []

    async def testbench(ctx):
        for register, bit in places * 3:
            data, word, address = random_word(rng, code, flips)
            ctx.set(decoder.word, word)
            ctx.set(decoder.address, address)
            last = register.name.endswith("_register")
            await ctx.tick().repeat(2 if last else 1)
            ctx.set(register, ctx.get(register) ^ 1 << bit)
            if not last:
                await ctx.tick()
            found, parity = ctx.get(decoder.data), ctx.get(decoder.parity)
            told = parity != byte_parity(code, found)
            assert found == data or told or (flips and ctx.get(decoder.uncorrectable)), (register.name, bit)
            back = found | ctx.get(decoder.check) << code.data_bits
            if ctx.get(decoder.corrected):
                assert (back ^ code.encode(data, address)).bit_count() <= 1, (register.name, bit)
            wrong_data.append(found != data)

    simulate(fragment, testbench)
    assert any(wrong_data)
