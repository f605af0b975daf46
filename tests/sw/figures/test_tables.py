"""The tables, from figures made up for the test."""

import re

import pytest

from vanallen.boards.catalog import BOARDS
from vanallen.rtl.config import PROTECTIONS
from vanallen.sw.figures.sources import CONFIGS, SEEDS, SOURCES
from vanallen.sw.figures.tables import TABLES, gops

WORK = {"macs": 2359296, "cycles": 18552, "ideal_cycles": 18432, "model_cycles": 18552, "utilization": 0.9935,
        "overhead": 0.0065}  # fmt: skip


def entry(source, **figures):
    return {source: {"command": f"vanallen {source}", "design_hash": "0", "figures": figures}}


def board(name="ulx3s-85f", **changes):
    figures = {
        "config": BOARDS[name].config, "fmax_mhz": {"min": 98.75, "median": 102.5, "max": 110.0}, "target_mhz": 100.0,
        "met": True, "critical_path": "", "resources": {"lut": 31234, "ff": 18456, "dsp": 144, "bram": 97},
        "available": {"lut": 83640, "ff": 83640, "dsp": 156, "bram": 208}, "seeds": {"1": 98.75},
    }  # fmt: skip
    return entry(f"synth-{name}-full", **(figures | changes))


def cells(table, row):
    return [cell.strip() for cell in table.splitlines()[2 + row].strip("|").split("|")]


@pytest.mark.parametrize("name", TABLES)
def test_tables_without_figures_say_so(name):
    lines = TABLES[name]({}).splitlines()
    assert len({line.count("|") for line in lines}) == 1 and set(lines[1]) == {"|", "-"}
    assert any("not measured yet" in line for line in lines[2:])
    figures = [cell for row in range(len(lines) - 2) for cell in cells(TABLES[name]({}), row)[1:-1]]
    assert not re.search(r"\d{3}|\d %", "".join(figures))


def test_cycles_and_what_does_not_fit():
    table = TABLES["cycles"](entry("bench-payload", **{"conv-3x3": WORK}) | entry("bench-nano", digits=WORK))
    assert cells(table, 2)[1:4] == ["doesn't fit", "not measured yet", "18,552 (99.35 %)"]
    assert cells(table, 3)[1:4] == ["", "", "0.65 %"]


def test_operations_at_peak_and_at_the_utilization_of_the_convolution():
    """8 x 16 elements, two operations each: 256 a cycle."""
    assert gops("payload", 100.0) == 25.6
    table = TABLES["bitstreams"](board() | entry("bench-payload", **{"conv-3x3": WORK}))
    assert cells(table, 0) == [
        "`ulx3s-85f`", "`payload`, protected", "31,234 of 83,640", "18,456 of 83,640", "144 of 156", "97 of 208",
        "98.8, 102.5, 110.0 MHz (100 MHz, met)",
        "26.2", "26.1", "`vanallen synth --board ulx3s-85f --protection full --seeds 8`",
    ]  # fmt: skip
    assert "(100 MHz, missed)" in TABLES["bitstreams"](board(met=False))
    assert cells(TABLES["bitstreams"](board()), 0)[8] == "not measured yet"
    none = cells(TABLES["bitstreams"](board(fmax_mhz=None, resources=None, available=None, met=False)), 0)
    assert none[6] == "no seed placed within the time limit" and none[2] == none[7] == ""


def test_what_was_compared():
    record = (
        entry("run-digits", checked_values=539280, differing_values=0, samples=360, accuracy=0.98888)
        | entry("regress-full", passed=19, failed=1, coverage={"points": 148, "hit": 147, "missed": ["round.tie"]})
        | entry(
            "mutants", mutants={"total": 200, "killed": 195, "equivalent": ["d", "e"], "survivors": ["a", "b", "c"]}
        )
        | entry("mutants-full", mutants={"total": 52, "killed": 51})
        | entry("prove-full", proofs=[{"outcome": "pass"}, {"outcome": "fail"}])
    )
    table = TABLES["exactness"](record)
    assert [cells(table, row)[1] for row in range(8)] == [
        "0 of 539,280", "98.89 % of 360", "19 of 20 cases, 147 of 148 coverage points", "not measured yet",
        "1 of 2 hold", "not measured yet", "51 of 52", "195 of 200; 2 shown equivalent (98.48 % of the others)",
    ]  # fmt: skip


def test_area_of_each_configuration():
    figures = {"none": 231234.5, "full": 300000, "overhead": {"gates": 0.2974}, "mechanisms": {"the bus": 0.0123}}
    record = entry("compare-cubesat", **figures)
    table = TABLES["area"](record)
    assert [cells(table, row)[2] for row in range(3)] == ["300,000", "231,234", "29.74 %"]
    assert cells(table, 0)[1] == "not measured yet"
    assert cells(TABLES["mechanisms"](record), 0) == ["the bus", "not measured yet", "1.23 %",
                                                      *["not measured yet"] * 2]  # fmt: skip


def test_what_flips_led_to():
    outcomes = {"sdc": 1, "hang": 0, "due": 2, "recovered": 300, "corrected": 4000}
    record = entry(
        "campaign-full-dense", space=9999, injected=9999, exhaustive=True, outcomes=outcomes, false_alarms=12
    )
    record |= entry("campaign-none-dense", space=9999, injected=50, exhaustive=False, outcomes=outcomes, false_alarms=2)
    text = "1 wrong outputs, 0 hangs, 2 aborts, 300 done again, 4,000 corrected"
    table = TABLES["protection"](record)
    assert cells(table, 0)[1] == f"all 9,999: {text}; 12 false alarms"
    assert cells(table, 1)[1] == f"of 50 drawn of 9,999: {text}; 2 false alarms"


def test_what_flips_between_host_and_chip_led_to():
    outcomes = {"sdc": 1, "hang": 0, "due": 2, "late": 3000}
    figures = {"space": 9999, "injected": 50, "exhaustive": False, "outcomes": outcomes}
    row = cells(TABLES["protection"](entry("status-full", **figures)), 6)
    text = "1 wrong, 0 not answered, 2 errors, 3,000 done again"
    assert row[1] == f"of 50 drawn of 9,999: {text}"
    every = entry("status-full", **figures | {"injected": 9999, "exhaustive": True})
    assert cells(TABLES["protection"](every), 6)[1] == f"all 9,999: {text}"
    assert row[0].endswith("while it reads the status, protection full")


def test_what_a_storm_did():
    health = {"corrected": 1500, "recovered": 7, "outvoted": 3, "refused_writes": 0}
    storm = {"injected": 522, "images": 360, "answered": 359, "wrong": 0, "flagged": 1, "health": health}
    row = cells(TABLES["protection"](entry("storm", **storm)), 10)
    assert row[1] == "359 of 360 images answered, 0 wrong (522 flips, 1,500 corrected, 7 recovered, 1 flagged)"
    assert row[2] == "`vanallen campaign storm`"


def test_sources_have_names_of_their_own():
    names = [source.name for source in SOURCES]
    assert len(set(names)) == len(names)
    assert {f"bench-{config}" for config in CONFIGS} <= set(names)
    assert {f"synth-{board}-{protection}" for board in SEEDS for protection in PROTECTIONS} <= set(names)
