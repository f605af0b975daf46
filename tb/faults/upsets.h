// What axi_lite.cpp inverts while it drives the chip: bits and times that are planned ahead.

#pragma once

#include <cstddef>
#include <cstdint>
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

    // How many were inverted, and how many of those came too late or don't read back.
    uint64_t done() const { return done_; }
    uint64_t lost() const { return lost_; }

private:
    Vchip &top_;
    std::vector<Variable> variables_;
    std::vector<Fault> planned_;
    uint64_t done_ = 0, lost_ = 0;
};
