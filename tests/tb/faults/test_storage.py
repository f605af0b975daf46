"""What is found in Verilog, and that it is all that the elaborated design has."""

from collections import Counter

import pytest

from vanallen.rtl.config import preset
from vanallen.rtl.verilog import Top, verilog
from vanallen.synth.netlist import read_netlist
from vanallen.tb.faults.count import Campaign
from vanallen.tb.faults.storage import Storage, expose, find_storage

NANO = preset("nano", "none")

MODULE = r"""module \top.block$7 (clk, d);
  input clk;
  reg [7:0] q;
  reg signed [3:0] \next$1 ;
  reg [2:0] idle;
  reg [15:0] ram [63:0];
  reg [15:0] _0_;
  wire [7:0] d;
  always @(posedge clk)
    q <= d;
  always @(posedge clk) begin
    if (en) begin
      \next$1  <= d[3:0];
    end
  end
  always @(posedge clk) begin
    if (\en$1 )
      ram[d[5:0]] <= { d, d };
  end
  always @(posedge clk)
    _0_ <= ram[d[5:0]];
  always @* begin
    idle = 3'h0;
  end
endmodule
"""


def test_registers_and_memories_are_found_and_what_is_combinational_is_not() -> None:
    assert find_storage(MODULE) == [
        Storage("block.next$1", 4, 1, "top.block$7.next$1"),
        Storage("block.q", 8, 1, "top.block$7.q"),
        Storage("block.ram", 16, 64, "top.block$7.ram"),
        Storage("block.ram.read_0", 16, 1, "top.block$7._0_"),
    ]


def test_only_storage_is_exposed() -> None:
    changed = [line for line in expose(MODULE).splitlines() if "public" in line]
    assert changed == [
        "  reg [7:0] q /*verilator public_flat_rw*/;",
        r"  reg signed [3:0] \next$1  /*verilator public_flat_rw*/;",
        "  reg [15:0] ram [63:0] /*verilator public_flat_rw*/;",
        "  reg [15:0] _0_ /*verilator public_flat_rw*/;",
    ]
    assert expose(MODULE).replace(" /*verilator public_flat_rw*/", "") == MODULE


@pytest.mark.parametrize(
    "change, message",
    [
        (("    q <= d;", "    q[0] <= d;"), "q must be assigned as a whole"),
        (("  reg [7:0] q;", "  logic [7:0] q;"), "must declare q"),
    ],
)
def test_verilog_of_another_form_is_refused(change: tuple[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_storage(MODULE.replace(*change))


def test_registers_and_memories_are_those_of_the_elaborated_design_bit_by_bit() -> None:
    netlist = read_netlist(Top(config=NANO), clean=False)
    found = find_storage(verilog(NANO))
    unmatched = Counter((storage.symbol.partition(".")[2], storage.bits) for storage in found if not storage.is_memory)
    for register in netlist.registers:
        known = [(name, len(register.stored)) for name in netlist.names(register)]
        matched = [key for key in known if unmatched[key]]
        assert len(matched) == 1, f"{netlist.label(register)} must be one register of the Verilog, not {matched}"
        unmatched[matched[0]] -= 1
    read = Counter((storage.name.rpartition(".")[0], storage.bits) for storage in found if storage.symbol.endswith("_"))
    assert read == Counter((port.memory, len(port.stored)) for port in netlist.read_ports)
    assert sum(unmatched.values()) == len(netlist.read_ports)
    memories = {storage.name for storage in found if storage.is_memory}
    assert memories == {port.memory for port in netlist.write_ports}


def test_the_campaign_counts_every_register_bit(campaign: Campaign) -> None:
    netlist = read_netlist(Top(config=NANO), clean=False)
    assert campaign.space.bits == sum(len(cell.stored) for cell in [*netlist.registers, *netlist.read_ports])
