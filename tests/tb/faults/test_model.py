"""The model: what it restores, what can be flipped in it, and that nothing flipped is lost."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from vanallen.rtl.verilog import verilog
from vanallen.tb.faults.count import Campaign, count
from vanallen.tb.faults.layers import LAYERS
from vanallen.tb.faults.model import FAULT, DepositLost, Model, ScriptFailed, build_model, shim
from vanallen.tb.faults.script import Kind, make_script
from vanallen.tb.jobs import expected_cycles, layer_model

from .conftest import NANO

Fault = Callable[..., NDArray[np.void]]

FILL = 20_000


@pytest.mark.parametrize("name", LAYERS)
def test_the_layers_are_short_and_steal_a_slot(name: str) -> None:
    job = LAYERS[name](NANO)
    fields = job.layers[0]
    cycles = layer_model(NANO, fields, job.steal_interval)
    assert cycles.cycles <= 400 and cycles.stolen
    assert fields["block_rows"] < fields["rows"] <= 2 * fields["block_rows"]
    assert fields["kernel_height"] * fields["kernel_width"] >= 2 and fields["pad_top"] and fields["pad_left"]


def test_the_window_is_a_job_and_what_its_host_does(campaign: Campaign) -> None:
    job = LAYERS["dense"](NANO)
    cycles = expected_cycles(NANO, job.layers[0], job.steal_interval)
    assert cycles < campaign.space.cycles < cycles + 24


def test_a_restored_model_goes_on_as_the_recorded_one_did(model: Model) -> None:
    times = range(0, model.cycles, 7)
    model.rewind(0)
    straight = [model.trace(7) for _ in times]
    for time in (0, 70, 7, 133, 70):
        model.rewind(time)
        assert model.trace(7) == straight[time // 7], f"after going back to {time}"
    assert len(set(straight)) > len(straight) // 2


def test_a_restored_model_shows_nothing_of_a_fault(model: Model, fault: Fault) -> None:
    model.rewind(30)
    clean = model.trace(40)
    model.run(fault("job.phase", 20, bit=1))
    model.rewind(30)
    assert model.trace(40) == clean


@pytest.mark.parametrize("time", [3, 60])
def test_every_register_bit_and_a_bit_of_every_word_reads_back_flipped(
    campaign: Campaign, model: Model, time: int
) -> None:
    flipped = 0
    model.rewind(campaign.space.start + time)
    for storage, variable in zip(model.storage, model.variable, strict=True):
        places = [(word, word % storage.bits) for word in range(storage.elements)] if storage.is_memory else [
            (0, bit) for bit in range(storage.bits)]  # fmt: skip
        for word, bit in places:
            before = model.value(variable, word)
            model.deposit(np.array([(variable, word, bit, 0)], FAULT))
            if bit < 64:
                assert model.value(variable, word) == before ^ 1 << bit, f"{storage.name}[{word}] bit {bit}"
            model.deposit(np.array([(variable, word, bit, 0)], FAULT))
            flipped += 1
    assert flipped > campaign.space.bits


def test_the_logic_sees_a_flipped_bit_in_the_cycle_of_the_flip(model: Model, fault: Fault) -> None:
    """A product is there for one cycle, then the next one is: only logic that sees it at once makes an output wrong."""
    lost = [model.run(fault("array.array.pe_0_0.product", time, bit=15))["wrong"][0] for time in range(20, 60)]
    assert 1 in lost


def test_a_deposit_that_is_lost_is_an_error() -> None:
    """What is exposed here is driven by logic, which puts the flipped bit right before anything sees it."""
    text, name = verilog(NANO), "vanallen.accelerator.job.error_next"
    declaration = "  reg [4:0] error_next;"
    before, rest = text.split("\nmodule \\vanallen.accelerator.job (", 1)
    chip, after = rest.split("\nendmodule", 1)
    assert chip.count(declaration) == 1
    chip = chip.replace(declaration, "  reg [4:0] error_next /*verilator public_flat_rw*/;")
    planted = f"{before}\nmodule \\vanallen.accelerator.job ({chip}\nendmodule{after}"
    model = Model(build_model(planted), planted)
    model.record(make_script(LAYERS["dense"](NANO), allowance=100), fill_cycles=FILL)
    variable = model.symbols[name][0]
    with pytest.raises(DepositLost, match=f"bit 3 of word 0 of {name}"):
        model.run(np.array([(variable, 0, 3, 40)], FAULT))


def test_a_register_that_is_no_variable_of_the_model_is_an_error(campaign: Campaign) -> None:
    text = campaign.verilog.replace("reg [31:0] decoded;", "reg [30:0] decoded;", 1)
    with pytest.raises(ValueError, match="decoded must have 31 bits and 1 words in the model, not 32 and 1"):
        Model(campaign.library, text)


def test_a_script_that_the_chip_does_not_follow_is_an_error(campaign: Campaign) -> None:
    script = make_script(LAYERS["dense"](NANO), allowance=100)
    script.run["word"][np.argmax(script.run["kind"] == Kind.CHECK)] ^= np.uint64(1)
    with pytest.raises(ScriptFailed, match="job 1 must end well"):
        Model(campaign.library, campaign.verilog).record(script, fill_cycles=FILL)
    script.run["address"][0] = 0x3F8
    with pytest.raises(ScriptFailed, match="is answered with an error"):
        Model(campaign.library, campaign.verilog).record(script, fill_cycles=FILL)


def test_copies_far_apart_give_the_same_records(campaign: Campaign, model: Model) -> None:
    numbers = np.random.default_rng(5).choice(campaign.space.faults, 300, replace=False)
    faults = campaign.faults(np.sort(numbers), model)
    other = Model(campaign.library, campaign.verilog)
    other.record(campaign.script, fill_cycles=FILL, stride=16)
    kept = [name for name in model.run(faults).dtype.names or () if name not in ("simulated", "converged")]
    assert (other.run(faults)[kept] == model.run(faults)[kept]).all()


@pytest.mark.slow
def test_leaving_out_falling_edges_changes_nothing(campaign: Campaign) -> None:
    plain = shim().replace("const bool changed = drive(operation);", "const bool changed = (drive(operation), true);")
    assert plain != shim()
    model = Model(build_model(campaign.verilog, driven=plain), campaign.verilog)
    model.record(campaign.script, fill_cycles=FILL)
    assert model.cycles == campaign.cycles
    result = count(campaign, sample=5000, seed=7, jobs=1)
    assert (model.run(campaign.faults(result.numbers, model)) == result.records).all()
