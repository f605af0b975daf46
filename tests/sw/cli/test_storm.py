"""`vanallen campaign storm`."""

import functools
import json

import numpy as np
import pytest

from vanallen.sw.cli import storm as command
from vanallen.sw.cli.main import main
from vanallen.tb.faults import storm


@pytest.fixture(autouse=True)
def quickly(tmp_path, monkeypatch):
    """Models that are quick to build, shared with the tests of the storm itself."""
    monkeypatch.setattr(storm, "storm", functools.partial(storm.storm, quick=True))
    monkeypatch.setattr(command, "RESULTS", tmp_path)


def test_a_protected_chip(capsys):
    assert main(["campaign", "storm", "--config", "nano", "--images", "3", "--every", "250", "--json", "-"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert (result["images"], result["answered"], result["wrong"], result["flagged"]) == (3, 3, 0, 0)
    assert result["protection"] == "full" and result["expectation_met"] and result["seed"] == 1
    assert result["injected"] == result["simulated"] == result["cycles"] // 250 > 50
    assert result["health"]["corrected"] and sum(part["injected"] for part in result["modules"]) == result["injected"]
    assert "a flip of any storage every 250 cycles, seed 1" in captured.err and "wrong" in captured.err
    with np.load(result["results"]) as stored:
        assert len(stored["cycle"]) == len(stored["name"]) == result["injected"] and len(stored["answer"]) == 3


def test_without_protection_the_exit_status_says_so(capsys):
    arguments = ["campaign", "storm", "--config", "nano", "--protection", "none", "--images", "6", "--every", "250"]
    assert main([*arguments, "--json", "-"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert not result["expectation_met"] and (result["wrong"] or result["flagged"] > 2)
    assert result["health"]["corrected"] == 0


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("storm", "layer"),
        ("storm", "sample"),
        ("memories", "every"),
        ("exhaustive-seu", "images"),
        ("memories", "only"),
        ("load", "jobs"),
    ],
)
def test_options_of_another_campaign_are_refused(capsys, name, option):
    value = {"layer": "dense", "only": "registers"}.get(option, "3")
    assert main(["campaign", name, f"--{option}", value]) == 2
    assert f"--{option} is no option of the campaign {name}" in capsys.readouterr().err
