"""The model of DP16KD together with Yosys's mapping: memories of the chip's shapes against lists of integers."""

import random

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from vanallen.synth.gate_netlist import gate_netlist
from vanallen.synth.gates import gate_verilog, models

SHAPES = {
    "words_64": (64, 8192, 64),  # activation and weight RAM, cubesat
    "rows_128": (128, 512, 64),  # parameter RAM of two lanes, a bank each
    "words_32": (32, 2048, 32),  # nano's
    "codes_72": (72, 1024, 72),
    "bytes_72": (72, 512, 9),
    "bytes_64": (64, 512, 8),
    "accumulator": (32, 512, 32),
    "narrow_9": (9, 2048, 9),
    "narrow_4": (4, 4096, 4),
    "narrow_2": (2, 8192, 2),
    "narrow_1": (1, 16384, 1),
    "shallow": (64, 64, 16),
    "rom_18": (18, 1024, 18),
    "rom_4": (4, 4096, 4),
    "defined_72": (72, 512, 72),
    "defined_8": (8, 2048, 8),
}
"""Width, depth, bits a write enable. ``rom_*`` have initial contents; ``defined_*`` read the old value of a row that is
written, as Amaranth's ports do: the others never read it, and Yosys is told so."""

CONTENTS = {name: [(0x2C9277 * row ^ row >> 3) & ((1 << shape[0]) - 1) for row in range(shape[1])]
            if name.startswith("rom") else [0] * shape[1] for name, shape in SHAPES.items()}  # fmt: skip


class Store(wiring.Component):
    """A memory in a module of its own, so that Yosys's commands can name it."""

    def __init__(self, name):
        self.name = name
        width, depth, granularity = SHAPES[name]
        row = (depth - 1).bit_length()
        super().__init__({"we": In(width // granularity), "wa": In(row), "wd": In(width), "re": In(1), "ra": In(row),
                          "rd": Out(width)})  # fmt: skip

    def elaborate(self, platform):
        m = Module()
        width, depth, granularity = SHAPES[self.name]
        init = CONTENTS[self.name] if self.name.startswith("rom") else []
        m.submodules.ram = memory = Memory(shape=width, depth=depth, init=init)
        write, read = memory.write_port(granularity=granularity), memory.read_port()
        m.d.comb += [write.en.eq(self.we), write.addr.eq(self.wa), write.data.eq(self.wd), read.en.eq(self.re),
                     read.addr.eq(self.ra), self.rd.eq(read.data)]  # fmt: skip
        return m


class Memories(wiring.Component):
    """All of them, with ports of their own."""

    def __init__(self):
        self.stores = {name: Store(name) for name in SHAPES}
        super().__init__({f"{name}_{port}": member for name, store in self.stores.items()
                          for port, member in store.signature.members.items()})  # fmt: skip

    def elaborate(self, platform):
        m = Module()
        for name, store in self.stores.items():
            m.submodules[name] = store
            for port, member in store.signature.members.items():
                inner, outer = getattr(store, port), getattr(self, f"{name}_{port}")
                m.d.comb += inner.eq(outer) if member.flow is In else outer.eq(inner)
        return m


@pytest.fixture(scope="module")
def netlist():
    masked = " ".join(f"memories.{name}/t:$memrd_v2" for name in SHAPES if not name.startswith("defined"))
    design = rtlil.convert(Memories(), name="memories", emit_src=False)
    return gate_netlist(design, "memories", after_read=(f"setparam -set COLLISION_X_MASK 1'1 {masked}",))


def steps_for(seed, count):
    """Random accesses to few rows, so that they meet; only ``defined_*`` read the row that is written."""
    rng = random.Random(seed)
    rows = {name: [0, depth - 1, *(rng.randrange(depth) for _ in range(6))] for name, (_, depth, _) in SHAPES.items()}
    steps = []
    for _ in range(count):
        step = {}
        for name, (width, _, granularity) in SHAPES.items():
            enables = width // granularity
            write, read = rng.choice(rows[name]), rng.choice(rows[name])
            enable = rng.choice([0, (1 << enables) - 1, rng.getrandbits(enables)])
            reading = int(rng.random() < 0.7)
            if write == read and enable and not name.startswith("defined"):
                reading = 0
            step |= {f"{name}_we": enable, f"{name}_wa": write, f"{name}_wd": rng.getrandbits(width),
                     f"{name}_re": reading, f"{name}_ra": read}  # fmt: skip
        steps.append(step)
    return steps


def expected(steps, name):
    """The read data in each step; None before the first read."""
    width, _, granularity = SHAPES[name]
    contents, shown, rows = list(CONTENTS[name]), None, []
    for step in steps:
        rows.append(shown)
        if step[f"{name}_re"]:
            shown = contents[step[f"{name}_ra"]]
        mask = sum(((1 << granularity) - 1) << granularity * bank
                   for bank in range(width // granularity) if step[f"{name}_we"] >> bank & 1)  # fmt: skip
        row = step[f"{name}_wa"]
        contents[row] = contents[row] & ~mask | step[f"{name}_wd"] & mask
    return rows


@pytest.fixture
def memories(bench, netlist):
    signature = Memories().signature.members
    inputs = {name: member.shape for name, member in signature.items() if not name.endswith("_rd")}
    outputs = {name: member.shape for name, member in signature.items() if name.endswith("_rd")}
    verilog = gate_verilog(netlist, "memories")
    return bench(models() + verilog, "memories", inputs, outputs)


def test_shapes_against_lists(memories):
    steps = steps_for(1, 2000)
    got = memories.run(steps)
    for name in SHAPES:
        for cycle, want in enumerate(expected(steps, name)):
            assert want is None or got[cycle][f"{name}_rd"] == want, (name, cycle)


def test_a_read_of_the_row_that_is_written_shows(memories):
    """Where Yosys was told that it never happens, the model answers with the complement of what was there."""
    step = {"words_64_we": 1, "words_64_wd": 5, "words_64_re": 1}
    got = memories.run([{"words_64_we": 1, "words_64_wd": 3}, step, {}])
    assert got[2]["words_64_rd"] == (1 << 64) - 1 - 3


def test_the_widths_that_the_chip_uses_are_among_them(netlist):
    widths = {int(cell["parameters"]["DATA_WIDTH_B"], 2) for cell in netlist["modules"]["memories"]["cells"].values()
              if cell["type"] == "DP16KD"}  # fmt: skip
    assert widths >= {1, 2, 4, 9, 18, 36}


@pytest.mark.parametrize(
    "parameter",
    ['.REGMODE_B("OUTREG")', '.CSDECODE_A("0b001")', ".DATA_WIDTH_A(8)", '.CLKBMUX("INV")', '.WRITEMODE_A("OTHER")'],
)
def test_a_mode_that_is_not_modelled_ends_the_build(bench, parameter):
    top = f"module top (input clk, input a, output p); DP16KD #({parameter}) m (.ADA0(a), .DOB0(p)); endmodule\n"
    with pytest.raises(RuntimeError, match="MODE_NOT_MODELLED"):
        bench(models() + top, "top", {"a": 1}, {"p": 1})


BAD_PINS = ("WEB", "RSTA", "RSTB", "CSA0", "CSB2")


@pytest.mark.parametrize("pin", BAD_PINS)
def test_an_input_that_is_not_modelled_ends_the_run(bench, pin):
    blocks = "".join(f"DP16KD m{index} (.CLKA(clk), .CLKB(clk), .CEB(1'b1), .{name}(bad[{index}]));"
                     for index, name in enumerate(BAD_PINS))  # fmt: skip
    top = f"module top (input clk, input [4:0] bad, output p); {blocks} assign p = bad[0]; endmodule\n"
    made = bench(models() + top, "top", {"bad": 5}, {"p": 1})
    assert len(made.run([{}] * 3)) == 3
    with pytest.raises(RuntimeError, match="DP16KD: "):
        made.run([{}, {"bad": 1 << BAD_PINS.index(pin)}, {}])
