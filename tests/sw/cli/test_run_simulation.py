"""`vanallen run` on the simulated chip."""

import json

import pytest

from vanallen.rtl.config import preset
from vanallen.rtl.registers import Injection
from vanallen.sw.cli.main import main
from vanallen.sw.driver import INJECTION_POINTS
from vanallen.sw.session import run_model


def test_digits_on_the_simulated_chip(capsys):
    arguments = [
        "run",
        "digits",
        "--input",
        "digits:test",
        "--limit",
        "2",
        "--check",
        "--config",
        "nano",
        "--json",
        "-",
    ]
    assert main(arguments) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["target"] == "sim" and result["bit_exact"] is True
    chip = [layer for layer in result["layers"] if layer["where"] == "chip"]
    assert chip and all(layer["cycles"] == layer["model_cycles"] > 0 for layer in chip)
    assert result["total_cycles"] == sum(layer["cycles"] for layer in chip)


@pytest.fixture(scope="module")
def injected(tmp_path_factory):
    """A run on the protected chip with a fault at every point."""
    folder = tmp_path_factory.mktemp("injected")
    return run_model(
        "digits", "digits:test", config=preset("nano", "full"), target="sim", check=True, limit=2,
        inject=list(INJECTION_POINTS), folder=folder,
    )  # fmt: skip


def test_the_protected_chip_does_what_the_other_one_does(injected):
    assert injected.bit_exact and injected.cycles_exact
    assert injected.inferences == 2, "those with faults aren't counted"


@pytest.mark.parametrize("name", INJECTION_POINTS)
def test_a_fault_is_noticed_and_does_no_harm(injected, name):
    (result,) = [entry for entry in injected.injections if entry.point == name]
    assert result.right and result.counted
    part, _, kind = name.partition(":")
    expected = {"control": "outvoted", "host": "refused"}.get(part, "corrected" if kind == "single" else "recovered")
    assert result.outcome == expected
    assert (result.extra_cycles or 0) > 0 if expected == "recovered" else result.extra_cycles == 0
    check = {
        "activation-ram:double": "activation_memory", "weight-ram:double": "weight_memory",
        "parameter-ram:double": "parameter_memory", "command-ram:double": "command_memory",
        "array:activation": "activation_parity", "array:weight": "weight_parity", "array:load": "weight_identity",
        "array:psum": "checksum", "tag:row": "tag", "tag:drain": "tag", "requantizer:parameter": "requantizer",
    }.get(name)  # fmt: skip
    assert check is None or result.counted[f"faults.{check}"] == 1


def test_health_is_the_sum_of_all_faults(injected):
    outcomes = [result.outcome for result in injected.injections]
    health = injected.health
    assert health.recovered == outcomes.count("recovered") and health.corrected == outcomes.count("corrected")
    assert (health.uncorrectable, health.outvoted, health.refused_writes) == (4, 1, 1)
    assert len(injected.injections) == len(Injection) - 1


def test_the_command_prints_what_became_of_faults(capsys):
    arguments = ["run", "digits", "--input", "digits:test", "--limit", "1", "--config", "nano", "--protection", "full"]
    assert main([*arguments, "--inject", "activation-ram:single,array:psum,tag:row"]) == 0
    out = capsys.readouterr().out
    assert "recovered 1, faults.checksum 1" in out
    assert "health: 1 words corrected, 2 times recovered" in out
