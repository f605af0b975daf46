// Single upsets of a Verilator model of one block: a run without a fault, with a copy of the whole model in each cycle,
// then the rest of it once for each fault. `block_ports.h` names the ports: INPUTS(F) and OUTPUTS(F).
//
// Cycle n: the inputs of row n are there, logic is evaluated, the outputs are row n. A fault at time n inverts a stored
// bit before that.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "variables.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

// A port has as many words of 64 bits as it needs.
template <typename Port> void put(Port &port, const uint64_t *&words) { port = static_cast<Port>(*words++); }
template <std::size_t N> void put(VlWide<N> &port, const uint64_t *&words) {
    for (std::size_t n = 0; n < N; ++n) port[n] = static_cast<uint32_t>(words[n / 2] >> 32 * (n % 2));
    words += (N + 1) / 2;
}
template <typename Port> void get(const Port &port, uint64_t *&words) { *words++ = port; }
template <std::size_t N> void get(const VlWide<N> &port, uint64_t *&words) {
    std::fill(words, words + (N + 1) / 2, 0);
    for (std::size_t n = 0; n < N; ++n) words[n / 2] |= uint64_t{port[n]} << 32 * (n % 2);
    words += (N + 1) / 2;
}

class Block {
public:
    Block() {
        top_ = std::make_unique<Vchip>(&context_, "chip");
        top_->clk = 1;
        top_->eval();
        variables_ = list_variables(context_, *top_);
    }

    ~Block() {
        Verilated::threadContextp(&context_);
        top_->final();
        top_.reset();
    }

    const std::vector<Variable> &variables() const { return variables_; }

    // Two cycles of reset after everything was filled with random bits, then a cycle for each row of inputs.
    void run(const uint64_t *inputs, size_t width, size_t cycles, uint64_t seed, uint64_t *outputs) {
        inputs_.assign(inputs, inputs + width * cycles);
        width_ = width;
        cycles_ = cycles;
        fill(seed);
        top_->rst = 1;
        std::vector<uint64_t> ignored(1024);
        for (int n = 0; n < 2; ++n) {
            uint64_t *place = ignored.data();
            begin(0, place);
            end();
        }
        top_->rst = 0;
        snapshots_.clear();
        for (size_t n = 0; n < cycles; ++n) {
            snapshots_.emplace_back(base(), base() + sizeof(Vchip___024root));
            begin(n, outputs);
            end();
        }
    }

    // The outputs from `time` on; false if the flipped bit doesn't read back.
    bool strike(size_t variable, size_t element, uint32_t bit, size_t time, uint64_t *outputs) {
        std::memcpy(base(), snapshots_[time].data(), snapshots_[time].size());
        if (!flip(variables_[variable], static_cast<uint32_t>(element), bit, [&] { begin(time, outputs); })) return false;
        end();
        for (size_t n = time + 1; n < cycles_; ++n) {
            begin(n, outputs);
            end();
        }
        return true;
    }

private:
    uint8_t *base() const { return base_of(*top_); }

    void begin(size_t cycle, uint64_t *&outputs) {
        const uint64_t *words = &inputs_[cycle * width_];
#define PUT(port) put(top_->port, words);
        INPUTS(PUT)
        top_->clk = 0;
        top_->eval();
#define GET(port) get(top_->port, outputs);
        OUTPUTS(GET)
    }

    void end() {
        top_->clk = 1;
        top_->eval();
    }

    void fill(uint64_t seed) {
        for (const Variable &variable : variables_) {
            for (size_t place = 0; place < size_t{variable.size} * variable.elements; ++place) {
                const int left = static_cast<int>(variable.bits) - 8 * static_cast<int>(place % variable.size);
                seed = seed * 6364136223846793005ull + 1442695040888963407ull;
                variable.data[place] = left <= 0 ? 0 : static_cast<uint8_t>(seed >> 56 & (left < 8 ? (1 << left) - 1 : 255));
            }
        }
    }

    VerilatedContext context_;
    std::unique_ptr<Vchip> top_;
    std::vector<Variable> variables_;
    std::vector<uint64_t> inputs_;
    std::vector<std::vector<uint8_t>> snapshots_;
    size_t width_ = 0, cycles_ = 0;
};

}  // namespace

EXPORT Block *chip_open() { return new Block; }

EXPORT void chip_close(Block *block) { delete block; }

EXPORT size_t chip_variables(const Block *block) { return block->variables().size(); }

EXPORT const char *chip_variable(const Block *block, size_t index, uint32_t *bits, uint32_t *elements) {
    return describe(block->variables()[index], bits, elements);
}

EXPORT void chip_run(Block *block, const uint64_t *inputs, size_t width, size_t cycles, uint64_t seed,
                     uint64_t *outputs) {
    block->run(inputs, width, cycles, seed, outputs);
}

EXPORT int chip_strike(Block *block, size_t variable, size_t element, uint32_t bit, size_t time, uint64_t *outputs) {
    return block->strike(variable, element, bit, time, outputs);
}
