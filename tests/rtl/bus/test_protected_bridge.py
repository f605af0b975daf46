"""The protected bridge with single flips: every access answered once, every write done as it was sent or not at all,
and what is changed between host and memory is told by a checksum."""

import random
from dataclasses import dataclass, field

import pytest
from amaranth.hdl import Cat, Fragment, Module, Signal
from amaranth.lib.wiring import In

from vanallen.rtl.bus import host_bridge
from vanallen.rtl.bus.axi_lite import OKAY, SLVERR, ReadChannelMachine, WriteChannelMachine
from vanallen.rtl.bus.host_bridge import MEMORIES, HostBridge
from vanallen.rtl.bus.pair_queue import PairQueue
from vanallen.rtl.config import preset
from vanallen.rtl.control.voter import agreed
from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.rtl.registers import REGISTERS, Access, Window, register, window_banks, window_rows, window_stride
from vanallen.rtl.transfers import checksum
from vanallen.synth.netlist import components
from vanallen.tb.mutants.hand import Mutant, changed

CONFIG = preset("nano", "full")
DEADLINE = 120
"""Cycles of an episode: some accesses, and one flip."""

READ_PATH = {"ReadAddress", "ResponseQueue", "HostBridge"}
"""Components whose registers hold what the host reads; a flip may change one answer."""

WRITTEN = {"word", "stored_address"}
"""Registers of the bridge between a write and its checksum."""

SUMMED = {"from_memory", "arrived"}
"""Those between a word that was read and its checksum."""

WRITABLE = {entry.address for entry in REGISTERS if entry.access is not Access.READ}
READABLE = {entry.address for entry in REGISTERS if entry.access is not Access.WRITE}
WAITING = {register(name).address for name in ("start", "steal_interval", "governor", "replay_limit")}


@dataclass(frozen=True)
class Bit:
    """A bit of a register, and the class of the component that has it."""

    owner: str
    register: Signal
    index: int


def bits_of(bridge):
    """The bridge as a fragment, and every bit of its registers."""
    fragment = Fragment.get(bridge, None)
    found = {}
    for component, part in components(fragment).values():
        for statement in part.statements.get("sync", ()):
            for signal in statement._lhs_signals():
                found[id(signal)] = [Bit(type(component).__name__, signal, index) for index in range(len(signal))]
    return fragment, [bit for bits in found.values() for bit in bits]


def locate(address):
    """(window, row, bank) of a word of RAM; None if there is none."""
    window = next((window for window in MEMORIES if window == address >> 19), None)
    if window is None:
        return None
    row, rest = divmod(address % (1 << 19), window_stride(CONFIG, window))
    inside = row < window_rows(CONFIG, window) and rest // 8 < window_banks(CONFIG, window)[0]
    return (window, row, rest // 8) if inside else None


def stored(*place):
    """What is read at a place: a word, whether it can't be corrected, and a bit that is flipped on its way."""
    rng = random.Random(repr(place))
    return rng.getrandbits(64), int(rng.random() < 0.2), rng.choice([0, 0, 0, 0, 1 << rng.randrange(32)])


def parity_of(word, bits):
    """The parity of each byte."""
    return sum(((word >> 8 * byte & 255).bit_count() & 1) << byte for byte in range(bits // 8))


def read_answer(address, idle):
    """(word, response) of a read without a flip."""
    if address >> 19 == Window.REGISTERS:
        return (stored(address)[0], OKAY) if address in READABLE else (0, SLVERR)
    place = locate(address)
    if place is None or not idle:
        return 0, SLVERR
    word, failed, changed = stored(place[0].name, *place[1:])
    return (word ^ changed) % (1 << window_banks(CONFIG, place[0])[1]), SLVERR if failed or changed else OKAY


def write_effect(address, word, strobe, idle):
    """What a write does: (window, row or register, banks, word); None if it is an error."""
    if strobe != 0xFF:
        return None
    if address >> 19 == Window.REGISTERS:
        done = address in WRITABLE and (idle or address not in WAITING)
        return ["REGISTERS", address, 1, word] if done else None
    place = locate(address)
    if place is None or not idle:
        return None
    window, row, bank = place
    return [window.name, row, 1 << bank, word % (1 << window_banks(CONFIG, window)[1])]


def draw_address(rng):
    if rng.random() < 0.4:
        return rng.choice(sorted(WRITABLE | READABLE))
    if rng.random() < 0.1:
        return rng.randrange(1 << 19) * 8
    window = rng.choice(MEMORIES)
    return (window << 19) + rng.randrange(3) * window_stride(CONFIG, window)  # few rows: reads and writes meet


@dataclass
class Episode:
    """Accesses, and what came of them."""

    writes: list
    reads: list
    idle: int
    answers: list = field(default_factory=list)
    responses: list = field(default_factory=list)
    effects: list = field(default_factory=list)
    refused: int = 0
    changed: bool = False
    lost: int = 0
    written: int = 0
    read_back: int = 0


class Host:
    """Drives the bridge's port, memories and registers for an episode, and looks at every cycle of it."""

    def __init__(self, bridge, rng):
        self.bridge, self.rng = bridge, rng
        self.flights, self.last, self.unsure = [], None, False
        self.writes = Cat(agreed(bridge.register_write), *(
            agreed(port.enable for port in getattr(bridge, f"{window.name.lower()}_write")) for window in MEMORIES
        ))  # fmt: skip
        self.reads = Cat(agreed(port.enable for port in getattr(bridge, f"{window.name.lower()}_read"))
                         for window in MEMORIES)  # fmt: skip
        port = bridge.port
        self.ready = Cat(port.awready, port.wready, port.bvalid, port.arready, port.rvalid)

    async def run(self, ctx, episode, bit, flip_cycle):
        port, rng = self.bridge.port, self.rng
        rate, take = rng.choice([0.3, 0.8, 1.0]), rng.choice([0.1, 0.5, 1.0])
        offers, sent = {"aw": 0, "w": 0, "ar": 0}, {"aw": 0, "w": 0, "ar": 0}
        counts = {"aw": len(episode.writes), "w": len(episode.writes), "ar": len(episode.reads)}
        waits_b, waits_r, quiet = None, False, 0
        ctx.set(self.bridge.idle, 0b111 * episode.idle)
        await self._clear(ctx)
        for cycle in range(DEADLINE):
            if cycle == flip_cycle:
                ctx.set(bit.register, ctx.get(bit.register) ^ (1 << bit.index))
            owed = min(sent["aw"], sent["w"]) - len(episode.responses), sent["ar"] - len(episode.answers)
            for channel in offers:
                offers[channel] = offers[channel] or int(sent[channel] < counts[channel] and rng.random() < rate)
                ctx.set(getattr(port, f"{channel}valid"), offers[channel])
            take_b, take_r = int(cycle > 80 or rng.random() < take), int(cycle > 80 or rng.random() < take)
            ctx.set(port.bready, take_b)
            ctx.set(port.rready, take_r)
            self._offer(ctx, episode, offers, sent)
            self._memories(ctx)
            awready, wready, bvalid, arready, rvalid = (ctx.get(self.ready) >> index & 1 for index in range(5))
            self._effects(ctx, episode)
            assert bvalid <= max(owed[0], 0) and rvalid <= max(owed[1], 0), "no answer to what wasn't asked"
            response = ctx.get(port.bresp) if bvalid else None
            assert waits_b in (None, response), "a response must stay until it is taken"
            assert rvalid or not waits_r, "an answer must stay until it is taken"
            waits_b, waits_r = response if bvalid and not take_b else None, rvalid and not take_r
            if bvalid and take_b:
                episode.responses.append(response)
            if rvalid and take_r:
                episode.answers.append((ctx.get(port.rdata), ctx.get(port.rresp)))
            for channel, ready in (("aw", awready), ("w", wready), ("ar", arready)):
                if offers[channel] and ready:
                    offers[channel], sent[channel] = 0, sent[channel] + 1
            await ctx.tick()
            done = sent == counts and len(episode.responses) == counts["w"] and len(episode.answers) == counts["ar"]
            quiet = quiet + 1 if done and cycle > flip_cycle else 0
            if quiet > 8:  # what a flip began would have come out
                episode.written, episode.read_back = ctx.get(self.bridge.written), ctx.get(self.bridge.read_back)
                return
        raise AssertionError(f"hung: {sent} of {counts}, {len(episode.responses)} and {len(episode.answers)} answered")

    async def _clear(self, ctx):
        """The checksums."""
        clears = self.bridge.clear_written, self.bridge.clear_read_back
        for value in (1, 0):
            for clear in clears:
                ctx.set(clear, value)
            self._memories(ctx)
            await ctx.tick()

    def _offer(self, ctx, episode, offers, sent):
        """The next address and word of each channel that offers one, anything in the others."""
        port, rng = self.bridge.port, self.rng
        fields = {
            "aw": ((port.awaddr, 0),), "w": ((port.wdata, 1), (port.wstrb, 2)), "ar": ((port.araddr, 0),)
        }  # fmt: skip
        for channel, signals in fields.items():
            accesses = episode.reads if channel == "ar" else episode.writes
            for signal, index in signals:
                offered = accesses[sent[channel]][index] if offers[channel] else rng.getrandbits(len(signal))
                ctx.set(signal, offered)

    def _memories(self, ctx):
        """Answers the requests of some cycles ago, and the register that is read in this."""
        bridge = self.bridge
        arrived = self.flights.pop(0) if len(self.flights) == Scratchpad.host_latency else []
        for name, row in arrived:
            banks, bits = window_banks(CONFIG, Window[name])
            words = [stored(name, row, bank) for bank in range(banks)]
            data = sum((word ^ changed) % (1 << bits) << bits * bank for bank, (word, _, changed) in enumerate(words))
            right = sum(word % (1 << bits) << bits * bank for bank, (word, *_) in enumerate(words))
            ctx.set(getattr(bridge, f"{name.lower()}_data"), data)
            ctx.set(getattr(bridge, f"{name.lower()}_parity"), parity_of(right, banks * bits))
            ctx.set(getattr(bridge, f"{name.lower()}_failed"), words[0][1])
        ctx.set(bridge.register_value, stored(ctx.get(bridge.read_address))[0])
        asked = ctx.get(self.reads)
        self.flights.append([
            (window.name, ctx.get(agreed(port.address for port in getattr(bridge, f"{window.name.lower()}_read"))))
            for index, window in enumerate(MEMORIES) if asked >> index & 1
        ])  # fmt: skip

    def _effects(self, ctx, episode):
        bridge, did = self.bridge, ctx.get(self.writes)
        if self.last:  # the word of a cycle ago
            self.last[3] = ctx.get(bridge.word) % (1 << window_banks(CONFIG, Window[self.last[0]])[1])
        stray = ctx.get(agreed(bridge.stray))
        assert not stray or self.last, "only what is on its way to a memory can be stopped there"
        if stray if self.last else self.unsure and not ctx.get(agreed(bridge.register_good)):
            episode.effects.pop()
        self.last = None
        episode.refused += ctx.get(bridge.refused)
        self.unsure = did & 1 and ctx.get(bridge.register_address) in WRITABLE
        if self.unsure:
            episode.effects.append(["REGISTERS", ctx.get(bridge.register_address), 1, ctx.get(bridge.register_word)])
        did >>= 1
        for window in MEMORIES:
            name, (banks, _) = window.name.lower(), window_banks(CONFIG, window)
            enabled, did = did % (1 << banks), did >> banks
            if enabled:
                row = ctx.get(agreed(port.address for port in getattr(bridge, f"{name}_write")))
                assert (window.name, row) not in self.flights[-1], "no RAM may be asked to read and write one row"
                self.last = [window.name, row, enabled, None]
                episode.effects.append(self.last)


def judge(episode, bit):
    """Compares what came of an episode with what was sent, but for what a flip of ``bit`` may do."""
    effects = [write_effect(*write, episode.idle) for write in episode.writes]
    assert episode.refused <= (bit.owner == "PairQueue"), "only what was struck is refused"
    kept = [effect for effect, response in zip(effects, episode.responses, strict=True) if response == OKAY]
    assert [effect[:3] for effect in episode.effects] == [effect[:3] for effect in kept], \
        "what is answered OKAY is done, in order, and nothing else"  # fmt: skip
    told = episode.written != checksum(
        (address, word) for (address, word, _), response in zip(episode.writes, episode.responses, strict=True)
        if response == OKAY and locate(address)
    )  # fmt: skip
    episode.changed = episode.effects != kept
    assert told or not episode.changed, "what is done in order is done with its word, or told"
    assert not told or bit.owner == "TransferChecksum" or bit.register.name in WRITTEN, "told without a reason"
    wrong = sum((effect is None) != (response == SLVERR)
                for effect, response in zip(effects, episode.responses, strict=True))  # fmt: skip
    assert wrong <= episode.refused, "an error that nothing was refused for"
    judge_reads(episode, bit)


def judge_reads(episode, bit):
    answers = [read_answer(*read, episode.idle) for read in episode.reads]
    got_instead = [(address, got, want) for (address,), got, want
                   in zip(episode.reads, episode.answers, answers, strict=True) if got != want]  # fmt: skip
    assert len(got_instead) <= (bit.owner in READ_PATH), "a flip outside the path of reads changes no answer"
    told = episode.read_back != checksum(
        (8 * (response == SLVERR), word)
        for (address,), (word, response) in zip(episode.reads, episode.answers, strict=True)
        if episode.idle and locate(address)
    )  # fmt: skip
    again = any(response == SLVERR for _, (_, response), _ in got_instead)  # then the host begins anew
    assert not told or again or bit.owner in ("TransferChecksum", "ResponseQueue") or bit.register.name in SUMMED, \
        "told without a reason"  # fmt: skip
    for address, (_, response), (_, wanted) in got_instead:
        # an answer that waits may lose its error, which untold is only that of a host that asks while a job runs
        excused = bit.owner == "ResponseQueue" and wanted == SLVERR and not episode.idle
        episode.lost += response == OKAY and wanted == SLVERR and told
        assert response == SLVERR or not locate(address) or told or excused, "another word, and nothing tells"


def campaign(simulate, seed, choose):
    """An episode for each bit that ``choose(rng, bits)`` says; all of them."""
    rng, bridge, episodes = random.Random(seed), HostBridge(config=CONFIG), []
    fragment, bits = bits_of(bridge)
    host = Host(bridge, rng)

    async def testbench(ctx):
        for bit in choose(rng, bits):
            count = rng.randrange(2, 9)
            writes = [(draw_address(rng), rng.getrandbits(64), rng.choice([0xFF] * 9 + [0xF0])) for _ in range(count)]
            reads = [(draw_address(rng),) for _ in range(rng.randrange(2, 12))]
            episode = Episode(writes, reads, int(rng.random() < 0.8))
            await host.run(ctx, episode, bit, rng.randrange(20))
            judge(episode, bit)
            episodes.append(episode)

    simulate(fragment, testbench)
    return episodes


UNVOTED = WriteChannelMachine.flow | ReadChannelMachine.flow
"""What the channels make anew in each cycle, and so don't vote on: what a copy says of it is outvoted where it goes."""


def unvoted(number):
    """Some bits on which the channels' copies don't vote."""

    def choose(rng, bits):
        return rng.choices([bit for bit in bits if bit.owner == "Control" and bit.register.name in UNVOTED], k=number)

    return choose


def sample(count, *owners):
    """Some bits, each kind of component as often: of any, or of ``owners``."""

    def choose(rng, bits):
        kinds = sorted(owners or {bit.owner for bit in bits})
        return [rng.choice([bit for bit in bits if bit.owner == kinds[number % len(kinds)]]) for number in range(count)]

    return choose


def test_any_bit_may_be_struck(simulate):
    episodes = campaign(simulate, 1, sample(120))
    assert any(episode.refused for episode in episodes), "some write is struck"


@pytest.mark.slow
def test_every_bit_may_be_struck(simulate):
    episodes = campaign(simulate, 2, lambda rng, bits: rng.sample(bits, len(bits)))
    assert sum(episode.refused for episode in episodes) > 20


def test_writes_are_done_wrong_without_the_parity(simulate, monkeypatch):
    mutant = Mutant("", PairQueue, "elaborate", "self.sound.eq(~entries[0].xor())", "self.sound.eq(1)")
    monkeypatch.setattr(PairQueue, "elaborate", changed(PairQueue.elaborate, mutant))
    with pytest.raises(AssertionError, match=r"done, in order|told without a reason"):
        campaign(simulate, 3, sample(60, "PairQueue"))


def test_accesses_are_lost_where_one_copy_decides(simulate, monkeypatch):
    monkeypatch.setattr(host_bridge, "agreed", lambda copies: next(iter(copies)))
    with pytest.raises(AssertionError):
        campaign(simulate, 4, unvoted(60))


def test_what_is_changed_before_it_is_stored_is_told(simulate):
    """Of the register between the queue and the memories, every bit."""
    episodes = campaign(simulate, 6, lambda rng, bits: [bit for bit in bits if bit.register.name == "word"])
    assert any(episode.changed for episode in episodes), "some word is struck"


def error_flags(rng, bits):
    """Those of the answers that wait, several times."""
    return 8 * [bit for bit in bits if bit.owner == "ResponseQueue" and bit.index == 64]


def test_an_answer_that_loses_its_error_is_told(simulate):
    assert any(episode.lost for episode in campaign(simulate, 9, error_flags)), "some error is lost"


def test_an_answer_loses_its_error_where_the_checksum_leaves_it_out(simulate, monkeypatch):
    mutant = Mutant("", HostBridge, "_sum_read", "total.address.eq(wrong)", "total.address.eq(0)")
    monkeypatch.setattr(HostBridge, "_sum_read", changed(HostBridge._sum_read, mutant))
    with pytest.raises(AssertionError, match=r"another word|told without a reason"):
        campaign(simulate, 9, error_flags)


def test_words_are_changed_without_the_parity_of_reads(simulate, monkeypatch):
    mutant = Mutant("", HostBridge, "_judge", " | (memory & odd.any())", "")
    monkeypatch.setattr(HostBridge, "_judge", changed(HostBridge._judge, mutant))
    with pytest.raises(AssertionError):
        campaign(simulate, 8, sample(30, "Control"))


def test_an_injected_flip_is_refused_once(simulate):
    bridge = HostBridge(config=CONFIG)
    address, written, refused = Window.COMMAND << 19, [], []

    async def testbench(ctx):
        port = bridge.port
        ctx.set(bridge.idle, 7)
        ctx.set(port.wstrb, 0xFF)
        ctx.set(port.awaddr, address)
        ctx.set(port.bready, 1)
        await ctx.tick()
        inject = 0
        for cycle in range(40):
            inject = int(cycle == 10) or inject
            ctx.set(bridge.inject, inject)
            for valid in (port.awvalid, port.wvalid):
                ctx.set(valid, int(cycle % 4 == 0 and cycle < 32))
            refused.append(ctx.get(bridge.refused))
            written.append(ctx.get(bridge.command_write[0].enable) - ctx.get(agreed(bridge.stray)))
            if ctx.get(bridge.injected):
                inject = 0
            await ctx.tick()

    simulate(bridge, testbench)
    assert (refused.index(1), sum(refused), sum(written)) == (14, 1, 7)


def test_both_builds_do_the_same_in_each_cycle(simulate):
    """With any inputs and without a flip; words that are read have their parity, and no row has failed."""
    rng, m = random.Random(5), Module()
    m.submodules.full = full = HostBridge(config=CONFIG)
    m.submodules.plain = plain = HostBridge(config=preset("nano", "none"))
    flat = {path: (member, signal) for path, member, signal in full.signature.flatten(full)}
    inputs, outputs = [], []
    for path, member, signal in plain.signature.flatten(plain):
        copies = [signal, flat[path][1]]
        (inputs if member.flow is In else outputs).append((path, copies))
    outputs += [((*path, "copy"), [flat[(*path[:1], 0, *path[2:])][1], signal])
                for path, (member, signal) in flat.items() if len(path) == 3 and path[1] > 0]  # fmt: skip

    async def testbench(ctx):
        for _ in range(700):
            for path, (signal, other) in inputs:
                value = rng.getrandbits(len(signal))
                if path[-1] in ("awaddr", "araddr"):
                    value = draw_address(rng)
                elif path[-1] == "wstrb":
                    value |= rng.choice([0xFF, 0])
                ctx.set(signal, value)
                ctx.set(other, value * 0b111 if path == ("idle",) else value)
                if path[0].endswith("_data"):
                    ctx.set(getattr(full, path[0].replace("_data", "_parity")), parity_of(value, len(signal)))
            for path, (signal, other) in outputs:
                value, width = ctx.get(signal), len(other) // len(signal)
                assert ctx.get(other) == (value * 0b111 if width == 3 else value), path
            assert not ctx.get(full.refused) and not ctx.get(full.differs)
            await ctx.tick()

    simulate(m, testbench)
