"""A fault that no simulation reaches breaks the proof of its block; without it the proof holds."""

import pytest

from vanallen.rtl.config import preset
from vanallen.tb.formal.registry import proofs
from vanallen.tb.mutants.contracts import _counterpart, by_contract, contracts
from vanallen.tb.mutants.draw import Mutation, block_modules, draw, prepared
from vanallen.tb.mutants.result import Verdict

NANO = preset("nano", "none")
COUNTERS = ("job_cycles", "issued_slots", "stalled_slots", "stolen_slots", "throttled_slots")


@pytest.fixture(scope="module")
def drawn():
    return draw(NANO, 600, 1)


@pytest.fixture(scope="module")
def in_counters(drawn):
    found = [mutation for mutation in drawn if mutation.module.endswith(COUNTERS) and mutation.port != "CLK"]
    assert len(found) >= 3, "of 100 in the bus"
    return found


def named(drawn, name):
    (found,) = (mutation for mutation in drawn if mutation.name == name)
    return found


def test_a_fault_in_a_counter_breaks_its_proof(in_counters):
    for mutation in in_counters[:3]:
        verdict = Verdict.KILLED, "proof: counter.saturates: it counts"
        assert by_contract(NANO, mutation) == verdict, mutation.name


def test_a_counter_without_its_fault_is_proven_and_that_is_all_it_does(in_counters):
    assert by_contract(NANO, in_counters[0], active=False) == (Verdict.EQUIVALENT, "proof: counter.saturates")


@pytest.mark.parametrize(
    ("cell", "rule"),
    [("$23", "it counts"), ("$24", "rows are filled in turn"), ("$25", "a command is logged as it ends"),
     ("$26", "in its row"), ("$27", "its cycles")],
)  # fmt: skip
def test_each_rule_about_the_log_is_broken_by_a_fault(cell, rule):
    mutation = Mutation("bus", "inv", "vanallen.accelerator.cycle_log", cell, "Y", 0, None, "")
    assert by_contract(NANO, mutation) == (Verdict.KILLED, f"proof: counter.cycle_log: {rule}")
    assert by_contract(NANO, mutation, active=False) is None, "the contract doesn't say what is read"


def test_a_low_bit_of_a_product_breaks_the_proof_of_the_multiplier(drawn):
    mutation = named(drawn, "requant:accelerator.requantizer.lane_0.multiply:$20.D[11]:const0")
    assert by_contract(NANO, mutation) == (Verdict.KILLED, "proof: lane.product_sum: product")
    proven = Verdict.EQUIVALENT, "proof: lane.products, lane.product_sum"
    assert by_contract(NANO, mutation, active=False) == proven


@pytest.mark.parametrize(
    ("module", "port", "rule"),
    [("activation_ram", "collided", "a read that isn't done is told as a collision"),
     ("weight_ram", "rst", "a read is done but for a row that is written")],
    ids=["never told", "no reset"],
)  # fmt: skip
def test_a_scratchpad_that_forgets_a_read_breaks_its_proof(module, port, rule):
    mutation = Mutation("memory", "const0", f"vanallen.accelerator.{module}", "access", port, 0, None, "")
    verdict, by = by_contract(NANO, mutation)
    assert verdict is Verdict.KILLED and by.startswith(f"proof: memory.{module}: ") and rule in by
    assert by_contract(NANO, mutation, active=False) is None, "the contract doesn't say what is read"


@pytest.mark.parametrize(
    ("module", "cell", "port"),
    [("requantizer.lane_0", "multiply", "a"), ("requantizer.lane_0", "multiply", "total"),
     ("requantizer.lane_0.round", "$68", "CLK"), ("job_cycles", "$8", "CLK"),
     ("requantizer.lane_0", "round", "no_such_port")],
)  # fmt: skip
def test_what_a_contract_does_not_see_it_does_not_judge(module, cell, port):
    """What enters and leaves the multiplier, clocks, ports that have another name in the specification."""
    mutation = Mutation("requant", "inv", f"vanallen.accelerator.{module}", cell, port, 0, None, "")
    assert by_contract(NANO, mutation) is None


def test_other_blocks_are_left_to_the_other_steps(drawn):
    blocks = [one.module for one in contracts(NANO)]
    others = [one for one in drawn if not any(f"{one.module}.".startswith(f"{block}.") for block in blocks)]
    assert by_contract(NANO, others[0]) is None


@pytest.mark.parametrize("config", [preset("nano", "none"), preset("cubesat", "none")], ids=lambda config: config.name)
def test_contracts_are_of_modules_and_proofs_that_exist(config):
    modules = {module for block in block_modules(prepared(config)).values() for module in block}
    names = {proof.name for proof in proofs(config)}
    for contract in contracts(config):
        assert contract.module in modules and set(contract.proofs) <= names, contract


def _module(name, cells):
    """A module in RTLIL, of cells given as name and kind."""
    lines = "".join(f"  cell {kind} {cell}\n    connect \\Y \\y\n  end\n" for cell, kind in cells)
    return f"module \\{name}\n{lines}end\n"


@pytest.mark.parametrize(
    ("specification", "judged"),
    [
        ([("$1", "$not"), ("$2", "$and")], True),  # without the memory
        ([("$2", "$and"), ("$9", "$or")], True),  # and without what the proof doesn't need
        ([("$1", "$or"), ("$2", "$and")], False),  # another cell of the same name: names don't say what is what
        ([("$1", "$not")], False),
    ],
)
def test_a_cell_is_judged_only_where_it_is_the_same_one(monkeypatch, specification, judged):
    module = "vanallen.accelerator.cycle_log"
    (contract,) = (one for one in contracts(NANO) if one.module == module)
    here = [("$1", "$not"), ("$2", "$and"), ("\\ram", "$mem_v2")]
    monkeypatch.setattr("vanallen.tb.mutants.contracts.prepared", lambda config: _module(module, here))
    mutation = Mutation("bus", "inv", module, "$2", "Y", 0, None, "")
    found = _counterpart(NANO, mutation, contract, _module(contract.place, specification))
    assert found == (mutation.moved(contract.place, "$2") if judged else None)
