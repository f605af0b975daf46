"""A protected requantizer under every single flip of a register: each wrong word is told, and nothing else is."""

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

from vanallen.rtl.config import preset
from vanallen.rtl.control.tag import drain_tag
from vanallen.rtl.requant.lane import FAULTS, Lane
from vanallen.rtl.requant.multiply import Multiply
from vanallen.rtl.requant.normalize import Normalize
from vanallen.rtl.requant.requantizer import Requantizer
from vanallen.rtl.requant.round import Round
from vanallen.sw.golden.arithmetic import requantize
from vanallen.tb.formal.vectors import random_batch
from vanallen.tb.mutants.hand import Mutant, changed
from vanallen.tb.upsets import Flip, read_gates

LATENCY = Requantizer.latency
WORDS = 24
FAULTLESS = 64
"""Copies without a flip: they see what a flip before the first cycle does, nothing."""

LOW_SCALES = np.array([0, 1, 0x7FFFFF, 0x800000, 0x7F7FFFFF], dtype=np.uint32).view(np.float32)
"""Zero, subnormal, smallest normal and largest."""


@dataclass
class Stream:
    """Inputs a cycle, and by cycle the word that is to be written in it."""

    steps: list[dict[str, int]]
    words: dict[int, bytes]


def byte_parities(bits):
    return sum((bits >> 8 * byte & 0xFF).bit_count() % 2 << byte for byte in range(8))


def slot(config, accumulators, biases, scales, tag, rng, *, sound):
    """A drain slot's inputs; the parity of one that isn't ``sound`` is anything."""
    fields = {"accumulators": 0, "parameters": 0, "parameter_parity": 0, "tag": tag}
    for index in range(config.lanes):
        bits = (int(biases[index]) & 0xFFFFFFFF) | int(np.float32(scales[index]).view(np.uint32)) << 32
        bits |= int(rng.integers(2)) << 63  # the ignored sign of the scale
        told = byte_parities(bits) if sound else int(rng.integers(256))
        fields["accumulators"] |= (int(accumulators[index]) & 0xFFFFFFFF) << 32 * index
        fields["parameters"] |= bits << 64 * index
        fields["parameter_parity"] |= told << 8 * index
    return fields


def adversarial(rng, count):
    """Vectors anywhere and at rounding points; sums that are zero or near the ends; scales that saturate or vanish."""
    batch = random_batch(rng, count)
    kind = rng.random(count)
    accumulator = np.where(kind < 0.08, -batch.bias, batch.accumulator)
    ends = (rng.choice([-(1 << 31), (1 << 31) - 1, -1, 1, (1 << 24) - 1], count) - batch.bias.astype(np.int64)).astype(
        np.int32
    )
    accumulator = np.where((kind >= 0.08) & (kind < 0.16), ends, accumulator).astype(np.int32)
    scale = np.where((kind >= 0.12) & (kind < 0.24), rng.choice(LOW_SCALES, count), batch.scale).astype(np.float32)
    order = rng.permutation(count)
    return accumulator[order], batch.bias[order], scale[order], (batch.zero_point, batch.low, batch.high)


def make_stream(config, seed):
    """Idle slots until the pipeline holds nothing of power-up, then words with bubbles; idle slots stream anything."""
    rng = np.random.default_rng(seed)
    layout, values = drain_tag(config), WORDS * config.rows
    accumulator, bias, scale, constants = adversarial(rng, values)
    want = requantize(accumulator, bias, scale, *constants).astype(np.int8).reshape(WORDS, config.rows)
    names = dict(zip(("zero_point", "low", "high"), (value & 0xFF for value in constants), strict=True))
    stream = Stream([{"rst": 1, "tag": 0, **names}], {})

    def idle():
        some = rng.integers(0, values, config.lanes)
        stream.steps.append({"rst": 0, **slot(config, accumulator[some], bias[some], scale[some], 0, rng, sound=False)})

    for _ in range(LATENCY):
        idle()
    for word in range(WORDS):
        for step in range(config.steps_per_word):
            while rng.random() < 0.25:
                idle()
            last = step == config.steps_per_word - 1
            if last:
                stream.words[len(stream.steps) + LATENCY] = want[word].tobytes()
            tag = layout.const({"valid": 1, "write": int(last), "address": word, "parity": int(rng.integers(2))})
            here = slice(word * config.rows + step * config.lanes, word * config.rows + (step + 1) * config.lanes)
            stream.steps.append(
                slot(config, accumulator[here], bias[here], scale[here], tag.as_bits(), rng, sound=True)
            )
    for _ in range(LATENCY + 3):
        idle()
    return stream


@dataclass
class Found:
    """Numbers of flips by register: ``silent``, that made a wrong word which nothing told in time; ``harmful``, that
    made any wrong word; ``untold``, that nothing told at all. ``alarms``: flips by what told them; ``false``: cycles in
    which something was told in a copy that hadn't been hit."""

    silent: Counter
    harmful: Counter
    untold: Counter
    alarms: dict[str, int]
    false: list[int]
    flips: int


def any_bit(bits):
    return np.bitwise_or.reduce(bits)


def strike(config, seed, times):
    """Flips every register bit but the tags' at ``times`` random cycles of a stream, each in a copy of its own."""
    stream, rng = make_stream(config, seed), np.random.default_rng(seed)
    gates = read_gates(Requantizer(config=config))
    targets = [index for index, name in enumerate(gates.registers) if not name.startswith("tags.")]
    flips = [Flip(targets[0], 0)] * FAULTLESS  # before the values of power-up are gone
    flips += [Flip(target, int(cycle)) for target in targets
              for cycle in rng.integers(LATENCY, len(stream.steps) - LATENCY, times)]  # fmt: skip
    copies, names = len(flips), [*(name for name, _ in FAULTS), "write_parity"]
    struck_at = np.array([flip.cycle for flip in flips])
    struck_at[:FAULTLESS] = len(stream.steps)

    def unpack(words):
        return np.unpackbits(words.view(np.uint8), bitorder="little")[:copies].astype(bool)

    def any_of(bits):
        return unpack(np.bitwise_or.reduce(bits))

    told = {name: np.zeros(copies, bool) for name in names}
    silent, harmful, late = (np.zeros(copies, bool) for _ in range(3))
    false, written = [], 0
    for cycle, ports in enumerate(gates.run(stream.steps, flips, rng)):
        if cycle < LATENCY:
            continue
        for name, bit in zip(names, ports["wrong"], strict=False):
            told[name] |= unpack(bit)
        silent |= late & ~np.logical_or.reduce([told[name] for name, _ in FAULTS])  # for the word of the cycle before
        late = np.zeros(copies, bool)
        word = stream.words.get(cycle)
        assert (any_of(ports["write__enable"]) == (cycle + 1 in stream.words)).all()
        if word is not None:
            written += 1
            data, want = ports["write_data"], int.from_bytes(word, "little")
            differs = any_of([~bit if want >> index & 1 else bit for index, bit in enumerate(data)])
            apart = any_of([np.bitwise_xor.reduce([*data[8 * byte : 8 * byte + 8], bit])
                            for byte, bit in enumerate(ports["write_parity"])])  # fmt: skip
            assert not differs[struck_at > cycle].any(), cycle
            told["write_parity"] |= apart
            harmful |= differs
            late = differs & ~apart
        if np.logical_or.reduce(list(told.values()))[struck_at > cycle].any():
            false.append(cycle)
    assert written == WORDS

    def by_register(which):
        return Counter(gates.registers[flips[copy].register] for copy in np.flatnonzero(which) if copy >= FAULTLESS)

    untold = ~np.logical_or.reduce(list(told.values()))
    alarms = {name: int(one.sum()) for name, one in told.items()}
    return Found(by_register(silent), by_register(harmful), by_register(untold), alarms, false, copies - FAULTLESS)


@pytest.mark.parametrize(("name", "times"), [("nano", 60), ("cubesat", 30)])
def test_every_wrong_word_is_told_and_nothing_else(name, times):
    config = preset(name, "full")
    found = strike(config, 1, times)
    assert not found.false
    assert not found.silent, found.silent.most_common(10)
    # a flip in the first two parts of a lane is told whether or not it changes the output, in idle slots too; only the
    # residue of one operand may be anything while the other's is 0
    assert not [name for name in found.untold if re.search(r"\.(normalize|multiply)\.(?!residue_[ab])", name)]
    # the flips are real: many make wrong words, of all parts, and all that tells has told
    assert sum(found.harmful.values()) > found.flips // 20
    for part in ("lane_0.normalize.", "lane_0.multiply.", "lane_0.round.", "lane_0.fraction_", "byte_"):
        assert any(name.startswith(part) for name in found.harmful), part
    assert all(found.alarms.values())


SILENT = {
    "parameters": Mutant(
        "", Lane, "elaborate", "self.normalized_valid & self._parameter_wrong", "0 & self._parameter_wrong"
    ),
    "stages": Mutant("", Lane, "elaborate", "wrong.stage.eq(normalize.wrong)", "wrong.stage.eq(0)"),
    "products": Mutant("", Lane, "elaborate", "wrong.product.eq(multiply.wrong)", "wrong.product.eq(0)"),
    "bytes": Mutant("", Round, "elaborate", "moved_along(m, self.parity, changes)", "self.value.as_unsigned().xor()"),
    "words": Mutant(
        "",
        Requantizer,
        "_guard",
        "self.write_parity.eq(told)",
        "self.write_parity.eq(Cat(self.write_data.word_select(byte, 8).xor() for byte in range(self.config.rows)))",
    ),
    "beside the products": Mutant(
        "", Lane, "elaborate", "moved_along(m, parity(beside), [0] * Multiply.latency)", "parity(distance, sign, zero)"
    ),
}
"""A check less each."""

FALSE = {
    "an idle slot's parameters": Mutant("", Lane, "elaborate", "self.normalized_valid & self._", "self._"),
    "a negation": Mutant("", Normalize, "elaborate", "& ~lowest_even(total)", "& lowest_even(total)"),
    "a carry of rounding": Mutant("", Normalize, "elaborate", "up & incremented(normal[8:])", "up"),
    "residues": Mutant("", Multiply, "_check", "told[0].eq(product(a, b))", "told[0].eq(a & b)"),
}
"""A prediction that is wrong each."""


def break_it(monkeypatch, mutant):
    monkeypatch.setattr(mutant.owner, mutant.method, changed(vars(mutant.owner)[mutant.method], mutant))


def shown(mutants):
    """The first one runs in CI; the others are slow."""
    first, *others = mutants
    return [first, *(pytest.param(other, marks=pytest.mark.slow) for other in others)]


@pytest.mark.parametrize("check", shown(SILENT))
def test_without_a_check_wrong_words_are_silent(monkeypatch, check):
    break_it(monkeypatch, SILENT[check])
    assert strike(preset("nano", "full"), 1, 8).silent


@pytest.mark.parametrize("prediction", shown(FALSE))
def test_wrong_predictions_are_false_alarms(monkeypatch, prediction):
    break_it(monkeypatch, FALSE[prediction])
    assert strike(preset("nano", "full"), 1, 1).false


def test_a_flip_that_is_not_done_fails():
    gates = read_gates(Requantizer(config=preset("nano", "full")))
    with pytest.raises(AssertionError, match="1 flips asked for, 0 done"):
        list(gates.run([{}], [Flip(0, 5)], np.random.default_rng(0)))
