"""What `vanallen regress --netlist` prints, and its exit status."""

import json
from dataclasses import replace

import pytest

from vanallen.sw.cli.main import main
from vanallen.sw.driver import BuildError
from vanallen.synth.audit import Audit
from vanallen.synth.errors import AuditFailed
from vanallen.tb import netlist as module
from vanallen.tb.jobs import Mismatch

RESULT = module.NetlistResult(
    config="nano", seed=1, cells={"LUT4": 4321, "MULT18X18D": 20}, layer={"rows": 12}, cycles=345, simulated=6789,
    synthesis_seconds=30.0, build_seconds=60.0, run_seconds=1.5,
)  # fmt: skip


def test_a_layer_that_is_equal(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(module, "run_netlist", lambda config, **options: RESULT)
    assert main(["regress", "--netlist", "--config", "nano", "--json", str(tmp_path / "out.json")]) == 0
    said = capsys.readouterr().out
    assert "4,321 LUT4" in said and "345 cycles" in said and "1 passed, 0 failed" in said
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["passed"] == 1 and written["netlist"]["cells"]["MULT18X18D"] == 20


def test_a_layer_that_differs(monkeypatch, capsys):
    def differs(config, **options):
        raise Mismatch("3 bytes differ")

    monkeypatch.setattr(module, "run_netlist", differs)
    assert main(["regress", "--netlist", "--config", "nano"]) == 1
    assert "1 failed: Mismatch: 3 bytes differ" in capsys.readouterr().out


AUDIT = Audit(registers=3585, voters=1821, listed_inputs=["injected"], failures=[])


def test_the_audit_of_a_protected_chip(monkeypatch, capsys):
    monkeypatch.setattr(module, "run_netlist", lambda config, **options: replace(RESULT, audit=AUDIT))
    assert main(["regress", "--netlist", "--config", "nano", "--protection", "full"]) == 0
    assert "audit: 3,585 registers of copies, 1,821 voters, 1 listed inputs: sound" in capsys.readouterr().out


def test_failures_of_the_audit(monkeypatch, capsys):
    def fails(config, **options):
        raise AuditFailed(replace(AUDIT, failures=["host.copy_2.enable has no voter", "one more"]))

    monkeypatch.setattr(module, "run_netlist", fails)
    assert main(["regress", "--netlist", "--config", "nano", "--protection", "full"]) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == ["host.copy_2.enable has no voter", "one more"]


@pytest.mark.parametrize("error", [RuntimeError("Yosys failed: no"), BuildError("g++ failed")])
def test_a_tool_that_fails(monkeypatch, capsys, error):
    def fails(config, **options):
        raise error

    monkeypatch.setattr(module, "run_netlist", fails)
    assert main(["regress", "--netlist", "--config", "nano"]) == 2
    assert str(error) in capsys.readouterr().err
