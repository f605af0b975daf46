"""Figures are measured by real commands, kept with the hash of the design, and measured again when they are stale."""

import json
from dataclasses import replace

import pytest

from vanallen.rtl.config import preset
from vanallen.sw.figures import __main__ as command
from vanallen.sw.figures.design import chip_hash
from vanallen.sw.figures.record import MeasurementFailed, is_fresh, load, measure, save
from vanallen.sw.figures.sources import Source

INFO = Source("info", ("info",), lambda result: {"configs": len(result["configs"])}, lambda: "today")


def test_measured_by_the_command(tmp_path):
    entry = measure(INFO, tmp_path / "build")
    assert entry == {"command": "vanallen info", "design_hash": "today", "figures": {"configs": 8}}
    assert json.loads((tmp_path / "build" / "info.json").read_text())["tools"]


@pytest.mark.parametrize("lenient", [False, True])
def test_a_command_that_fails_has_no_figures(tmp_path, capfd, lenient):
    wrong = replace(INFO, arguments=("run", "no-such-model", "--input", "none"), lenient=lenient)
    with pytest.raises(MeasurementFailed, match="vanallen run no-such-model --input none ended with status 2"):
        measure(wrong, tmp_path)
    assert "no-such-model" in capfd.readouterr().err


def test_fresh_is_of_this_command_and_this_design():
    record = {"info": {"command": "vanallen info", "design_hash": "today", "figures": {}}}
    assert is_fresh(INFO, record)
    assert not is_fresh(INFO, {})
    assert not is_fresh(replace(INFO, arguments=("info", "--quiet")), record)
    assert not is_fresh(replace(INFO, design=lambda: "tomorrow"), record)


def test_file_is_read_back(tmp_path):
    (tmp_path / "docs").mkdir()
    assert load(tmp_path) == {}
    save(tmp_path, {"b": {"x": 0.1}, "a": {}})
    assert load(tmp_path) == {"a": {}, "b": {"x": 0.1}}
    assert [path.name for path in (tmp_path / "docs").iterdir()] == ["figures.json"]


def test_hash_is_of_the_verilog(monkeypatch):
    from vanallen.rtl import verilog

    monkeypatch.setattr(verilog, "verilog", lambda config: f"module {config.name}")
    hashes = {name: chip_hash.__wrapped__(name) for name in ("nano", "cubesat")}
    assert len(set(hashes.values())) == 2 and {len(value) for value in hashes.values()} == {16}
    monkeypatch.setattr(verilog, "verilog", lambda config: f"module {config.name};" if config == preset("nano") else "")
    assert chip_hash.__wrapped__("nano") != hashes["nano"]


def test_run_goes_on_where_it_was(tmp_path, monkeypatch, capfd):
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("<!-- figures:area -->\n<!-- end -->\n")
    failing = replace(INFO, name="failing", arguments=("no-such-command",))
    monkeypatch.setattr(command, "SOURCES", (INFO, failing, replace(INFO, name="more")))
    assert command.main([], root=tmp_path) == 1
    assert list(load(tmp_path)) == ["info", "more"]
    captured = capfd.readouterr()
    assert "failing: vanallen no-such-command ended with status 2" in captured.err
    assert "README.md written from docs/figures.json" in captured.out
    assert command.main(["--only", "o"], root=tmp_path) == 0
    assert "info: fresh" in (text := capfd.readouterr().out) and "more: fresh" in text and "failing" not in text
    assert command.main(["--only", "info", "--again"], root=tmp_path) == 0
    assert "info: vanallen info" in capfd.readouterr().out


def test_empty_subset_is_refused(tmp_path, capsys):
    assert command.main(["--only", "no-such"], root=tmp_path) == 2
    assert "--only must be part of one of run-digits, bench-nano" in capsys.readouterr().err
