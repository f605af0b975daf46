"""`vanallen run` on the simulated chip."""

import json

from vanallen.sw.cli.main import main


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
