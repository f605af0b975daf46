// The requantizer lane's Verilator model behind a C interface: a vector a cycle.
//
// Compiled together with the model of the module LaneTop of vectors.py by sw/driver/library.py.

#include <cstddef>
#include <cstdint>

#include "Vchip.h"
#include "verilated.h"

extern "C" __attribute__((visibility("default"))) void chip_run(
    size_t count, size_t latency, const int32_t *accumulator, const int32_t *bias, const uint32_t *scale,
    int8_t zero_point, int8_t low, int8_t high, int8_t *value) {
    VerilatedContext context;
    Vchip top(&context, "chip");
    top.rst = 0;
    top.zero_point = static_cast<uint8_t>(zero_point);
    top.low = static_cast<uint8_t>(low);
    top.high = static_cast<uint8_t>(high);
    for (size_t cycle = 0; cycle < count + latency; ++cycle) {
        const size_t index = cycle < count ? cycle : count - 1;
        top.accumulator = static_cast<uint32_t>(accumulator[index]);
        top.bias = static_cast<uint32_t>(bias[index]);
        top.scale = scale[index];
        top.clk = 0;
        top.eval();
        if (cycle >= latency) value[cycle - latency] = static_cast<int8_t>(top.value);
        top.clk = 1;
        top.eval();
    }
    top.final();
}
