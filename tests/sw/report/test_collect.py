"""What is read under build/, and what is said of files of no use."""

import json
import os

import pytest

from vanallen.sw.report.collect import collect
from vanallen.sw.report.commands import KINDS, SUGGESTED
from vanallen.sw.report.text import chip

from .conftest import RESULTS, area, bench, write


def test_every_kind_is_found_once(build):
    results = collect(build)
    assert {kind: len(results[kind]) for kind in KINDS} == dict.fromkeys(KINDS, 1)
    assert results.unreadable == ()
    assert results["bench"][0].data == RESULTS["bench-cubesat"]


def test_commands_make_the_results_again(build):
    results = collect(build)
    assert {kind: results[kind][0].command for kind in KINDS} == {
        "run": "vanallen run digits --input digits:test --config nano --target sim --check --limit 30 "
        "--protection full",
        "bench": "vanallen bench --config cubesat --seed 1 --protection full",
        "regress": "vanallen regress --config nano --sim verilator --seed 1 --protection none",
        "mutants": "vanallen regress --config nano --mutants --seed 1 --protection full",
        "prove": "vanallen prove --config nano --seed 1 --protection none",
        "synth": "vanallen synth --board ulx3s-85f --seeds 4 --protection full",
        "area": "vanallen synth --no-place --config nano --protection none",
    }


def test_small_presets_come_first(tmp_path):
    for config in ("payload", "a-chip-of-ones-own", "nano", "cubesat"):
        write(tmp_path, f"bench-{config}", bench(config))
    found = [result.data["config"] for result in collect(tmp_path)["bench"]]
    assert found == ["nano", "cubesat", "payload", "a-chip-of-ones-own"]


def test_the_newest_area_of_each_chip(tmp_path):
    write(tmp_path, "synth-area-all", {"configs": [area("nano", 1.0), area("cubesat", 2.0)]})
    write(tmp_path, "synth-area-nano", {"configs": [area("nano", 3.0), area("nano", 4.0, protection="full")]})
    os.utime(tmp_path / "results" / "synth-area-all.json", (1e9, 1e9))
    found = {chip(result.data): result.data["gates"] for result in collect(tmp_path)["area"]}
    assert found == {"nano-none": 3.0, "nano": 4.0, "cubesat-none": 2.0}


def test_a_comparison_of_areas_is_not_shown_and_not_complained_of(tmp_path):
    write(tmp_path, "synth-compare-all", {"configs": [{"config": "nano", "none": area("nano", 1.0), "full": {}}]})
    results = collect(tmp_path)
    assert results.unreadable == () and not any(results[kind] for kind in KINDS)


def test_nothing_is_there(tmp_path):
    assert not any(collect(tmp_path)[kind] for kind in KINDS)
    assert list(SUGGESTED) == list(KINDS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Expecting property name"),
        ("[1]", "must hold a JSON object, not list"),
        ('{"config": "nano"}', "has no protection, seed, workloads, skipped"),
        ("\udcff", "codec can't decode"),
    ],
)
def test_files_of_no_use_are_named(tmp_path, text, said):
    write(tmp_path, "bench-cubesat", bench())
    path = tmp_path / "results" / "bench-nano.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    results = collect(tmp_path)
    (line,) = results.unreadable
    assert line.startswith(f"{path}: ") and said in line
    assert len(results["bench"]) == 1


def test_results_of_other_commands_are_left_alone(tmp_path):
    write(tmp_path, "campaign-orbit", {"space": 1})
    results = collect(tmp_path)
    assert results.unreadable == () and not any(results[kind] for kind in KINDS)


def test_what_regress_writes_is_understood(tmp_path):
    """A regression has the key of the mutants too, null: it isn't one of mutants."""
    assert json.loads(json.dumps(RESULTS["regress-nano-verilator"]))["mutants"] is None
    write(tmp_path, "regress-nano-verilator", RESULTS["regress-nano-verilator"])
    results = collect(tmp_path)
    assert results["regress"] and not results["mutants"]
