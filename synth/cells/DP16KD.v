// DP16KD: 18,432 bit block RAM of Lattice ECP5 (sysMEM EBR), in the modes that Van Allen uses.
//
// Port A writes and reads, port B reads, both at the rising edges of one clock; a read takes a cycle, and an output keeps
// its value while CE is low. 2,048 bytes of 9 bits at the addresses AD13 to AD3: a port of 9, 18 or 36 bits holds whole
// bytes, the lower address first; one of 1, 2 or 4 bits parts of the lower 8 bits. A port of 18 bits has its byte enables
// at AD0 and AD1, one of 36 at AD0 to AD3; 36 bits take the data pins of both ports, A's for the lower half. In a write,
// port A's own output keeps its value (WRITEMODE_A "NORMAL"), is what was there ("READBEFOREWRITE") or what is there then
// ("WRITETHROUGH").
//
// Where port B reads what port A writes at the same edge, the block's output is undefined: here it is the complement of
// what was there, so that a design which uses it fails.
//
// What is not modelled stops the simulation and never gives a wrong value: another mode ends the build (no module is
// called MODE_NOT_MODELLED), a write by port B, a reset and a chip select end the run.
//
// Described in Lattice FPGA-TN-02204 (ECP5 memory usage guide), not checked against it. Names and behaviour: Yosys's
// declaration of the cell and how its
// synthesis connects it.

`default_nettype none

module DP16KD #(
    parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18, REGMODE_A = "NOREG", REGMODE_B = "NOREG",
    parameter RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC", CSDECODE_A = "0b000", CSDECODE_B = "0b000",
    parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL", CLKAMUX = "CLKA", CLKBMUX = "CLKB",
    parameter GSR = "ENABLED", INIT_DATA = "STATIC", WID = 0,
    parameter [319:0] INITVAL_00 = 320'd0, INITVAL_01 = 320'd0, INITVAL_02 = 320'd0, INITVAL_03 = 320'd0,
    parameter [319:0] INITVAL_04 = 320'd0, INITVAL_05 = 320'd0, INITVAL_06 = 320'd0, INITVAL_07 = 320'd0,
    parameter [319:0] INITVAL_08 = 320'd0, INITVAL_09 = 320'd0, INITVAL_0A = 320'd0, INITVAL_0B = 320'd0,
    parameter [319:0] INITVAL_0C = 320'd0, INITVAL_0D = 320'd0, INITVAL_0E = 320'd0, INITVAL_0F = 320'd0,
    parameter [319:0] INITVAL_10 = 320'd0, INITVAL_11 = 320'd0, INITVAL_12 = 320'd0, INITVAL_13 = 320'd0,
    parameter [319:0] INITVAL_14 = 320'd0, INITVAL_15 = 320'd0, INITVAL_16 = 320'd0, INITVAL_17 = 320'd0,
    parameter [319:0] INITVAL_18 = 320'd0, INITVAL_19 = 320'd0, INITVAL_1A = 320'd0, INITVAL_1B = 320'd0,
    parameter [319:0] INITVAL_1C = 320'd0, INITVAL_1D = 320'd0, INITVAL_1E = 320'd0, INITVAL_1F = 320'd0,
    parameter [319:0] INITVAL_20 = 320'd0, INITVAL_21 = 320'd0, INITVAL_22 = 320'd0, INITVAL_23 = 320'd0,
    parameter [319:0] INITVAL_24 = 320'd0, INITVAL_25 = 320'd0, INITVAL_26 = 320'd0, INITVAL_27 = 320'd0,
    parameter [319:0] INITVAL_28 = 320'd0, INITVAL_29 = 320'd0, INITVAL_2A = 320'd0, INITVAL_2B = 320'd0,
    parameter [319:0] INITVAL_2C = 320'd0, INITVAL_2D = 320'd0, INITVAL_2E = 320'd0, INITVAL_2F = 320'd0,
    parameter [319:0] INITVAL_30 = 320'd0, INITVAL_31 = 320'd0, INITVAL_32 = 320'd0, INITVAL_33 = 320'd0,
    parameter [319:0] INITVAL_34 = 320'd0, INITVAL_35 = 320'd0, INITVAL_36 = 320'd0, INITVAL_37 = 320'd0,
    parameter [319:0] INITVAL_38 = 320'd0, INITVAL_39 = 320'd0, INITVAL_3A = 320'd0, INITVAL_3B = 320'd0,
    parameter [319:0] INITVAL_3C = 320'd0, INITVAL_3D = 320'd0, INITVAL_3E = 320'd0, INITVAL_3F = 320'd0
) (
    input wire DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3,
        DIA2, DIA1, DIA0,
    input wire ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    input wire CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
    output wire DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4,
        DOA3, DOA2, DOA1, DOA0,
    input wire DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3,
        DIB2, DIB1, DIB0,
    input wire ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    input wire CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
    output wire DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4,
        DOB3, DOB2, DOB1, DOB0
);
    localparam BOTH_KNOWN = (DATA_WIDTH_A == 1 || DATA_WIDTH_A == 2 || DATA_WIDTH_A == 4 || DATA_WIDTH_A == 9
                             || DATA_WIDTH_A == 18 || DATA_WIDTH_A == 36)
                         && (DATA_WIDTH_B == 1 || DATA_WIDTH_B == 2 || DATA_WIDTH_B == 4 || DATA_WIDTH_B == 9
                             || DATA_WIDTH_B == 18 || DATA_WIDTH_B == 36);
    generate
        if (!BOTH_KNOWN || REGMODE_A != "NOREG" || REGMODE_B != "NOREG" || CSDECODE_A != "0b000"
            || CSDECODE_B != "0b000" || CLKAMUX != "CLKA" || CLKBMUX != "CLKB" || INIT_DATA != "STATIC"
            || (WRITEMODE_A != "NORMAL" && WRITEMODE_A != "READBEFOREWRITE" && WRITEMODE_A != "WRITETHROUGH"))
        begin : refused
            MODE_NOT_MODELLED dp16kd();
        end
    endgenerate

    // Rows of 36 bits, the widest word. A port's word begins at a bit of its row.
    function [5:0] place(input integer width, input [4:0] low);
        case (width)
            36: place = 6'd0;
            18: place = low[4] ? 6'd18 : 6'd0;
            9: place = 6'd9 * low[4:3];
            4: place = 6'd9 * low[4:3] + {3'b000, low[2], 2'b00};
            2: place = 6'd9 * low[4:3] + {3'b000, low[2:1], 1'b0};
            default: place = 6'd9 * low[4:3] + {3'b000, low[2:0]};
        endcase
    endfunction

    localparam [35:0] WORD_A = 36'hFFFFFFFFF >> (36 - DATA_WIDTH_A);
    localparam [35:0] WORD_B = 36'hFFFFFFFFF >> (36 - DATA_WIDTH_B);

    wire [13:0] address_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
    wire [13:0] address_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
    wire [17:0] data = {
        DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2,
        DIA1, DIA0};
    wire [17:0] upper_data = {
        DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2,
        DIB1, DIB0};
    wire [5:0] place_a = place(DATA_WIDTH_A, address_a[4:0]);
    wire [5:0] place_b = place(DATA_WIDTH_B, address_b[4:0]);
    wire [35:0] bytes = DATA_WIDTH_A == 36 ? {{9{ADA3}}, {9{ADA2}}, {9{ADA1}}, {9{ADA0}}}
                      : DATA_WIDTH_A == 18 ? {18'd0, {9{ADA1}}, {9{ADA0}}} : WORD_A;
    wire [35:0] mask = CEA & WEA ? bytes << place_a : 36'd0;
    wire [35:0] placed = (DATA_WIDTH_A == 36 ? {upper_data, data} : {18'd0, data}) << place_a;

    reg [35:0] memory [0:511];
    wire [35:0] row_a = memory[address_a[13:5]];
    wire [35:0] row_b = memory[address_b[13:5]];
    wire [35:0] written = row_a & ~mask | placed & mask;
    wire collision = address_a[13:5] == address_b[13:5] && |(mask & (WORD_B << place_b));
    wire [35:0] now_a = ((WRITEMODE_A == "WRITETHROUGH" ? written : row_a) >> place_a) & WORD_A;
    wire [35:0] now_b = ((collision ? ~row_b : row_b) >> place_b) & WORD_B;

    reg [35:0] read_a, read_b;
    always @(posedge CLKA) begin
        if (|mask) memory[address_a[13:5]] <= written;
        if (CEA && !(WEA && WRITEMODE_A == "NORMAL")) read_a <= now_a;
        if ((RSTA | CSA2 | CSA1 | CSA0) === 1'b1) $fatal(1, "DP16KD: reset and chip select aren't modelled");
    end
    always @(posedge CLKB) begin
        if (CEB) read_b <= now_b;
        if ((RSTB | CSB2 | CSB1 | CSB0) === 1'b1) $fatal(1, "DP16KD: reset and chip select aren't modelled");
        if ((CEB & WEB) === 1'b1) $fatal(1, "DP16KD: a write by port B isn't modelled");
    end

    assign {
        DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2,
        DOA1, DOA0
    } = DATA_WIDTH_B == 36 ? read_b[17:0] : read_a[17:0];
    assign {
        DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2,
        DOB1, DOB0
    } = DATA_WIDTH_B == 36 ? read_b[35:18] : read_b[17:0];

    localparam [20479:0] INIT = {
        INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
        INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
        INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
        INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
        INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
        INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
        INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
        INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
    };
    integer row;
    initial
        for (row = 0; row < 512; row = row + 1)
            memory[row] = {INIT[40 * row + 20 +: 18], INIT[40 * row +: 18]};
endmodule

`default_nettype wire
