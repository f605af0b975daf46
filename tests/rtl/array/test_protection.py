"""The protected array: fault-free streams come out right and without alarm, and no flip of a bit stays unseen."""

import random
import re
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from operator import or_

import numpy as np
import pytest

from vanallen.rtl import timing
from vanallen.rtl.array.unit import FAULTS, INJECTIONS, ArrayUnit
from vanallen.rtl.config import Config, preset
from vanallen.rtl.control.tag import End, drain_tag, issue_tag, steering_tag
from vanallen.rtl.memory.scratchpad import Scratchpad
from vanallen.rtl.technology import Technology
from vanallen.synth.gates import models
from vanallen.tb.faults.block import BlockModel

HEARD = 12
"""Cycles after a value is drained in which it must be told that it is wrong: it isn't committed before."""

WORD_LATENCY = Scratchpad.latency


def packed(layout, fields):
    """A tag with its parity, as an integer."""
    word = sum(int(value) << layout[name].offset for name, value in fields.items())
    return word | (word.bit_count() & 1) << layout["parity"].offset if fields else 0


def odd(byte):
    return int(byte).bit_count() & 1


@dataclass
class Stream:
    """Inputs of the unit by cycle, as the sequencer and the memories would make them; and what must be drained.

    Blocks of a layer follow each other in the two banks, each with its tiles; a block drains while the next one
    streams. Slots that read nothing have any bytes, with any parity.
    """

    config: Config
    rng: random.Random
    rows: list = field(default_factory=list)
    want: dict = field(default_factory=dict)

    def __post_init__(self):
        self.issue, self.drain = issue_tag(self.config), drain_tag(self.config)
        # of the tag of a row that has arrived the sequencer hears this
        self.heard = packed(self.issue, {"valid": 1, "last": 1, "end": 3, "bank": 1})
        self.heard &= ~packed(self.issue, {"parity": 1})
        self.latency = timing.arrival(self.config) - timing.ISSUE
        self.cycle, self.drained, self.committed, self.bank = 4, 0, [0, 0], 0

    def row(self, cycle):
        while len(self.rows) <= cycle:
            garbage = {name: self.rng.getrandbits(bits) for name, bits in (
                ("activations", 8 * self.config.rows), ("weights", 8 * self.config.columns),
                ("activation_parity", self.config.rows), ("weight_parity", self.config.columns))}  # fmt: skip
            self.rows.append({"zero_point": self.rows[-1]["zero_point"] if self.rows else 0} | garbage)
        return self.rows[cycle]

    def put(self, cycle, name, values):
        """A word of int8, and its parities."""
        data = [int(value) & 255 for value in values]
        self.row(cycle)[name] = sum(byte << 8 * place for place, byte in enumerate(data))
        self.row(cycle)[name.rstrip("s") + "_parity"] = sum(odd(byte) << place for place, byte in enumerate(data))

    def bubble(self):
        if self.rng.random() < 0.08:
            self.row(self.cycle)
            self.cycle += self.rng.randint(1, 3)

    def slot(self, fields, vector=None, weights=None):
        self.bubble()
        self.row(self.cycle)["tag"] = packed(self.issue, fields)
        if vector is not None and not fields["padding"]:
            self.put(self.cycle + WORD_LATENCY, "activations", vector)
        if weights is not None:
            self.put(self.cycle + WORD_LATENCY, "weights", weights)
        self.cycle += 1

    def weights(self, kind, used):
        shape = self.config.rows, self.config.columns
        matrix = {
            "random": lambda: [[self.rng.randint(-128, 127) for _ in range(shape[1])] for _ in range(shape[0])],
            "dense": lambda: [[self.rng.choice([-128, 127])] * shape[1] for _ in range(shape[0])],
            "zero": lambda: [[0] * shape[1] for _ in range(shape[0])],
            "diagonal": lambda: [[self.rng.randint(-128, 127) * (row == column % shape[0])
                                  for column in range(shape[1])] for row in range(shape[0])],
        }[kind]()  # fmt: skip
        matrix = np.array(matrix)
        matrix[:, used:] = 0
        return matrix

    def layer(self, blocks, kinds, *, used=None):
        """``blocks``: rows of each; ``kinds``: weights of each tile of a block."""
        config, rng = self.config, self.rng
        used = config.columns if used is None else used
        self.cycle = max(self.cycle, self.drained + 24)
        zero_point = rng.randint(-128, 127)
        self.row(self.cycle)
        for row in self.rows[self.cycle :]:
            row["zero_point"] = zero_point & 255
        tiles = [self.weights(kind, used) for _ in blocks for kind in kinds]
        for row in range(config.rows):
            self.slot({"load": 1, "load_row": row}, weights=tiles[0][row])
        for block, rows in enumerate(blocks):
            self.cycle = max(self.cycle, self.committed[self.bank])
            self._block(rows, tiles, block * len(kinds), len(kinds), zero_point, block == len(blocks) - 1, used)

    def _block(self, rows, tiles, first, count, zero_point, layer_ends, used):
        config, rng, bank = self.config, self.rng, self.bank
        sums = np.zeros((rows, config.columns), dtype=np.int64)
        for tile in range(first, first + count):
            start = self.cycle
            for slot in range(max(rows, config.rows)):
                fields = {}
                if slot < config.rows and tile + 1 < len(tiles):
                    fields |= {"load": 1, "load_row": slot}
                vector = None
                if slot < rows:
                    padding = rng.random() < 0.2
                    vector = [zero_point if padding else rng.choice([-128, 127, 0, rng.randint(-128, 127)])
                              for _ in range(config.rows)]  # fmt: skip
                    sums[slot] += np.array(vector) @ tiles[tile]
                    last = tile == first + count - 1
                    end = End.LAYER if layer_ends else End.BLOCK
                    fields |= {"valid": 1, "padding": padding, "first": tile == first, "last": last, "bank": bank,
                               "row": slot, "swap": slot == 0,
                               "end": end.value if last and slot == rows - 1 else 0}  # fmt: skip
                self.slot(fields, vector, tiles[tile + 1][slot] if "load" in fields else None)
            self.cycle = max(self.cycle, start + 4)
        self._drain(rows, sums, bank, used)
        self.bank ^= 1

    def _drain(self, rows, sums, bank, used):
        config = self.config
        groups = -(-used // config.lanes)
        cycle = max(self.drained + 2, self.cycle - 1 + self.latency + 3)
        for row in range(rows):
            for group in range(groups):
                fields = {"valid": 1, "bank": bank, "row": row, "group": group, "row_ends": group == groups - 1,
                          "write": group & 1, "address": self.rng.getrandbits(4)}  # fmt: skip
                self.row(cycle)["drain_tag"] = packed(self.drain, fields)
                values = sums[row, group * config.lanes : (group + 1) * config.lanes].tolist()
                self.want[cycle + WORD_LATENCY] = sum(
                    (value & 0xFFFFFFFF) << 32 * lane for lane, value in enumerate(values)
                )
                cycle += 1
        self.drained, self.committed[bank] = cycle, cycle + 20


def stream(config, seed):
    """Four layers: blocks of two tiles; of one tile, in few columns; of three tiles; and a layer with a single tile."""
    made = Stream(config, random.Random(seed))
    kinds = ["random", "dense", "diagonal", "zero"]
    made.rng.shuffle(kinds)
    made.layer([3, 1, config.rows + 2], kinds[:2])
    made.layer([2, 5], kinds[2:3], used=config.rows if config.columns > config.rows else config.lanes)
    made.layer([1, 6, 2], ["random", *kinds[2:]])
    made.layer([4], ["random"])
    made.row(made.drained + WORD_LATENCY + made.latency + HEARD)
    return made


def size(rows, columns, lanes):
    return Config(name="test", rows=rows, columns=columns, lanes=lanes, activation_bytes=64 * rows,
                  weight_bytes=64 * columns, accumulator_rows=16, protection="full")  # fmt: skip


CONFIGS = {
    "nano": preset("nano", "full"),
    "three_groups": size(4, 12, 4),
    "one_group": size(4, 4, 4),
    "wide": size(4, 16, 4),
}


@pytest.fixture(scope="module")
def model():
    """``model(name, technology)``: the unit of a configuration."""

    @lru_cache
    def build(name, technology=Technology.GENERIC):
        unit = ArrayUnit(config=CONFIGS[name], technology=technology)
        return BlockModel(unit, models="" if technology is Technology.GENERIC else models())

    return build


def play(unit, config, seed):
    """A stream and what the unit does with it: every value is right, and there is no alarm."""
    made = stream(config, seed)
    good = unit.run(made.rows, seed=seed)
    assert {cycle: good["drained"][cycle] for cycle in made.want} == made.want
    valid = drain_tag(config)["valid"].offset
    assert [cycle for cycle, tag in enumerate(good["drained_tag"]) if tag >> valid & 1] == sorted(made.want)
    assert not any(odd(tag) for tag in good["drained_tag"])
    assert not any(good["wrong"])
    return made, good


@dataclass
class Outcome:
    """What a flip did: the cycle of the first harm that its tag doesn't tell, the cycle in which the first of ``told``
    was high, and which were until it was too late."""

    harmed: int | None
    told_at: int | None = None
    told: int = 0

    @property
    def unseen(self):
        return self.harmed is not None and (self.told_at is None or self.told_at > self.harmed + HEARD)


def judge(made, good, bad, time):
    cycles = range(time, len(made.rows))

    def harms(cycle):
        if bad["drained_tag"][cycle] != good["drained_tag"][cycle] and odd(bad["drained_tag"][cycle]):
            return False
        changed = bad["drained_tag"][cycle] != good["drained_tag"][cycle]
        changed |= cycle in made.want and bad["drained"][cycle] != good["drained"][cycle]
        return changed or (bad["arrived"][cycle] ^ good["arrived"][cycle]) & made.heard

    harmed = next(filter(harms, cycles), None)
    if harmed is None:
        return Outcome(None)
    told_at = next((cycle for cycle in cycles if bad["wrong"][cycle]), None)
    told = reduce(or_, bad["wrong"][time : harmed + HEARD + 1], 0)
    return Outcome(harmed, told_at, told)


def flips(unit, rng, *, registers, memories, last):
    """(storage, element, bit, time): so many flips a bit, on average."""
    for storage in unit.storage:
        rate = memories if storage.is_memory else registers
        for element in range(storage.elements):
            for bit in range(storage.bits):
                for _ in range(int(rate) + (rng.random() < rate % 1)):
                    yield storage, element, bit, rng.randrange(4, last)


def campaign(unit, config, *, seeds, registers, memories):
    """Outcomes of random flips that do harm, by storage."""
    found = []
    for seed in seeds:
        made, good = play(unit, config, seed)
        rng = random.Random(seed)
        for storage, element, bit, time in flips(unit, rng, registers=registers, memories=memories,
                                                 last=made.drained):  # fmt: skip
            bad = unit.strike(storage, bit, time, element=element)
            outcome = judge(made, good, bad, time) if bad else Outcome(None)
            if outcome.harmed is not None:
                found.append((f"{storage.name} word {element} bit {bit} at {time}", outcome))
    return found


@pytest.mark.parametrize("technology", [Technology.GENERIC, Technology.ECP5], ids=["generic", "ecp5"])
def test_streams_are_right_and_without_alarm(model, technology):
    """Registers start with random bits, other ones each time."""
    for seed in range(1, 25):
        play(model("nano", technology), CONFIGS["nano"], seed)


@pytest.mark.parametrize(("name", "registers", "memories"), [
    ("nano", 5, 0.2), ("three_groups", 0.7, 0.1), ("one_group", 1, 0.1),
    pytest.param("wide", 1, 0.1, marks=pytest.mark.slow)])  # fmt: skip
def test_no_flip_is_unseen(model, name, registers, memories):
    found = campaign(model(name), CONFIGS[name], seeds=(1, 2), registers=registers, memories=memories)
    assert len(found) > 500
    assert [what for what, outcome in found if outcome.unseen] == []
    # four cycles after the last slot of a row; a tag that changed what drains six cycles after that
    slots = CONFIGS[name].columns // CONFIGS[name].lanes
    assert max(outcome.told_at - outcome.harmed for _, outcome in found) <= max(slots + 3, 6)


def test_each_check_is_needed(model):
    """Without any one of them, some flip is unseen."""
    found = campaign(model("nano"), CONFIGS["nano"], seeds=(3,), registers=2, memories=0.05)
    for name, member in FAULTS:
        assert any(outcome.told == 1 << member.offset for _, outcome in found), name


# what goes wrong, where it is stored, the field of a tag, the check that tells. What a tag does hits all columns alike,
# and passes the checksum's test. R = 4, C = 4: a field is used last so many cycles after the tag
DIRECTED = [
    ("a row is skipped, or garbage added to one", r"tags\.tag_([1-9]|1[0-6])", "valid", "tag"),
    ("a row is added to another, or to a stale one", r"tags\.tag_([1-9]|1[0-6])", "row", "tag"),
    ("a row is added to the block that drains", r"tags\.tag_([1-9]|1[0-6])", "bank", "tag"),
    (
        "a row is added to what the last block left, or replaces what is there",
        r"tags\.tag_([1-9]|1[0-5])",
        "first",
        "tag",
    ),
    ("a block ends early, or never", r"tags\.tag_([1-9]|1[0-6])", "end", "tag"),
    ("padding is not there, or where it must not be", r"tags\.tag_[1-4]", "padding", "tag"),
    ("a swap is lost, or one too many, in all rows or in the lower ones", r"tags\.tag_[1-8]", "swap", "tag"),
    ("a weight row is lost, or one too many", r"tags\.tag_[1-5]", "load", "tag"),
    ("a weight row is loaded into another", r"tags\.tag_[1-5]", "load_row", "tag"),
    ("a swap is lost, or one too many, in the columns behind", r"array\.pe_._[0-3]\.swap.*", None, "identity"),
    ("a weight row is lost, or one too many, in the columns behind", r"array\.pe_._[0-3]\.load.*", None, "identity"),
    ("an activation changes", r"row_skew\.element_.*", None, "activation"),
    ("an activation changes on its way", r"array\.pe_._[0-3]\.activation", None, "activation"),
    ("a weight changes in the skew", r"column_skew\.element_.*", None, "weight"),
    ("a weight changes in the array", r"array\.pe_.*\.(shadow|active)", None, "row"),
    ("a product or a partial sum changes", r"array\.pe_.*\.(product|total)", None, "row"),
    ("an accumulator changes on its way", r"accumulator_.\.(write__data|q_.|bank_.\.read_.)", None, "row"),
    ("an accumulator changes", r"accumulator_.\.bank_.", None, "row"),
    ("a value changes before it enters the requantizer", r"drained", None, "row"),
    ("another row is drained, or nothing", r"drain_select_.*", None, "tag"),
    ("another bank is shown, or nothing", r"drain_show_.*", None, "tag"),
]


@pytest.mark.parametrize(
    ("pattern", "name", "fault"), [case[1:] for case in DIRECTED], ids=[case[0] for case in DIRECTED]
)
def test_what_goes_wrong(model, pattern, name, fault):
    """Every bit, often enough to do harm: told, and by the check that is there for it."""
    unit, config = model("nano"), CONFIGS["nano"]
    made, good = play(unit, config, 5)
    rng, told, check = random.Random(5), [], 1 << FAULTS[fault].offset
    struck = [storage for storage in unit.storage if re.fullmatch(pattern, storage.name)]
    assert struck
    field = steering_tag(config)[name] if name else None
    for storage in struck:
        bits = range(field.offset, field.offset + field.width) if field else range(storage.bits)
        for bit in bits:
            for _ in range(max(2, 400 // (len(struck) * len(bits)))):
                time, element = rng.randrange(4, made.drained), rng.randrange(min(storage.elements, 10))
                bad = unit.strike(storage, bit, time, element=element)
                outcome = judge(made, good, bad, time) if bad else Outcome(None)
                assert not outcome.unseen, (storage.name, bit, time)
                if outcome.harmed is not None:
                    told.append(outcome.told)
    assert any(bits & check for bits in told)
    # what hits all columns alike, nothing else would tell
    assert name is None or check in told


@pytest.mark.parametrize(("name", "fault"), [
    ("activation", "activation"), ("weight", "weight"), ("load", "identity"), ("psum", "row")])  # fmt: skip
def test_injections_are_told(model, name, fault):
    """Asked for from some cycle on, until it is done: told by the check that it is for."""
    unit, config = model("nano"), CONFIGS["nano"]
    made, _ = play(unit, config, 7)
    chosen = 1 << INJECTIONS[name].offset
    for start in range(20, 200, 7):
        held = unit.run([row | {"inject": chosen if cycle >= start else 0} for cycle, row in enumerate(made.rows)])
        hit = held["injected"].index(1)
        got = unit.run([row | {"inject": chosen if start <= cycle <= hit else 0}
                        for cycle, row in enumerate(made.rows)])  # fmt: skip
        assert [cycle for cycle, value in enumerate(got["injected"]) if value] == [hit]
        assert reduce(or_, got["wrong"]) >> FAULTS[fault].offset & 1, start
