// The chip's Verilator model behind a C interface: an AXI4-Lite manager that counts cycles.
//
// Compiled together with the model of the top module (class Vchip, with the ports of the chip) by library.py. Signals
// change after the rising edge of clk and are sampled before the next one, after the model has settled, so a ready may
// depend on its valid within the cycle. Every loop ends: after `patience` cycles without a handshake, or after a limit.
// With VANALLEN_UPSETS stored bits are inverted at times planned ahead, whatever the bus does then (tb/faults/upsets.h).
// With VANALLEN_SELECT the top module has an input `mutant` besides: which of the faults built into it is active.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "Vchip.h"
#include "verilated.h"
#ifdef VANALLEN_WAVES
#include "verilated_vcd_c.h"
#endif
#ifdef VANALLEN_UPSETS
#include "upsets.h"
#endif

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr int DONE = 0;
constexpr int TIMEOUT = 1;
constexpr uint32_t BUS_BYTES = 8;

// The first access of a block that was answered with an error; response is 0 if there was none.
struct Failure {
    uint64_t index;
    uint32_t response;
};

class Chip {
public:
    explicit Chip(const char *waves) {
        context_.randReset(0);
#ifdef VANALLEN_WAVES
        context_.traceEverOn(true);
#endif
        top_ = std::make_unique<Vchip>(&context_, "chip");
#ifdef VANALLEN_WAVES
        top_->trace(&trace_, 99);
        trace_.open(waves);
#else
        (void)waves;
#endif
        top_->clk = 0;
        top_->rst = 1;
        idle();
#ifdef VANALLEN_UPSETS
        upsets_ = std::make_unique<Upsets>(context_, *top_);
#endif
    }

    // Verilator takes the model's scopes out of the context of the thread, which may be that of another chip.
    ~Chip() {
        Verilated::threadContextp(&context_);
        top_->final();
#ifdef VANALLEN_WAVES
        trace_.close();
#endif
        top_.reset();
    }

    void reset(uint64_t cycles) {
        idle();
        top_->rst = 1;
        for (uint64_t n = 0; n < cycles; ++n) cycle();
        top_->rst = 0;
    }

    // Addresses and data are offered back to back, each until it is taken; responses are always accepted.
    int write(uint32_t address, const uint64_t *data, size_t count, uint64_t patience, Failure *failure) {
        size_t addresses = 0, words = 0, responses = 0;
        uint64_t last = cycles_;
        *failure = {0, 0};
        top_->s_axi_bready = 1;
        top_->s_axi_wstrb = 0xFF;
        while (responses < count && cycles_ - last < patience) {
            top_->s_axi_awvalid = addresses < count;
            top_->s_axi_wvalid = words < count;
            if (addresses < count) top_->s_axi_awaddr = address + BUS_BYTES * static_cast<uint32_t>(addresses);
            if (words < count) top_->s_axi_wdata = data[words];
            settle();
            const bool address_taken = top_->s_axi_awvalid && top_->s_axi_awready;
            const bool word_taken = top_->s_axi_wvalid && top_->s_axi_wready;
            const bool responded = top_->s_axi_bvalid;
            if (responded) note(top_->s_axi_bresp, responses, failure);
            edge();
            addresses += address_taken;
            words += word_taken;
            responses += responded;
            if (address_taken || word_taken || responded) last = cycles_;
        }
        idle();
        return responses == count ? DONE : TIMEOUT;
    }

    // Addresses are offered back to back, while the data of earlier ones return.
    int read(uint32_t address, uint64_t *data, size_t count, uint64_t patience, Failure *failure) {
        size_t addresses = 0, responses = 0;
        uint64_t last = cycles_;
        *failure = {0, 0};
        top_->s_axi_rready = 1;
        while (responses < count && cycles_ - last < patience) {
            top_->s_axi_arvalid = addresses < count;
            if (addresses < count) top_->s_axi_araddr = address + BUS_BYTES * static_cast<uint32_t>(addresses);
            settle();
            const bool address_taken = top_->s_axi_arvalid && top_->s_axi_arready;
            const bool responded = top_->s_axi_rvalid;
            if (responded) {
                data[responses] = top_->s_axi_rdata;
                note(top_->s_axi_rresp, responses, failure);
            }
            edge();
            addresses += address_taken;
            responses += responded;
            if (address_taken || responded) last = cycles_;
        }
        idle();
        return responses == count ? DONE : TIMEOUT;
    }

    // A write and a read, offered in the same cycle; the word follows its address `late` cycles later. Failure 0 is the
    // write's, 1 the read's.
    int meet(uint32_t write_address, uint64_t word, uint8_t strobe, uint64_t late, uint32_t read_address,
             uint64_t *read, uint64_t patience, Failure *failure) {
        bool address_left = true, word_left = true, read_left = true, written = false, answered = false;
        const uint64_t begin = cycles_;
        *failure = {0, 0};
        top_->s_axi_bready = top_->s_axi_rready = 1;
        top_->s_axi_awaddr = write_address;
        top_->s_axi_wdata = word;
        top_->s_axi_wstrb = strobe;
        top_->s_axi_araddr = read_address;
        while (!(written && answered) && cycles_ - begin < patience) {
            top_->s_axi_awvalid = address_left;
            top_->s_axi_wvalid = word_left && cycles_ - begin >= late;
            top_->s_axi_arvalid = read_left;
            settle();
            address_left = address_left && !top_->s_axi_awready;
            word_left = word_left && !(top_->s_axi_wvalid && top_->s_axi_wready);
            read_left = read_left && !top_->s_axi_arready;
            if (top_->s_axi_bvalid) {
                written = true;
                note(top_->s_axi_bresp, 0, failure);
            }
            if (top_->s_axi_rvalid) {
                answered = true;
                *read = top_->s_axi_rdata;
                note(top_->s_axi_rresp, 1, failure);
            }
            edge();
        }
        idle();
        return written && answered ? DONE : TIMEOUT;
    }

    // Runs until the interrupt line is high, or for `limit` cycles.
    int wait(uint64_t limit) {
        const uint64_t begin = cycles_;
        while (!top_->__SYM__interrupt && cycles_ - begin < limit) cycle();
        return top_->__SYM__interrupt ? DONE : TIMEOUT;
    }

    uint64_t cycles() const { return cycles_; }

#ifdef VANALLEN_SELECT
    void select(uint32_t mutant) { top_->mutant = mutant; }
#endif

#ifdef VANALLEN_UPSETS
    Upsets &upsets() const { return *upsets_; }
#endif

private:
    static void note(uint32_t response, size_t index, Failure *failure) {
        if (response && !failure->response) *failure = {index, response};
    }

    void idle() {
        top_->s_axi_awvalid = top_->s_axi_wvalid = top_->s_axi_arvalid = 0;
        top_->s_axi_bready = top_->s_axi_rready = 0;
        top_->s_axi_awprot = top_->s_axi_arprot = 0;
    }

    void settle() {
        top_->clk = 0;
        evaluate();
    }

    void edge() {
        top_->clk = 1;
        evaluate();
        ++cycles_;
#ifdef VANALLEN_UPSETS
        upsets_->strike(cycles_);
#endif
    }

    void cycle() {
        settle();
        edge();
    }

    void evaluate() {
        top_->eval();
#ifdef VANALLEN_WAVES
        trace_.dump(2 * cycles_ + top_->clk);
#endif
    }

    VerilatedContext context_;
    std::unique_ptr<Vchip> top_;
#ifdef VANALLEN_WAVES
    VerilatedVcdC trace_;
#endif
#ifdef VANALLEN_UPSETS
    std::unique_ptr<Upsets> upsets_;
#endif
    uint64_t cycles_ = 0;
};

}  // namespace

EXPORT Chip *chip_open(const char *waves) { return new Chip(waves); }

EXPORT void chip_close(Chip *chip) { delete chip; }

EXPORT void chip_reset(Chip *chip, uint64_t cycles) { chip->reset(cycles); }

EXPORT uint64_t chip_cycles(const Chip *chip) { return chip->cycles(); }

EXPORT int chip_write(Chip *chip, uint32_t address, const uint64_t *data, size_t count, uint64_t patience,
                      Failure *failure) {
    return chip->write(address, data, count, patience, failure);
}

EXPORT int chip_read(Chip *chip, uint32_t address, uint64_t *data, size_t count, uint64_t patience, Failure *failure) {
    return chip->read(address, data, count, patience, failure);
}

EXPORT int chip_meet(Chip *chip, uint32_t write_address, uint64_t word, uint8_t strobe, uint64_t late,
                     uint32_t read_address, uint64_t *read, uint64_t patience, Failure *failure) {
    return chip->meet(write_address, word, strobe, late, read_address, read, patience, failure);
}

EXPORT int chip_wait(Chip *chip, uint64_t limit) { return chip->wait(limit); }

#ifdef VANALLEN_SELECT
EXPORT void chip_select(Chip *chip, uint32_t mutant) { chip->select(mutant); }
#endif

#ifdef VANALLEN_UPSETS
EXPORT size_t chip_variables(const Chip *chip) { return chip->upsets().variables().size(); }

EXPORT const char *chip_variable(const Chip *chip, size_t index, uint32_t *bits, uint32_t *elements) {
    return describe(chip->upsets().variables()[index], bits, elements);
}

EXPORT void chip_plan(Chip *chip, const Fault *faults, size_t count) { chip->upsets().plan(faults, count); }

EXPORT void chip_keep(Chip *chip) { chip->upsets().keep(); }

EXPORT void chip_back(Chip *chip) { chip->upsets().back(); }

EXPORT void chip_mark(Chip *chip) { chip->upsets().mark(); }

EXPORT uint32_t chip_worst(const Chip *chip, const uint32_t *variables, size_t count) {
    return chip->upsets().worst(variables, count);
}

EXPORT uint64_t chip_struck(const Chip *chip, uint64_t *lost) {
    *lost = chip->upsets().lost();
    return chip->upsets().done();
}
#endif
