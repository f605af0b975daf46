"""The audit of whole protected chips passes, in generic gates, in ECP5's cells and on a board; and it ends a build."""

import json
from dataclasses import replace

import pytest
from amaranth.hdl import Fragment

from vanallen.boards.catalog import BOARDS
from vanallen.rtl.config import preset
from vanallen.rtl.requant.lane import Lane
from vanallen.rtl.technology import Technology
from vanallen.rtl.verilog import Top
from vanallen.synth import audited
from vanallen.synth.area import measure_area
from vanallen.synth.audit import Audit
from vanallen.synth.audited import CHIP, CHIP_ON_BOARD, audit_board, audit_chip, require_sound
from vanallen.synth.elaborated import Elaborated, plain
from vanallen.synth.errors import AuditFailed
from vanallen.synth.find_board import platform_of
from vanallen.synth.flow import folder_of, synthesize
from vanallen.synth.gate_netlist import chip_netlist
from vanallen.synth.plan import make_plan
from vanallen.synth.top import BoardTop

FULL = preset("nano", "full")
NANO = replace(BOARDS["ulx3s-45f"], name="nano-45f", config="nano", protection="full", clock_mhz=50)
UNSOUND = Audit(registers=3, voters=2, listed_inputs=[], failures=["job.copy_0 and job.copy_1 are one register"])


def check(found):
    assert found.failures == []
    assert found.registers > 3000 and found.voters > 1500
    assert {"store.word_0", "requantizer.tags.tag_15", "thermal_alarm_1", "injected"} <= set(found.listed_inputs)


@pytest.mark.timeout(900)
def test_nano_in_generic_gates():
    check(measure_area(FULL).audit)


@pytest.mark.slow  # minutes; parts of the chip in these cells: test_audit.py
@pytest.mark.timeout(900)
def test_nano_in_cells_of_the_fabric():
    check(audit_chip(chip_netlist(FULL), FULL))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ["cubesat", "payload"])
def test_larger_chips_in_generic_gates(name):
    check(measure_area(preset(name, "full")).audit)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_nano_on_a_board():
    plan = make_plan(NANO)
    check(audit_board(plan, synthesize(plan).folder))


def test_the_copies_on_a_board_are_those_of_the_chip():
    """Where the netlist is that of a board, names come from the board's own top."""
    board = Elaborated(Fragment.get(BoardTop(board=NANO), platform_of(NANO)), under=CHIP_ON_BOARD)
    chip = Elaborated(Top(config=FULL, technology=Technology.ECP5), under=CHIP)

    def voted(design, under):
        return {copy.name.removeprefix(under): [(plain(name).removeprefix(under), place)
                for name, place in copy.voted] for copy in design.copies}  # fmt: skip

    assert len(chip.copies) > 30
    assert voted(board, CHIP_ON_BOARD) == voted(chip, CHIP)


def test_an_audit_of_a_board_is_made_once_for_the_same_rules(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(audited, "audit", lambda *_, **__: calls.append(0) or UNSOUND)
    plan = make_plan(NANO)
    folder = folder_of(plan, tmp_path)
    folder.mkdir(parents=True)
    (folder / "top.json").write_text(json.dumps({}))
    assert audit_board(plan, folder) == audit_board(plan, folder) == UNSOUND
    assert len(calls) == 1
    monkeypatch.setattr(audited, "rules", lambda: "others")
    audit_board(plan, folder)
    assert len(calls) == 2


def test_failures_end_a_build():
    require_sound(None)
    require_sound(replace(UNSOUND, failures=[]))
    with pytest.raises(AuditFailed, match=r"job\.copy_0 and job\.copy_1 are one register") as failed:
        require_sound(UNSOUND)
    assert failed.value.audit == UNSOUND


def test_another_component_than_the_chip_has_no_audit(tmp_path):
    assert measure_area(FULL, top=Lane(), cache=tmp_path).audit is None
