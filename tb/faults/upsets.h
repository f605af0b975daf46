// What axi_lite.cpp inverts while it drives the chip: bits and times that are planned ahead.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "variables.h"

class Upsets {
public:
    Upsets(VerilatedContext &context, Vchip &top) : top_(top), variables_(list_variables(context, top)) {}

    const std::vector<Variable> &variables() const { return variables_; }

    // Adds faults, in the order of their times and behind those that are planned.
    void plan(const Fault *faults, size_t count) { planned_.insert(planned_.end(), faults, faults + count); }

    // Just after rising edge `time`, the logic evaluated.
    void strike(uint64_t time) {
        while (done_ < planned_.size() && planned_[done_].time <= time) {
            const Fault &fault = planned_[done_++];
            const auto evaluate = [this] { top_.eval(); };
            lost_ += fault.time != time || !flip(variables_[fault.variable], fault.element, fault.bit, evaluate);
        }
    }

    // A copy of the whole model, and the model as it was then.
    void keep() { kept_.assign(base_of(top_), base_of(top_) + sizeof(Vchip___024root)); }
    void back() { std::memcpy(base_of(top_), kept_.data(), kept_.size()); }

    // How many bits of a word differ from what they were when `mark` was called, in the worst word of these variables.
    void mark() { marked_.assign(base_of(top_), base_of(top_) + sizeof(Vchip___024root)); }
    uint32_t worst(const uint32_t *variables, size_t count) const {
        uint32_t worst = 0;
        for (size_t n = 0; n < count; ++n) {
            const Variable &variable = variables_[variables[n]];
            const uint8_t *there = marked_.data() + (variable.data - base_of(top_));
            if (std::memcmp(variable.data, there, size_t{variable.size} * variable.elements) == 0) continue;
            for (size_t word = 0; word < variable.elements; ++word) {
                uint32_t bits = 0;
                for (size_t byte = word * variable.size; byte < (word + 1) * variable.size; ++byte)
                    bits += __builtin_popcount(variable.data[byte] ^ there[byte]);
                worst = std::max(worst, bits);
            }
        }
        return worst;
    }

    // How many were inverted, and how many of those came too late or don't read back.
    uint64_t done() const { return done_; }
    uint64_t lost() const { return lost_; }

private:
    Vchip &top_;
    std::vector<Variable> variables_;
    std::vector<Fault> planned_;
    std::vector<uint8_t> kept_, marked_;
    uint64_t done_ = 0, lost_ = 0;
};
