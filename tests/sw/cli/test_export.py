"""`vanallen export`: complete, the same on every run, and wrong folders are one line."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from vanallen.sw.cli.main import main
from vanallen.sw.export import bundle

ROOT = Path(__file__).resolve().parents[3]


def test_files_are_the_same_on_every_run(tmp_path, capsys):
    for folder in ("first", "second"):
        assert main(["export", "--config", "nano", "-o", str(tmp_path / folder), "--json", "-"]) == 0
        result = json.loads(capsys.readouterr().out)
        assert sorted(result["files"]) == sorted(str(path) for path in (tmp_path / folder).iterdir())
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("first", "second")
    )
    assert first == second
    assert set(first) == {
        "vanallen_nano.v", "vanallen_nano.h", "vanallen_nano_registers.json", "vanallen_nano_ports.json",
        "vanallen_nano.xml", "vanallen_nano_registers.html",
    }  # fmt: skip
    assert result["skipped"] == []


def test_without_peakrdl_the_rest_is_written(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(bundle, "find_spec", lambda module: None if module == "peakrdl_html" else find_spec(module))
    assert main(["export", "--config", "nano", "-o", str(tmp_path), "--json", "-"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result["skipped"] == ["vanallen_nano.xml", "vanallen_nano_registers.html"]
    assert sorted(result["files"]) == sorted(str(path) for path in tmp_path.iterdir()) and len(result["files"]) == 4
    lines = [line for line in captured.err.splitlines() if "not written" in line]
    assert len(lines) == 2 and all(
        "pip install systemrdl-compiler peakrdl-html peakrdl-ipxact" in line for line in lines
    )


def test_ports_are_the_bus_clock_reset_and_interrupt(tmp_path):
    assert main(["export", "--config", "nano", "-o", str(tmp_path), "--quiet"]) == 0
    ports = {port["name"]: port for port in json.loads((tmp_path / "vanallen_nano_ports.json").read_text())}
    assert {"clk", "rst", "interrupt", "s_axi_awvalid", "s_axi_rdata"} <= set(ports)
    assert ports["s_axi_rdata"] == {"name": "s_axi_rdata", "direction": "output", "width": 64}
    assert ports["clk"]["direction"] == "input" and ports["interrupt"]["direction"] == "output"


def test_verilog_says_nothing_about_the_machine(tmp_path):
    assert main(["export", "--config", "nano", "-o", str(tmp_path), "--quiet"]) == 0
    for path in tmp_path.iterdir():
        text = path.read_text()
        assert str(ROOT) not in text and "site-packages" not in text


@pytest.mark.parametrize("folder", ["file", "file/below"])
def test_folder_that_cannot_be_made_is_one_line(tmp_path, capsys, folder):
    (tmp_path / "file").write_text("")
    assert main(["export", "--config", "nano", "-o", str(tmp_path / folder)]) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert captured.out == "" and "cannot write into" in line and "-o" in line
