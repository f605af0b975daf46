"""The proofs hold, and each goes red when what it speaks of is broken."""

import json

import numpy as np
import pytest
from amaranth.hdl import Fragment, Signal

from vanallen.rtl.accelerator import Accelerator
from vanallen.rtl.array.skew import Skew
from vanallen.rtl.array.unit import ArrayUnit
from vanallen.rtl.bus import host_bridge
from vanallen.rtl.bus.axi_lite import ReadChannelMachine, WriteChannelMachine
from vanallen.rtl.bus.counters import CycleLog, SaturatingCounter
from vanallen.rtl.bus.pair_queue import PairQueue
from vanallen.rtl.bus.read_address import ReadAddress
from vanallen.rtl.config import PRESETS, preset
from vanallen.rtl.control.drain import DrainMachine
from vanallen.rtl.control.issue import IssueMachine
from vanallen.rtl.control.job import JobMachine
from vanallen.rtl.control.tag import TagPipe
from vanallen.rtl.ecc.correction import Correction
from vanallen.rtl.ecc.encoder import Encoder
from vanallen.rtl.ecc.syndrome import Syndrome
from vanallen.rtl.memory.access import AccessMachine
from vanallen.rtl.requant.multiply import Multiply
from vanallen.rtl.requant.normalize import Normalize
from vanallen.rtl.requant.round import Round
from vanallen.sw.cli.main import main
from vanallen.synth.netlist import components
from vanallen.tb.formal import vectors
from vanallen.tb.formal.memories import memories
from vanallen.tb.formal.prove import prove_one
from vanallen.tb.formal.registry import proofs
from vanallen.tb.mutants.hand import Mutant, changed

NANO = preset("nano", "none")
PROOFS = {proof.name: proof for proof in (*proofs(preset("nano")), *proofs(NANO))}

BROKEN = {
    "axi.rules": Mutant("", WriteChannelMachine, "step", "bvalid.eq(now.responses != 0)",
                        "bvalid.eq((now.responses != 0) & ~port.awvalid)"),
    "axi.ready_independent": Mutant("", WriteChannelMachine, "step", "awready.eq(now.address_room)",
                                    "awready.eq(now.address_room & port.awvalid)"),
    "queue.write": Mutant("", WriteChannelMachine, "_queue", "push & (rest == 1)", "push & (rest == 2)"),
    "queue.read": Mutant("", ReadChannelMachine, "step", "port.slot.eq(now.collected)", "port.slot.eq(0)"),
    "axi.struck": Mutant("", host_bridge, "_agreed", "agreed(getattr(copy, name) for copy in channel.copies)",
                         "getattr(channel.copies[0], name)"),
    "queue.read_struck": Mutant("", ReadAddress, "_guard", "return address.xor() ^ entered,", "return Const(0),"),
    "queue.write_struck": Mutant("", PairQueue, "elaborate", "self.sound.eq(~entries[0].xor())", "self.sound.eq(1)"),
    "tag.issue": Mutant("", TagPipe, "elaborate", "stage.eq(stages[-1])", "stage.eq(stages[-(delay > 2) - 1])"),
    "tag.requantizer": Mutant("", TagPipe, "elaborate", "(self.tag,", "(self.tag, reset_less=True,"),
    "skew.rows": Mutant("", Skew, "elaborate", "self.o[index].eq(element)", "self.o[index].eq(self.i[index])"),
    "memory.cycle_log": Mutant("", CycleLog, "elaborate", "read.en.eq(~meets)", "read.en.eq(1)"),
    "memory.command_ram": Mutant("", AccessMachine, "_ports_never_meet",
                                 "then.read_address == then.write_address", "then.read_address[1:] == 0"),
    "memory.activation_ram": Mutant("", AccessMachine, "_ports_never_meet", "requested & ~meets", "requested"),
    "counter.saturates": Mutant("", SaturatingCounter, "elaborate", "value.eq(value + 1)", "value.eq(value + 2)"),
    "code.encoder.64_15": Mutant("", Encoder, "elaborate",
                                 "*self.code.address_columns)", "*self.code.address_columns[::-1])"),
    "code.syndrome.32_11": Mutant("", Syndrome, "elaborate", "[column | 1 <<", "[column ^ (bit == 9) | 1 <<"),
    "code.corrects.32_11": Mutant("", Correction, "elaborate",
                                  "one_of([column]) for", "one_of([column if column != 7 else 0]) for"),
    "code.corrects.64_15": Mutant("", Correction, "elaborate", "self.stored_parity ^ wrong_byte",
                                  "self.stored_parity"),
    "lane.whole": Mutant("", Round, "_round_to_integer", "(guard & (sticky | integer[0]))", "guard"),
    "lane.products": Mutant("", Multiply, "elaborate",
                            '"high_high", self.a[12:], self.b[12:]', '"high_high", self.a[12:], self.b[13:]'),
    "lane.product_sum": Mutant("", Multiply, "elaborate", "inner = Signal(25", "inner = Signal(24"),
    "lane.parity.normalize": Mutant("", Normalize, "elaborate", "incremented(normal[8:])", "incremented(normal[9:])"),
    "lane.parity.round": Mutant("", Round, "_round_to_float", "high & lowest_even(self.distance)", "high"),
}  # fmt: skip

APART = "accumulator.apart"

BROKEN_ORDER = {
    "a tile too short": Mutant("", IssueMachine, "_walk",
                               "now.slot[1 : self._row_bits].all()", "now.slot[: self._row_bits].any()"),
    "a third block": Mutant("", IssueMachine, "step", "(claimed == 2) & ~port.commit", "claimed == 3"),
    "always one bank": Mutant("", IssueMachine, "_walk", "now.bank ^ now.streaming", "now.bank"),
    "the other bank": Mutant("", DrainMachine, "step", "then.pending_bank.eq(arrived.bank)",
                             "then.pending_bank.eq(~arrived.bank)"),
    "drained before it arrives": Mutant("", ArrayUnit, "elaborate", "tags.taps[self.latency]", "tags.taps[1]"),
    "committed before it is drained": Mutant("", DrainMachine, "_outputs", "row_ends & (now.row == now.last_row), now",
                                             "row_ends, now"),
    "a flush too short": Mutant("", JobMachine, "__init__", "self.flush_cycles = flush_cycles",
                                "self.flush_cycles = 8"),
    "drained while halted": Mutant("", DrainMachine, "step", "then.active.eq(0), then.pending.eq(0)",
                                   "then.pending.eq(0)"),
}  # fmt: skip
"""What the order of blocks rests on. A counterexample from reset would be longer than the fill pass."""

QUICK = [name for name, proof in PROOFS.items() if proof.quick]


@pytest.mark.parametrize("name", QUICK)
def test_quick_proofs_hold(name, tmp_path):
    result = prove_one(PROOFS[name], tmp_path, limit=200)
    assert result.outcome == "pass", result.reason


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(PROOFS) - set(QUICK)))
@pytest.mark.timeout(900)
def test_long_proofs_hold(name, tmp_path):
    result = prove_one(PROOFS[name], tmp_path, limit=600)
    assert result.outcome == "pass", result.reason


def break_it(monkeypatch, mutant):
    monkeypatch.setattr(mutant.owner, mutant.method, changed(vars(mutant.owner)[mutant.method], mutant))


def test_every_break_applies():
    """Most of them are slow to refute, but a text that has changed is found here."""
    for mutant in (*BROKEN.values(), *BROKEN_ORDER.values()):
        changed(vars(mutant.owner)[mutant.method], mutant)


SHOWN = ["axi.rules", "tag.issue", "memory.cycle_log", "code.syndrome.32_11"]
"""Red in CI; the others are slow."""


@pytest.mark.parametrize(
    "name", [name if name in SHOWN else pytest.param(name, marks=pytest.mark.slow) for name in BROKEN]
)
def test_a_broken_design_is_refuted(monkeypatch, name, tmp_path):
    break_it(monkeypatch, BROKEN[name])
    result = prove_one(PROOFS[name], tmp_path, limit=200)
    assert result.outcome == "fail"
    assert "broken: " in result.reason, result.reason  # a counterexample from reset, not a failed induction
    assert result.trace.endswith(".vcd") and (tmp_path / result.trace).is_file()


@pytest.mark.parametrize(
    "change", [change if change == "a third block" else pytest.param(change, marks=pytest.mark.slow)
               for change in BROKEN_ORDER]
)  # fmt: skip
def test_a_broken_order_of_blocks_is_not_proven(monkeypatch, change, tmp_path):
    break_it(monkeypatch, BROKEN_ORDER[change])
    result = prove_one(PROOFS[APART], tmp_path, limit=200)
    assert result.outcome == "fail"
    assert "not inductive" in result.reason, result.reason


def test_what_was_proven_is_known_until_the_design_changes(monkeypatch, tmp_path):
    proof = PROOFS["memory.cycle_log"]
    first, second = prove_one(proof, tmp_path), prove_one(proof, tmp_path)
    assert (first.outcome, first.cached, second.outcome, second.cached) == ("pass", False, "pass", True)
    break_it(monkeypatch, BROKEN["memory.cycle_log"])
    assert prove_one(proof, tmp_path).outcome == "fail"


@pytest.mark.parametrize("config", [preset(name, "none") for name in PRESETS], ids=PRESETS)
def test_every_memory_has_a_proof(config):
    names = {name for name, _ in memories(Fragment.get(Accelerator(config=config), None))}
    columns = config.columns + config.side_columns
    accumulators = {f"array.accumulator_{column}.bank_{bank}" for column in range(columns) for bank in range(2)}
    listed = {proof.name for proof in proofs(config)}
    proven = {name.removeprefix("memory.") for name in listed if name.startswith("memory.")}
    assert accumulators <= names and APART in listed
    assert {name.split(".")[0] for name in names - accumulators} == proven


@pytest.mark.parametrize("config", [preset(name, "none") for name in PRESETS], ids=PRESETS)
def test_every_delay_has_a_proof(config):
    found = [component for component, _ in components(Accelerator(config=config)).values()]
    pipes = {(len(pipe.i.as_value()), pipe.depth) for pipe in found if isinstance(pipe, TagPipe)}
    skews = {(len(Signal(skew.element)), skew.count) for skew in found if isinstance(skew, Skew)}
    specs = [proof.build() for proof in proofs(config)]
    assert pipes == {(spec.tag.size, spec.depth) for spec in specs if type(spec).__name__ == "TagContract"}
    assert skews == {(spec.element.width, spec.count) for spec in specs if type(spec).__name__ == "SkewContract"}


def test_vectors_agree(tmp_path):
    result = vectors.check_vectors("lane.vectors", vectors=200_000, seed=3)
    assert (result.outcome, result.depth) == ("pass", 200_000), result.reason


def test_vectors_find_a_wrong_tie(monkeypatch):
    break_it(monkeypatch, Mutant("", Round, "_round_to_integer", "(guard & (sticky | integer[0]))", "guard"))
    result = vectors.check_vectors("lane.vectors", vectors=200_000, seed=3)
    assert result.outcome == "fail" and "seed 3: accumulator" in result.reason


def test_half_of_the_vectors_lie_at_boundaries():
    batch = vectors.random_batch(np.random.default_rng(1), 20_000)
    total = (batch.accumulator.astype(np.int64) + batch.bias).astype(np.int32)
    scaled = np.abs(total[10_000:].astype(np.float64) * batch.scale[10_000:])
    near = np.abs(scaled % 1 - 0.5) < 2.5 * batch.scale[10_000:]
    assert near.mean() > 0.5


def test_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["prove", "-k", "memory.cycle_log", "--json", "-"]) == 0
    (proof,) = json.loads(capsys.readouterr().out)["proofs"]
    assert {"name", "mode", "depth", "outcome", "seconds"} <= set(proof) and proof["outcome"] == "pass"
    break_it(monkeypatch, BROKEN["memory.cycle_log"])
    assert main(["prove", "-k", "memory.cycle_log"]) == 1
    assert "counterexample: build/prove/nano/" in capsys.readouterr().out


def test_no_such_proof_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["prove", "-k", "nonsense"]) == 2
    assert "axi.struck" in capsys.readouterr().err
