// MULT18X18D: 18 x 18 bit multiplier of the Lattice ECP5 sysDSP slice, in the modes that Van Allen uses.
//
// P = A * B, 36 bits; each operand is signed or unsigned as SIGNEDA and SIGNEDB say. Registers at A, at B, behind the
// multiplier (pipeline) and at P are there or not; each takes one of the four clock enables. All take CLK0.
//
// What is not modelled stops the simulation and never gives a wrong value: another clock or mode ends the build (no module
// is called MODE_NOT_MODELLED), a reset, operands from the shift chain and a sign that changes end the run. Pins of shift
// chain and cascade are no ports here.
//
// Described in Lattice FPGA-TN-02205 (ECP5 sysDSP usage guide), not checked against it. Names and behaviour: Yosys's
// declaration of the cell.

`default_nettype none

module MULT18X18D #(
    parameter REG_INPUTA_CLK = "NONE", REG_INPUTA_CE = "CE0", REG_INPUTA_RST = "RST0",
    parameter REG_INPUTB_CLK = "NONE", REG_INPUTB_CE = "CE0", REG_INPUTB_RST = "RST0",
    parameter REG_INPUTC_CLK = "NONE", REG_INPUTC_CE = "CE0", REG_INPUTC_RST = "RST0",
    parameter REG_PIPELINE_CLK = "NONE", REG_PIPELINE_CE = "CE0", REG_PIPELINE_RST = "RST0",
    parameter REG_OUTPUT_CLK = "NONE", REG_OUTPUT_CE = "CE0", REG_OUTPUT_RST = "RST0",
    parameter CLK0_DIV = "ENABLED", CLK1_DIV = "ENABLED", CLK2_DIV = "ENABLED", CLK3_DIV = "ENABLED",
    parameter GSR = "ENABLED", HIGHSPEED_CLK = "NONE", CAS_MATCH_REG = "FALSE", SOURCEB_MODE = "B_SHIFT",
    parameter MULT_BYPASS = "DISABLED", RESETMODE = "SYNC"
) (
    input wire A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
    input wire B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
    input wire C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
    input wire SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
    input wire CLK3, CLK2, CLK1, CLK0, CE3, CE2, CE1, CE0, RST3, RST2, RST1, RST0,
    output wire P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17,
        P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
    generate
        if (HIGHSPEED_CLK != "NONE" || MULT_BYPASS != "DISABLED" || REG_INPUTC_CLK != "NONE") begin : refused
            MODE_NOT_MODELLED mult18x18d();
        end
    endgenerate

    wire [3:0] enables = {CE3, CE2, CE1, CE0};
    wire [17:0] a, b;
    wire signed [18:0] left = {SIGNEDA & a[17], a};
    wire signed [18:0] right = {SIGNEDB & b[17], b};
    wire signed [37:0] full = left * right;
    wire [35:0] product, result;

    MULT18X18D_register #(.CLK(REG_INPUTA_CLK), .CE(REG_INPUTA_CE), .WIDTH(18)) input_a (
        .clock(CLK0), .enables(enables), .o(a),
        .i({A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0}));
    MULT18X18D_register #(.CLK(REG_INPUTB_CLK), .CE(REG_INPUTB_CE), .WIDTH(18)) input_b (
        .clock(CLK0), .enables(enables), .o(b),
        .i({B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0}));
    MULT18X18D_register #(.CLK(REG_PIPELINE_CLK), .CE(REG_PIPELINE_CE), .WIDTH(36)) pipeline (
        .clock(CLK0), .enables(enables), .o(product), .i(full[35:0]));
    MULT18X18D_register #(.CLK(REG_OUTPUT_CLK), .CE(REG_OUTPUT_CE), .WIDTH(36)) output_p (
        .clock(CLK0), .enables(enables), .o(result), .i(product));
    assign {
        P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15,
        P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
    } = result;

    reg [2:0] signs;
    initial signs = 3'b000;
    always @(posedge CLK0) begin
        signs <= {1'b1, SIGNEDA, SIGNEDB};
        if (signs[2] && signs[1:0] !== {SIGNEDA, SIGNEDB}) $fatal(1, "MULT18X18D: signs that change aren't modelled");
        if ((RST0 | RST1 | RST2 | RST3) === 1'b1) $fatal(1, "MULT18X18D: a reset isn't modelled");
    end
    always @(SOURCEA or SOURCEB)
        if ((SOURCEA | SOURCEB) === 1'b1) $fatal(1, "MULT18X18D: operands of the shift chain aren't modelled");
endmodule

// A register of the multiplier, or a wire where CLK is "NONE".
module MULT18X18D_register #(parameter CLK = "NONE", CE = "CE0", WIDTH = 18) (
    input wire clock,
    input wire [3:0] enables,
    input wire [WIDTH-1:0] i,
    output wire [WIDTH-1:0] o
);
    localparam ENABLE = CE == "CE3" ? 3 : CE == "CE2" ? 2 : CE == "CE1" ? 1 : CE == "CE0" ? 0 : -1;

    generate
        if (ENABLE < 0 || (CLK != "CLK0" && CLK != "NONE")) begin : refused
            MODE_NOT_MODELLED mult18x18d_register();
        end else if (CLK == "CLK0") begin : registered
            reg [WIDTH-1:0] state;
            always @(posedge clock) if (enables[ENABLE]) state <= i;
            assign o = state;
        end else begin : wired
            assign o = i;
        end
    endgenerate
endmodule

`default_nettype wire
