"""Commands leave their results, and `vanallen report` writes the page of them."""

import json

import pytest

from vanallen.sw.cli.main import main
from vanallen.sw.cli.output import Output


def test_bench_leaves_its_result(results, tmp_path):
    path = tmp_path / "bench.json"
    assert main(["bench", "--config", "nano", "--cycles-only", "--quiet", "--json", str(path)]) == 0
    assert (results / "bench-nano.json").read_bytes() == path.read_bytes()


def test_a_result_takes_the_place_of_an_earlier_one(results, capsys):
    output = Output(json_path=None, quiet=True)
    for value in (1, 2):
        output.write_json({"value": value}, record="bench-nano")
    assert [path.name for path in results.iterdir()] == ["bench-nano.json"]
    assert json.loads((results / "bench-nano.json").read_text()) == {"value": 2}
    output.write_json({"value": 3})
    assert json.loads((results / "bench-nano.json").read_text()) == {"value": 2}


def test_results_that_cannot_be_written_are_one_line(results):
    results.write_text("a file where the folder should be")
    with pytest.raises(ValueError, match=r"bench-nano.json, which can't be written: .*exists"):
        Output(json_path=None, quiet=True).write_json({}, record="bench-nano")


def test_page_of_an_empty_folder_names_the_commands(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["report", "--json", "-"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result["path"] == "build/report.html" and result["unreadable"] == []
    text = (tmp_path / "build/report.html").read_text()
    assert len(text.encode()) == result["bytes"] < 1_000_000
    assert set(result["missing"]) == {"run", "bench", "regress", "mutants", "prove", "synth", "area"}
    for kind, command in result["missing"].items():
        assert f"<code>{command}</code>" in text and f"{kind}: {command}" in captured.err


def test_page_that_cannot_be_written_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["report", "-o", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vanallen: ") and "can't be used" in line
