// The Verilator model of FrameLink with characters at one side and a RAM at the other, both at random speed.
//
// The RAM answers SLVERR from address `refused` on. Every write it carries out is logged, so that a test sees not only
// what memory holds but that nothing was written at all.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "Vchip.h"
#include "verilated.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr uint32_t OKAY = 0, SLVERR = 2;

class Chip {
public:
    Chip() : memory_(1 << 19) {
        context_.randReset(0);
        top_ = std::make_unique<Vchip>(&context_, "chip");
        top_->rst = 1;
        for (int n = 0; n < 4; ++n) settle(), edge();
        top_->rst = 0;
    }

    void settings(uint32_t refused, uint64_t seed, unsigned speed) {
        refused_ = refused;
        random_ = seed | 1;
        speed_ = speed;
    }

    // Offers the characters; then runs until nothing has happened for `quiet` cycles. Returns the bytes that came out.
    size_t exchange(const uint16_t *in, size_t count, uint8_t *out, size_t capacity, uint64_t quiet) {
        size_t taken = 0, given = 0;
        for (uint64_t still = 0; taken < count || still < quiet; ++still) {
            top_->i___05Fvalid = taken < count && (top_->i___05Fvalid || likely());
            if (top_->i___05Fvalid) top_->i___05Fpayload = in[taken];
            top_->o___05Fready = likely();
            top_->bus___05Fawready = !has_address_ && likely();
            top_->bus___05Fwready = !has_word_ && likely();
            top_->bus___05Farready = !top_->bus___05Frvalid && !has_question_ && likely();
            settle();
            const bool took = top_->i___05Fvalid && top_->i___05Fready;
            const bool gave = top_->o___05Fvalid && top_->o___05Fready;
            if (gave && given < capacity) out[given++] = top_->o___05Fpayload;
            const bool moved = shake_hands();
            edge();
            if (took) top_->i___05Fvalid = 0;
            taken += took;
            if (took || gave || moved) still = 0;
            answer();
        }
        return given;
    }

    const std::vector<uint64_t> &log() const { return log_; }
    void clear() { log_.clear(); }
    uint64_t *memory() { return memory_.data(); }
    unsigned discarded() const { return top_->discarded; }

private:
    bool likely() {
        random_ ^= random_ << 13;
        random_ ^= random_ >> 7;
        random_ ^= random_ << 17;
        return (random_ >> 32) % 16 < speed_;
    }

    void settle() {
        top_->clk = 0;
        top_->eval();
    }

    void edge() {
        top_->clk = 1;
        top_->eval();
    }

    // Takes what the manager offers and lets it take what is answered; whether anything is under way.
    bool shake_hands() {
        if (top_->bus___05Fawvalid && top_->bus___05Fawready) has_address_ = true, address_ = top_->bus___05Fawaddr;
        if (top_->bus___05Fwvalid && top_->bus___05Fwready) has_word_ = true, word_ = top_->bus___05Fwdata;
        if (top_->bus___05Farvalid && top_->bus___05Farready) has_question_ = true, question_ = top_->bus___05Faraddr;
        b_taken_ = top_->bus___05Fbvalid && top_->bus___05Fbready;
        r_taken_ = top_->bus___05Frvalid && top_->bus___05Frready;
        return top_->bus___05Fawvalid || top_->bus___05Farvalid || has_address_ || has_question_;
    }

    // Ends what was taken, and answers what waits; after the clock edge.
    void answer() {
        if (b_taken_) top_->bus___05Fbvalid = 0;
        if (r_taken_) top_->bus___05Frvalid = 0;
        if (has_address_ && has_word_ && !top_->bus___05Fbvalid && likely()) {
            has_address_ = has_word_ = false;
            top_->bus___05Fbvalid = 1;
            top_->bus___05Fbresp = address_ < refused_ ? OKAY : SLVERR;
            if (address_ < refused_) {
                memory_[address_ >> 3] = word_;
                log_.push_back(address_);
                log_.push_back(word_);
            }
        }
        if (has_question_ && likely()) {
            has_question_ = false;
            top_->bus___05Frvalid = 1;
            top_->bus___05Frresp = question_ < refused_ ? OKAY : SLVERR;
            top_->bus___05Frdata = question_ < refused_ ? memory_[question_ >> 3] : 0;
        }
    }

    VerilatedContext context_;
    std::unique_ptr<Vchip> top_;
    std::vector<uint64_t> memory_, log_;
    bool has_address_ = false, has_word_ = false, has_question_ = false, b_taken_ = false, r_taken_ = false;
    uint32_t address_ = 0, question_ = 0;
    uint64_t word_ = 0;
    uint32_t refused_ = 1u << 22;
    uint64_t random_ = 1;
    unsigned speed_ = 16;
};

}  // namespace

EXPORT Chip *chip_open() { return new Chip; }

EXPORT void chip_close(Chip *chip) { delete chip; }

EXPORT void chip_settings(Chip *chip, uint32_t refused, uint64_t seed, unsigned speed) {
    chip->settings(refused, seed, speed);
}

EXPORT size_t chip_exchange(Chip *chip, const uint16_t *in, size_t count, uint8_t *out, size_t capacity,
                            uint64_t quiet) {
    return chip->exchange(in, count, out, capacity, quiet);
}

// Copies the log of writes (address and word of each) and empties it; `log` has room for `capacity` numbers.
EXPORT size_t chip_log(Chip *chip, uint64_t *log, size_t capacity) {
    const size_t count = chip->log().size();
    for (size_t n = 0; n < count && n < capacity; ++n) log[n] = chip->log()[n];
    chip->clear();
    return count;
}

EXPORT uint64_t *chip_memory(Chip *chip) { return chip->memory(); }

EXPORT unsigned chip_discarded(Chip *chip) { return chip->discarded(); }
