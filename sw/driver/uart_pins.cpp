// The Verilator model of the board's top module behind a C interface: bytes to and from the pins of its serial line.
//
// Compiled together with the model (class Vchip, with the ports of rtl/system.py) by library.py. The line is idle high;
// a bit takes `divisor` cycles of the link's clock, as on the board. The chip's clock is as fast and half a cycle late.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "Vchip.h"
#include "verilated.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr unsigned FRAME_BITS = 10;
constexpr unsigned RESET_CYCLES = 4;

class Board {
public:
    explicit Board(unsigned divisor) : divisor_(divisor) {
        context_.randReset(0);
        top_ = std::make_unique<Vchip>(&context_, "board");
        top_->rx = 1;
        top_->rst = top_->link_rst = 1;
        for (unsigned n = 0; n < RESET_CYCLES; ++n) cycle();
        top_->rst = top_->link_rst = 0;
    }

    ~Board() { top_->final(); }

    // Runs for `cycles`. Takes bytes from `in` as the line takes them, and puts into `out` what the board has sent.
    void run(uint64_t cycles, const uint8_t *in, size_t count, size_t *taken, uint8_t *out, size_t capacity,
             size_t *given) {
        *taken = *given = 0;
        for (uint64_t n = 0; n < cycles && *given < capacity; ++n) {
            if (sending_ == 0 && *taken < count) {
                sending_ = FRAME_BITS * divisor_;
                frame_ = in[(*taken)++] << 1 | 1u << (FRAME_BITS - 1);
            }
            top_->rx = sending_ == 0 || (frame_ >> ((FRAME_BITS * divisor_ - sending_) / divisor_) & 1);
            sending_ -= sending_ != 0;
            cycle();
            if (receive()) out[(*given)++] = static_cast<uint8_t>(received_ >> 1);
        }
    }

    // Whether a byte is on its way in either direction.
    bool moving() const { return sending_ != 0 || receiving_ != 0; }
    bool interrupt() const { return top_->__SYM__interrupt; }
    unsigned discarded() const { return top_->discarded; }
    uint64_t cycles() const { return cycles_; }

private:
    // Samples the pin in the middle of each bit; whether a byte is complete.
    bool receive() {
        if (receiving_ == 0) {
            if (top_->tx) return false;
            receiving_ = FRAME_BITS * divisor_;
            received_ = 0;
        }
        const unsigned passed = FRAME_BITS * divisor_ - receiving_;
        if (passed % divisor_ == divisor_ / 2) received_ |= static_cast<unsigned>(top_->tx) << (passed / divisor_);
        // The next start bit may follow at once: the stop bit is sampled, and not waited for.
        if (passed == (FRAME_BITS - 1) * divisor_ + divisor_ / 2) receiving_ = 1;
        return --receiving_ == 0;
    }

    void cycle() {
        top_->clk = 0;
        top_->link_clk = 1;
        top_->eval();
        top_->link_clk = 0;
        top_->clk = 1;
        top_->eval();
        ++cycles_;
    }

    VerilatedContext context_;
    std::unique_ptr<Vchip> top_;
    const unsigned divisor_;
    unsigned sending_ = 0, frame_ = 0, receiving_ = 0, received_ = 0;
    uint64_t cycles_ = 0;
};

}  // namespace

EXPORT Board *chip_open(unsigned divisor) { return new Board(divisor); }

EXPORT void chip_close(Board *board) { delete board; }

EXPORT void chip_run(Board *board, uint64_t cycles, const uint8_t *in, size_t count, size_t *taken, uint8_t *out,
                     size_t capacity, size_t *given) {
    board->run(cycles, in, count, taken, out, capacity, given);
}

EXPORT int chip_moving(const Board *board) { return board->moving(); }

EXPORT int chip_interrupt(const Board *board) { return board->interrupt(); }

EXPORT unsigned chip_discarded(const Board *board) { return board->discarded(); }

EXPORT uint64_t chip_cycles(const Board *board) { return board->cycles(); }
