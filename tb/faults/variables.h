// The registers and memories of a Verilator model of class Vchip that were made `public_flat_rw`: their places, and how
// a bit of them is inverted.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "Vchip.h"
#include "Vchip___024root.h"
#include "verilated.h"
#include "verilated_sym_props.h"
#include "verilated_syms.h"

// A bit of a word of a variable, inverted just after rising edge `time`.
struct Fault {
    uint32_t variable, element, bit, time;
};

struct Variable {
    std::string name;
    uint8_t *data;
    uint32_t bits, size, elements;

    uint8_t *place(uint32_t element, uint32_t bit) const { return data + size_t{element} * size + bit / 8; }
};

// Name, bits and words, as a C interface gives them.
inline const char *describe(const Variable &variable, uint32_t *bits, uint32_t *elements) {
    *bits = variable.bits;
    *elements = variable.elements;
    return variable.name.c_str();
}

inline uint8_t *base_of(const Vchip &top) { return reinterpret_cast<uint8_t *>(top.rootp); }

// By name. Those that don't lie in the model's one object are left out: it is what is copied.
inline std::vector<Variable> list_variables(VerilatedContext &context, const Vchip &top) {
    std::vector<Variable> found;
    uint8_t *const base = base_of(top);
    for (const auto &scope : *context.scopeNameMap()) {
        if (!scope.second->varsp()) continue;
        for (const auto &entry : *scope.second->varsp()) {
            const VerilatedVar &variable = entry.second;
            auto *data = static_cast<uint8_t *>(variable.datap());
            const size_t size = variable.totalSize();
            if (data < base || data + size > base + sizeof(Vchip___024root)) continue;
            const uint32_t entry_size = variable.entSize();
            found.push_back({std::string(scope.first) + "." + entry.first, data, variable.entBits(), entry_size,
                             static_cast<uint32_t>(size / entry_size)});
        }
    }
    std::sort(found.begin(), found.end(), [](const Variable &a, const Variable &b) { return a.name < b.name; });
    return found;
}

// Inverts a bit at once and says whether it is inverted after `evaluate()`, in which all logic behind it sees it.
template <typename Evaluate>
bool flip(const Variable &variable, uint32_t element, uint32_t bit, const Evaluate &evaluate) {
    uint8_t *byte = variable.place(element, bit);
    const uint8_t mask = static_cast<uint8_t>(1u << bit % 8), before = *byte;
    *byte ^= mask;
    evaluate();
    return ((*byte ^ before) & mask) != 0;
}
