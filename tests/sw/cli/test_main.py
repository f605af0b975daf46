"""What commands share: help with an example, one line for wrong usage, exit statuses, JSON alone on standard output."""

import json
import os
import subprocess
import sys
from itertools import product

import pytest
from rich.table import Table

from vanallen.sw.cli import info
from vanallen.sw.cli.errors import UsageError
from vanallen.sw.cli.main import COMMANDS, main
from vanallen.sw.cli.options import Parser
from vanallen.sw.cli.output import Output, finite

NAMES = [command.__name__.rsplit(".", 1)[1] for command in COMMANDS]


def usage_error(capsys, *arguments):
    """The one line that the command line says about wrong arguments."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    return line


@pytest.mark.parametrize("name", NAMES)
def test_help_ends_with_an_example_that_parses(name, capsys):
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "--json FILE" in text and "--quiet" in text
    program, *arguments = text.strip().splitlines()[-1].split()
    assert program == "vanallen" and arguments[0] == name
    parser = Parser()
    commands = parser.add_subparsers(parser_class=Parser)
    for command in COMMANDS:
        command.add(commands)
    assert parser.parse_args(arguments).execute


def test_wrong_usage_is_one_line(capsys):
    assert "no-such" in usage_error(capsys, "no-such")
    assert "COMMAND" in usage_error(capsys)
    assert "--input" in usage_error(capsys, "run", "digits")
    assert "nano, cubesat" in usage_error(capsys, "export", "--config", "no-such").replace("'", "")
    assert "must be an integer from 0, not '-1'" in usage_error(capsys, "bench", "--seed=-1")
    assert "must be an integer from 1, not '0'" in usage_error(capsys, "run", "a", "--input", "b", "--limit", "0")


def command_that(monkeypatch, error):
    def execute(arguments):
        raise error

    monkeypatch.setattr(info, "execute", execute)
    return main(["info"])


def test_errors_become_exit_statuses(monkeypatch, capsys):
    assert command_that(monkeypatch, UsageError("a thing\nis wrong; mend it")) == 2
    assert capsys.readouterr().err == "vanallen: a thing is wrong; mend it\n"
    assert command_that(monkeypatch, KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "vanallen: interrupted\n"


def test_a_defect_keeps_its_traceback(monkeypatch):
    with pytest.raises(ValueError, match="surprise"):
        command_that(monkeypatch, ValueError("surprise"))


def test_reader_that_goes_away_is_no_traceback():
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-c", "from vanallen.sw.cli.main import main; raise SystemExit(main())", "info"]
    with os.fdopen(write, "w") as closed:
        run = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, text=True)
    assert run.returncode == 1 and run.stderr == ""


def test_info_knows_the_contract(capsys):
    assert main(["info", "--json", "-"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    names = [(config["name"], config["protection"]) for config in result["configs"]]
    assert names == list(product(("nano", "cubesat", "payload", "orbital"), ("none", "full")))
    keys = {"name", "rows", "columns", "lanes", "protection", "macs_per_cycle", "memory_bytes"}
    assert all(keys <= set(config) for config in result["configs"])
    assert result["configs"][2]["macs_per_cycle"] == 64
    assert result["configs"][2]["memory_bytes"]["activation"] == 64 << 10
    assert result["boards"][0] == {"name": "ulx3s-85f", "config": "payload", "clock_mhz": 100, "device": "LFE5U-85F"}
    points = result["injection_points"]
    assert len(points) == 19 and {"activation-ram:single", "array:psum", "tag:row", "host:word"} <= set(points)
    assert result["tools"]["numpy"] and result["tools"]["g++"]
    assert "cubesat" in captured.err


def test_quiet_prints_nothing(capsys, tmp_path):
    path = tmp_path / "info.json"
    assert main(["info", "--quiet", "--json", str(path)]) == 0
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == ""
    assert json.loads(path.read_text())["configs"]


def test_json_file_that_cannot_be_written_is_one_line(capsys, tmp_path):
    assert main(["info", "--quiet", "--json", str(tmp_path / "none" / "x.json")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "none doesn't exist: make it first" in line


def test_json_has_no_number_that_is_none():
    assert finite({"a": [float("nan"), 1.5], 2: (float("inf"), None)}) == {"a": [None, 1.5], "2": [None, None]}


def test_progress_is_silent_without_a_terminal(capsys):
    with Output(json_path=None, quiet=False).progress("Work") as report:
        report(1, 2)
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == ""


def test_text_is_printed_as_it_is(capsys):
    output = Output(json_path=None, quiet=False)
    output.print("[bold]:cat:" + "x" * 300)
    assert capsys.readouterr().out == "[bold]:cat:" + "x" * 300 + "\n"
    table = Table("layer [red]")
    table.add_row("[b]conv/:cat:[1]")
    output.print(table)
    out = capsys.readouterr().out
    assert "[b]conv/:cat:[1]" in out and "layer [red]" in out
