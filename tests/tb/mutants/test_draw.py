"""Which faults are drawn, and that each is in the Verilog."""

import re

from vanallen.rtl.config import preset
from vanallen.tb.mutants.draw import BLOCKS, block_modules, draw, mutants_verilog, prepared

NANO = preset("nano", "none")


def test_every_module_is_in_one_block_and_every_block_has_some():
    modules = re.findall(r"^module \\(\S+)$", prepared(NANO), re.MULTILINE)
    blocks = block_modules(prepared(NANO))
    assert tuple(blocks) == BLOCKS
    assert sorted(name for names in blocks.values() for name in names) == sorted(modules)
    assert any(name.endswith(".activation_ram") for name in blocks["memory"])
    assert any(name.endswith(".lane_0.round") for name in blocks["requant"])
    assert any(name.endswith(".bridge.queue") for name in blocks["bus"])


def test_a_draw_is_even_over_blocks_repeats_and_depends_on_the_seed():
    first = draw(NANO, 20, seed=3)
    assert first == draw(NANO, 20, seed=3) != draw(NANO, 20, seed=4)
    assert len({mutation.name for mutation in first}) == 20
    counts = [sum(mutation.block == block for mutation in first) for block in BLOCKS]
    assert counts == [4, 4, 3, 3, 3, 3]
    modules = block_modules(prepared(NANO))
    assert all(mutation.module in modules[mutation.block] for mutation in first)
    assert any(mutation.source.startswith("vanallen/rtl/") for mutation in first)


def test_every_fault_is_in_the_verilog_and_the_input_chooses_it():
    mutations = draw(NANO, 6, seed=3)
    text = mutants_verilog(NANO, mutations)
    assert re.search(r"^module vanallen\([^)]*\bmutant\)", text, re.MULTILINE)
    for number in range(1, 7):
        assert re.search(rf"\bmutant == 3'h{number}\b", text), mutations[number - 1].name
