// A RAM behind the chip's ports, to test the simulation target without the chip.
//
// Byte addresses 0 to 0x7FFF are 4,096 words. A write to 0x8000 raises the interrupt after that many cycles, one to
// 0x8008 lowers it; reading 0x8010 gives the cycles since reset, 0x8018 the most accesses of a kind in a row, one a
// cycle. 0x10000 and above answer DECERR (and so do reads of other registers), 0x20000 and above SLVERR, 0x30000 and above
// nothing. With WAIT_STATES every ready and every response waits at random. Errors in the use of the bus are counted at 0x8020.
module vanallen #(parameter WAIT_STATES = 0) (
    input clk, input rst,
    input [21:0] s_axi_awaddr, input [2:0] s_axi_awprot, input s_axi_awvalid, output s_axi_awready,
    input [63:0] s_axi_wdata, input [7:0] s_axi_wstrb, input s_axi_wvalid, output s_axi_wready,
    output [1:0] s_axi_bresp, output s_axi_bvalid, input s_axi_bready,
    input [21:0] s_axi_araddr, input [2:0] s_axi_arprot, input s_axi_arvalid, output s_axi_arready,
    output [63:0] s_axi_rdata, output [1:0] s_axi_rresp, output s_axi_rvalid, input s_axi_rready,
    output reg interrupt
);
    reg [63:0] memory [0:4095];
    reg [63:0] cycles, countdown, misuses;
    reg [31:0] random;
    always @(posedge clk) random <= rst ? 32'h2545F491 : {random[30:0], random[31] ^ random[21] ^ random[1] ^ random[0]};
    wire go_aw = WAIT_STATES == 0 || random[0];
    wire go_w = WAIT_STATES == 0 || random[5];
    wire go_ar = WAIT_STATES == 0 || random[11];
    wire go_b = WAIT_STATES == 0 || random[17];
    wire go_r = WAIT_STATES == 0 || random[23];

    function [1:0] response(input [21:0] address);
        response = address >= 22'h20000 ? 2'd2 : address >= 22'h10000 ? 2'd3 : 2'd0;
    endfunction

    // Writes: an address and a word are held until both are there; without wait states both pass in one cycle, and ready
    // depends on the other channel's valid.
    reg aw_held, w_held;
    reg [21:0] awaddr;
    reg [63:0] wdata;
    reg bvalid;
    reg [1:0] bresp;
    wire b_free = !bvalid || (s_axi_bready && go_b);
    wire aw_there = aw_held || (s_axi_awvalid && go_aw);
    wire w_there = w_held || (s_axi_wvalid && go_w);
    wire perform = aw_there && w_there && b_free;
    wire [21:0] write_address = aw_held ? awaddr : s_axi_awaddr;
    wire [63:0] write_data = w_held ? wdata : s_axi_wdata;
    wire dead = write_address >= 22'h30000;
    assign s_axi_awready = !aw_held && go_aw && (WAIT_STATES != 0 || perform);
    assign s_axi_wready = !w_held && go_w && (WAIT_STATES != 0 || perform);
    assign s_axi_bvalid = bvalid && go_b;
    assign s_axi_bresp = bvalid ? bresp : 2'd0;

    // Reads: one register between address and data.
    reg rvalid;
    reg [63:0] rdata;
    reg [1:0] rresp;
    wire r_free = !rvalid || (s_axi_rready && go_r);
    assign s_axi_arready = go_ar && r_free;
    assign s_axi_rvalid = rvalid && go_r;
    assign s_axi_rdata = rdata;
    assign s_axi_rresp = rresp;

    // What the manager must not do: take back a valid, change an address or data that wait, or write part of a word.
    reg aw_waited, w_waited, ar_waited;
    reg [21:0] aw_before, ar_before;
    reg [63:0] w_before;
    wire misuse = (aw_waited && (!s_axi_awvalid || s_axi_awaddr != aw_before))
        || (w_waited && (!s_axi_wvalid || s_axi_wdata != w_before))
        || (ar_waited && (!s_axi_arvalid || s_axi_araddr != ar_before))
        || (s_axi_wvalid && s_axi_wstrb != 8'hFF);

    reg [63:0] streak, longest, read_streak, read_longest;
    wire read_now = s_axi_arvalid && s_axi_arready;
    always @(posedge clk) begin
        cycles <= cycles + 1;
        aw_waited <= s_axi_awvalid && !s_axi_awready;
        w_waited <= s_axi_wvalid && !s_axi_wready;
        ar_waited <= s_axi_arvalid && !s_axi_arready;
        aw_before <= s_axi_awaddr;
        w_before <= s_axi_wdata;
        ar_before <= s_axi_araddr;
        if (misuse) misuses <= misuses + 1;
        streak <= perform ? streak + 1 : 0;
        if (streak > longest) longest <= streak;
        read_streak <= read_now ? read_streak + 1 : 0;
        if (read_streak > read_longest) read_longest <= read_streak;

        if (countdown != 0) countdown <= countdown - 1;
        if (countdown == 1) interrupt <= 1;
        aw_held <= (aw_held || (s_axi_awvalid && s_axi_awready)) && !perform;
        w_held <= (w_held || (s_axi_wvalid && s_axi_wready)) && !perform;
        if (!aw_held) awaddr <= s_axi_awaddr;
        if (!w_held) wdata <= s_axi_wdata;
        if (b_free) bvalid <= perform && !dead;
        if (perform) begin
            bresp <= response(write_address);
            if (write_address < 22'h8000) memory[write_address[14:3]] <= write_data;
            if (write_address == 22'h8000) countdown <= write_data;
            if (write_address == 22'h8008) interrupt <= 0;
        end
        if (r_free) begin
            rvalid <= read_now && s_axi_araddr < 22'h30000;
            rresp <= response(s_axi_araddr);
            case (s_axi_araddr)
                22'h8010: rdata <= cycles;
                22'h8018: rdata <= longest;
                22'h8020: rdata <= misuses;
                22'h8028: rdata <= read_longest;
                default: rdata <= memory[s_axi_araddr[14:3]];
            endcase
        end
        if (rst) begin
            {aw_held, w_held, bvalid, rvalid, interrupt, aw_waited, w_waited, ar_waited} <= 0;
            {cycles, countdown, misuses, streak, longest, read_streak, read_longest} <= 0;
        end
    end
endmodule
