"""A protected memory: one wrong bit is corrected, twice over; two are told; newer data are never overwritten."""

import random

import pytest

from vanallen.rtl.ecc.secded import Status
from vanallen.rtl.memory.scratchpad import Scratchpad

ROWS = 16
SIZES = [(1, 32, True), (1, 64, True), (2, 64, False)]


def byte_parity(word):
    """A bit for each byte."""
    return sum((each.bit_count() & 1) << index for index, each in enumerate(word.to_bytes(16, "little")))


class Bench:
    """A memory, what it should hold, and requests that all copies make alike."""

    def __init__(self, banks, bits, writable):
        self.dut = Scratchpad(rows=ROWS, banks=banks, bank_bits=bits, writable=writable, protected=True)
        self.banks, self.bits, self.writable = banks, bits, writable
        self.words = [[0] * banks for _ in range(ROWS)]

    def ask(self, ctx, port, **values):
        for copy in getattr(self.dut, port):
            for name, value in values.items():
                ctx.set(getattr(copy, name), value)

    async def fill(self, ctx):
        ctx.set(self.dut.fill, 7)
        await ctx.tick().repeat(ROWS)
        ctx.set(self.dut.fill, 0)
        await ctx.tick().repeat(4)

    async def write(self, ctx, row, bank, word):
        """By the data path where it can, else by the host; the word comes a cycle later."""
        port = "write" if self.writable else "host_write"
        self.ask(ctx, port, enable=1 << bank, address=row)
        await ctx.tick()
        self.ask(ctx, port, enable=0)
        if self.writable:
            whole = word << self.bits * bank
            ctx.set(self.dut.write_data, whole)
            ctx.set(self.dut.write_parity, byte_parity(whole))
        else:
            ctx.set(self.dut.host_data, word)
        self.words[row][bank] = word

    async def read(self, ctx, row):
        """(words, parity sound, wrong, corrected, uncorrectable) of a read by the data path; it is told last."""
        self.ask(ctx, "read", enable=1, address=row)
        await ctx.tick()
        self.ask(ctx, "read", enable=0)
        await ctx.tick().repeat(Scratchpad.latency - 1)
        data, parity = ctx.get(self.dut.data), ctx.get(self.dut.parity)
        sound = all((data >> 8 * byte & 255).bit_count() & 1 == parity >> byte & 1
                    for byte in range(self.banks * self.bits // 8))  # fmt: skip
        words = [data >> self.bits * bank & (1 << self.bits) - 1 for bank in range(self.banks)]
        await ctx.tick()
        return words, sound, ctx.get(self.dut.wrong), ctx.get(self.dut.corrected), ctx.get(self.dut.uncorrectable)

    def stored(self, ctx, row):
        """What each bank holds, decoded by the golden code."""
        word, size = ctx.get(self.dut.ram.data[row]), self.dut.stored_bits
        return [self.dut.code.decode(word >> size * bank & (1 << size) - 1, row) for bank in range(self.banks)]

    def strike(self, ctx, row, *bits):
        word = ctx.get(self.dut.ram.data[row])
        for bit in bits:
            word ^= 1 << bit
        ctx.set(self.dut.ram.data[row], word)

    async def settle(self, ctx):
        """Until each row has been scrubbed."""
        await ctx.tick().repeat(8 * ROWS)


@pytest.mark.parametrize(("banks", "bits", "writable"), SIZES)
def test_one_wrong_bit_is_corrected_and_put_right(simulate, banks, bits, writable):
    bench, rng, seen = Bench(banks, bits, writable), random.Random(1), []

    async def testbench(ctx):
        await bench.fill(ctx)
        for _ in range(60):
            row, bank = rng.randrange(ROWS), rng.randrange(banks)
            await bench.write(ctx, row, bank, rng.getrandbits(bits))
            await ctx.tick().repeat(4)
            bench.strike(ctx, row, rng.randrange(banks * bench.dut.stored_bits))
            words, sound, wrong, corrected, uncorrectable = await bench.read(ctx, row)
            assert (words, sound, wrong, uncorrectable) == (bench.words[row], True, 0, 0)
            assert ctx.get(bench.dut.row) == row or not corrected, "the scrubber may have been here before"
            seen.append(corrected)
            await bench.settle(ctx)
            assert [(word.data, word.status) for word in bench.stored(ctx, row)] == \
                [(word, Status.CLEAN) for word in bench.words[row]]  # fmt: skip
            assert await bench.read(ctx, row) == (bench.words[row], True, 0, 0, 0)

    simulate(bench.dut, testbench)
    assert sum(seen) > len(seen) // 2, "most of them are told"


@pytest.mark.parametrize(("banks", "bits", "writable"), SIZES)
def test_two_wrong_bits_are_told_and_stay(simulate, banks, bits, writable):
    bench, rng = Bench(banks, bits, writable), random.Random(2)

    async def testbench(ctx):
        await bench.fill(ctx)
        for _ in range(40):
            row, bank = rng.randrange(ROWS), rng.randrange(banks)
            await bench.write(ctx, row, bank, rng.getrandbits(bits))
            await ctx.tick().repeat(4)
            size = bench.dut.stored_bits
            bench.strike(ctx, row, *(size * bank + bit for bit in rng.sample(range(size), 2)))
            struck = ctx.get(bench.dut.ram.data[row])
            *_, wrong, corrected, uncorrectable = await bench.read(ctx, row)
            assert (wrong, corrected, uncorrectable, ctx.get(bench.dut.row)) == (7, 0, 1, row)
            await bench.settle(ctx)
            assert ctx.get(bench.dut.ram.data[row]) == struck, "what can't be corrected must not become a valid word"
            await bench.write(ctx, row, bank, rng.getrandbits(bits))
            await ctx.tick().repeat(4)
            assert await bench.read(ctx, row) == (bench.words[row], True, 0, 0, 0)

    simulate(bench.dut, testbench)


@pytest.mark.parametrize(("banks", "bits", "writable"), SIZES)
def test_newer_data_are_never_overwritten(simulate, banks, bits, writable):
    """A word is struck and written again some cycles later, at every distance from the scrubber's visit."""
    bench, rng = Bench(banks, bits, writable), random.Random(3)

    async def testbench(ctx):
        await bench.fill(ctx)
        for trial in range(100):
            row, bank = rng.randrange(ROWS), rng.randrange(banks)
            bench.strike(ctx, row, rng.randrange(banks * bench.dut.stored_bits))
            await ctx.tick().repeat(1 + trial % 100)
            await bench.write(ctx, row, bank, rng.getrandbits(bits))
            await ctx.tick().repeat(rng.randint(1, 12))
            if trial % 3 == 0:
                await bench.settle(ctx)
            *_, wrong, _, uncorrectable = read = await bench.read(ctx, row)
            assert (read[0], wrong, uncorrectable) == (bench.words[row], 0, 0)
            await bench.settle(ctx)
            for other in range(ROWS):
                assert [word.data for word in bench.stored(ctx, other)] == bench.words[other]

    simulate(bench.dut, testbench)


def test_scrubbing_goes_on_beside_reads_and_writes(simulate):
    bench, rng = Bench(1, 32, True), random.Random(4)

    async def testbench(ctx):
        await bench.fill(ctx)
        for row in range(ROWS):
            bench.strike(ctx, row, rng.randrange(bench.dut.stored_bits))
        for _ in range(1200):
            bench.ask(ctx, "read", enable=int(rng.random() < 0.8), address=rng.randrange(ROWS))
            if rng.random() < 0.1:
                await bench.write(ctx, rng.randrange(ROWS), 0, rng.getrandbits(32))
            else:
                await ctx.tick()
            assert not ctx.get(bench.dut.wrong)
        await ctx.tick().repeat(4)
        for row in range(ROWS):
            (word,) = bench.stored(ctx, row)
            assert (word.data, word.status) == (bench.words[row][0], Status.CLEAN)

    simulate(bench.dut, testbench)


@pytest.mark.parametrize("port", ["read", "host_read"])
def test_a_word_that_is_put_right_may_be_read_at_any_time(simulate, port):
    """No read is dropped for the scrubber: by the host it would give an older word, and nothing would tell."""
    bench, rng = Bench(1, 32, True), random.Random(6)
    latency = Scratchpad.latency if port == "read" else Scratchpad.host_latency

    async def testbench(ctx):
        await bench.fill(ctx)
        for row in range(ROWS):
            await bench.write(ctx, row, 0, rng.getrandbits(32))
        due = []
        for cycle in range(8000):
            if cycle % 400 == 0:  # by then it is right again
                row = rng.randrange(ROWS)
                bench.strike(ctx, row, rng.randrange(bench.dut.stored_bits))
            asks = rng.random() < 0.5
            bench.ask(ctx, port, enable=int(asks), address=row if asks else rng.randrange(ROWS))
            due.append(bench.words[row][0] if asks else None)
            if len(due) > latency:
                word = due.pop(0)
                assert word is None or ctx.get(bench.dut.data) == word, cycle
            assert not ctx.get(bench.dut.collision)
            await ctx.tick()
        assert bench.stored(ctx, row)[0].status is Status.CLEAN

    simulate(bench.dut, testbench)


def test_a_word_that_disagrees_with_its_parity_is_told(simulate):
    bench = Bench(1, 32, True)

    async def testbench(ctx):
        await bench.fill(ctx)
        for parity, wrong in ((1, 0), (3, 7), (0, 7)):
            bench.ask(ctx, "write", enable=1, address=3)
            await ctx.tick()
            bench.ask(ctx, "write", enable=0)
            ctx.set(bench.dut.write_data, 1)
            ctx.set(bench.dut.write_parity, parity)
            await ctx.tick()
            assert ctx.get(bench.dut.wrong) == wrong
            await ctx.tick()
            assert ctx.get(bench.dut.wrong) == 0

    simulate(bench.dut, testbench)


def test_one_copy_can_not_read_or_write(simulate):
    bench = Bench(1, 32, True)

    async def testbench(ctx):
        await bench.fill(ctx)
        await bench.write(ctx, 5, 0, 99)
        for copy in range(3):
            ctx.set(bench.dut.write[copy].enable, 1)
            ctx.set(bench.dut.write[copy].address, 5)
            await ctx.tick().repeat(3)
            ctx.set(bench.dut.write[copy].enable, 0)
            await ctx.tick().repeat(3)
            assert bench.stored(ctx, 5)[0].data == 99

    simulate(bench.dut, testbench)


@pytest.mark.parametrize(
    ("port", "stop", "cycle"), [("write", "unsound", 0), ("write", "blocked", 1), ("host_write", "stray", 1)]
)
def test_what_is_stopped_is_not_written(simulate, port, stop, cycle):
    """The first of two writes behind each other, or the second, or neither: by all copies, in the cycle that it is. Of
    one copy alone nobody hears. Words that aren't written are tested by nobody."""
    bench, rng = Bench(1, 64, writable=True), random.Random(7)
    dut = bench.dut

    async def testbench(ctx):
        await bench.fill(ctx)
        for stopped in [(0, 0), (7, 0), (0, 7), (7, 7), (1, 2), (4, 0)] * 4:
            words = [rng.getrandbits(64) for _ in range(2)]
            rows = rng.sample(range(ROWS), 2)
            for step in range(4):
                now = step < 2
                bench.ask(ctx, port, enable=int(now), address=rows[step] if now else 0)
                ctx.set(getattr(dut, stop), stopped[step - cycle] if cycle <= step < cycle + 2 else 0)
                if 1 <= step < 3:
                    ctx.set(dut.host_data if port == "host_write" else dut.write_data, words[step - 1])
                    ctx.set(dut.write_parity, ~byte_parity(words[step - 1]))  # tested where it is written
                await ctx.tick()
                tested = port == "write" and 1 <= step < 3 and stopped[step - 1] != 7
                assert ctx.get(dut.wrong) == 7 * tested, (stopped, step)
            await ctx.tick().repeat(4)
            for row, word, kept in zip(rows, words, stopped, strict=True):
                bench.words[row] = bench.words[row] if kept == 7 else [word]
                assert [each.data for each in bench.stored(ctx, row)] == bench.words[row], (stopped, row)

    simulate(dut, testbench)
