"""Running tools: what they say when they fail, time limits, the line at their first use. With the real ones."""

import time

import pytest

from vanallen.synth import tools
from vanallen.synth.errors import TimeLimit, ToolFailed, ToolMissing
from vanallen.synth.tools import program, run_tool, tool_versions


@pytest.fixture
def said():
    return []


def test_seconds_and_output(tmp_path, said):
    start = time.perf_counter()
    seconds = run_tool("yosys", ["-p", "log hello there"], folder=tmp_path, say=said.append)
    assert 0 < seconds <= time.perf_counter() - start
    assert "hello there" in (tmp_path / "yosys.txt").read_text() and said == []


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("yosys", ["-p", "read_rtlil no-such.il"], r"yosys failed: ERROR: .*no-such\.il.* \(all of it: .*yosys\.txt\)"),
        ("nextpnr-ecp5", ["--45k", "--json", "no-such.json"], r"nextpnr-ecp5 failed: ERROR: .*no-such\.json"),
    ],
)
def test_a_failure_has_the_tool_s_own_words(tmp_path, tool, arguments, message):
    with pytest.raises(ToolFailed, match=message):
        run_tool(tool, arguments, folder=tmp_path)


def test_what_is_said_in_a_log_alone(tmp_path):
    """Behind ``synth_ecp5`` Yosys 0.70 writes errors to no stream any more."""
    lines = ["read_rtlil <<E", "module \\top", "  wire input 1 \\a", "  wire output 2 \\y", "  connect \\y \\a", "end",
             "E", "synth_ecp5 -top top", "select -assert-count 1 top/c:gone"]  # fmt: skip
    (tmp_path / "d.ys").write_text("\n".join(lines) + "\n")
    with pytest.raises(ToolFailed, match=r"ERROR: Assertion failed.*top/c:gone \(all of it: .*d\.rpt\)"):
        run_tool("yosys", ["-q", "-l", "d.rpt", "d.ys"], folder=tmp_path)


def test_a_tool_is_stopped_at_its_time_limit(tmp_path):
    (tmp_path / "long.ys").write_text(
        "\n".join(f"read_rtlil <<E\nmodule \\m{index}\nend\nE" for index in range(200_000))
    )
    start = time.perf_counter()
    with pytest.raises(TimeLimit, match="yosys was stopped after 1 s"):
        run_tool("yosys", ["long.ys"], folder=tmp_path, time_limit=1)
    assert time.perf_counter() - start < 30
    assert not tools._running


def test_the_first_use_says_that_it_compiles(tmp_path, monkeypatch, said):
    monkeypatch.setenv("YOWASP_CACHE_DIR", str(tmp_path / "cache"))
    for _ in range(2):
        run_tool("ecppack", ["--help"], folder=tmp_path, say=said.append)
    assert said == ["ecppack: the first use compiles it for this machine, up to 90 s, once"]


def test_missing_tools_name_the_line_that_installs_them(monkeypatch, tmp_path):
    monkeypatch.setitem(tools.TOOLS, "yosys", "no-such-program-anywhere")
    monkeypatch.setitem(tools.PACKAGES, "yosys", "no-such-package-anywhere")
    for call in (lambda: program("yosys"), tool_versions, lambda: run_tool("yosys", [], folder=tmp_path)):
        with pytest.raises(ToolMissing, match=r"no-such-.*-anywhere isn't installed: pip install 'vanallen\[boards\]'"):
            call()
