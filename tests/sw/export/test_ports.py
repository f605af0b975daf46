"""The port list, read from Verilog as Yosys writes it."""

import pytest

from vanallen.sw.export.ports import Port, ports

VERILOG = """
module leaf(x);
  input [3:0] x;
  wire [3:0] x;
endmodule

(* generator = "Amaranth" *)
(* top =  1  *)
(* src = "chip.py:1" *)
module chip(clk, rst, data, ready, \
 narrow);
  input clk;
  wire clk;
  input rst;
  input [63:0] data;
  output ready;
  output [0:0] narrow;
  reg [7:0] state = 8'h00;
endmodule
""".replace("\\\n", "")


def test_ports_of_the_top_in_their_order():
    assert ports(VERILOG, "chip") == [
        Port("clk", "input", 1),
        Port("rst", "input", 1),
        Port("data", "input", 64),
        Port("ready", "output", 1),
        Port("narrow", "output", 1),
    ]


def test_text_without_the_module_is_refused():
    with pytest.raises(ValueError, match="must have a module hip"):
        ports(VERILOG, "hip")


def test_port_without_declaration_is_refused():
    with pytest.raises(ValueError, match="not leave out data"):
        ports(VERILOG.replace("input [63:0] data;", ""), "chip")
