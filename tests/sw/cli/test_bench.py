"""`vanallen bench`: the keys of its JSON and its exit status."""

import json

from vanallen.sw.cli.main import main

KEYS = {"name", "macs", "cycles", "ideal_cycles", "model_cycles", "bound", "utilization"}


def test_cycles_of_nano(capsys):
    assert main(["bench", "--config", "nano", "--cycles-only", "--json", "-", "--seed", "7"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result["seed"] == 7 and "seed 7" in captured.err
    assert [work["name"] for work in result["workloads"]] == ["digits", "gemm-resident"]
    assert all(set(work) >= KEYS for work in result["workloads"])
    assert [skipped["name"] for skipped in result["skipped"]] == ["conv-3x3"]


def test_cost_of_protection(capsys):
    arguments = ["bench", "--config", "nano", "--cycles-only", "--compare", "--json", "-"]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result["protection"] == "full"
    cost = result["overhead"]
    assert [entry["name"] for entry in cost["workloads"]] == ["digits", "gemm-resident"]
    assert 0 <= cost["cycles"] < 0.02
    for entry, work in zip(cost["workloads"], result["workloads"], strict=True):
        assert entry["cycles"] == work["cycles"] == round(entry["unprotected_cycles"] * (1 + entry["overhead"]))
    assert "What protection costs in cycles" in captured.err


def test_cycles_off_the_model_are_status_1(capsys, monkeypatch):
    from vanallen.sw.bench import cycles

    def off_by_one(*arguments, **options):
        found = original(*arguments, **options)
        return type(found)(**{**vars(found), "model_cycles": found.cycles + 1})

    original = cycles.figures
    monkeypatch.setattr(cycles, "figures", off_by_one)
    assert main(["bench", "--config", "nano", "--cycles-only", "--quiet"]) == 1
    assert capsys.readouterr().out == ""


def test_speeds_of_simulation(tmp_path):
    path = tmp_path / "bench.json"
    assert main(["bench", "--config", "nano", "--quiet", "--json", str(path)]) == 0
    simulation = json.loads(path.read_text())["simulation"]
    assert set(simulation) == {"in_process", "bare_loop", "cocotb"}
    assert all(speed > 0 for speed in simulation.values())
