// Single upsets of a Verilator model behind a C interface: a host's script is run once without a fault, with a copy of
// the whole model every few cycles, then once for each fault from the copy before it.
//
// Time: the state at time t is what shows after rising edge t, counted from the start of the script. A fault at time t
// inverts a stored bit just after that edge; all logic of the cycle sees it: registers and memories are
// `public_flat_rw`, so each evaluation of the model is of all logic behind them. The bit is read back after that.
//
// The host is a record of plain numbers that steps with the chip's clock. It is copied and compared with the model.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "variables.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

enum Kind : uint32_t { WRITE = 0, AWAIT = 1, CHECK = 2, COUNT = 3 };

// How often an access that is answered with an error is made again.
constexpr uint64_t RETRIES = 2;

enum Status : int { OK = 0, HANG = -1, REFUSED = -2, LOST = -3 };

// WRITE: the word. AWAIT: the word of `status` that ends the job under `mask`, and that of its failure. CHECK: the word
// that must be read under `mask`. COUNT: a counter is read. `job` is the job it belongs to.
struct Operation {
    uint32_t kind, job;
    uint32_t address, limit;
    uint64_t word, failed, mask;
};

// What the host is doing. `age`: cycles since the operation began; `taken`: channels that shook hands; `refused`: how
// often it was answered with an error.
struct Host {
    uint64_t operation, age, taken, reading, until, last, refused;
};

// What the host has seen; `done`: cycles from the start of AWAIT to its end. Jobs are 1 and 2, 0 is none.
struct Seen {
    uint32_t failed, wrong;
    uint32_t done[2];
    uint64_t counts[4];
    uint32_t counters;
};

// What became of a fault. `hang`, `refused`, `failed`, `wrong`: the job in which it was first seen, 0 if it wasn't.
// `live`: live state differs at the end: 1 in registers, 2 in memories, 3 in both. `converged`: it was the recorded run
// from some time on. `moved`: counters, a bit each. `inferred`: it is the fault of the next record, a cycle earlier.
// `late`: cycles by which job 1, or else job 2, ended at another time. `cause`: what the first replay began for, UNNAMED
// if the chip holds no code for it, 0 if there was none; `clean`: only right words had been written, `judged` as it ended.
struct Record {
    uint8_t hang, refused, failed, wrong, live, converged, moved, inferred;
    int32_t late;
    uint32_t simulated;
    uint8_t cause, clean;
    uint16_t judged;
};

constexpr uint8_t UNNAMED = 255;

// Where a chip's replays are seen: the three copies of the register that has the value `replaying` meanwhile, those of
// the code of the cause a cycle before, and the memories that outputs are written to.
struct Replays {
    uint32_t phases[3], causes[3], replaying, memories, memory[4];
};

struct Span {
    size_t offset, size;
};

struct Snapshot {
    Host host;
    std::vector<uint8_t> state;
};

class Chip {
public:
    Chip() {
        context_.randReset(0);
        top_ = std::make_unique<Vchip>(&context_, "chip");
        top_->clk = 0;
        top_->rst = 1;
        idle();
        top_->eval();
        variables_ = list_variables(context_, *top_);
    }

    // Verilator takes the model's scopes out of the context of the thread, which may be that of another chip.
    ~Chip() {
        Verilated::threadContextp(&context_);
        top_->final();
        top_.reset();
    }

    const std::vector<Variable> &variables() const { return variables_; }

    void reset(uint64_t cycles, uint64_t after) {
        idle();
        top_->rst = 1;
        for (uint64_t n = 0; n < cycles; ++n) clock();
        top_->rst = 0;
        for (uint64_t n = 0; n < after; ++n) clock();
    }

    // Which variables are compared for live state; memories go last.
    void live(const uint8_t *chosen) {
        registers_.clear();
        memories_.clear();
        all_.clear();
        for (size_t index = 0; index < variables_.size(); ++index) {
            const Variable &variable = variables_[index];
            const Span span{static_cast<size_t>(variable.data - base()), variable.size * size_t{variable.elements}};
            all_.push_back(span);
            if (chosen[index]) (variable.elements > 1 ? memories_ : registers_).push_back(span);
        }
        join(registers_);
        join(memories_);
        join(all_);
    }

    void watch(const Replays &replays) { replays_ = replays; }

    // Runs a script and forgets it.
    int play(const Operation *script, size_t count, uint32_t patience) {
        load(script, count, patience);
        while (host_.operation < script_.size()) {
            const int status = step();
            if (status != OK) return status;
        }
        idle();
        return OK;
    }

    // Runs the script without a fault from the present state, and keeps a copy every `stride` cycles. Returns the
    // cycles it took, or a Status.
    int64_t record(const Operation *script, size_t count, uint64_t stride, uint32_t patience) {
        load(script, count, patience);
        stride_ = stride;
        snapshots_.clear();
        marks_.clear();
        for (auto *snapshots : {&before_, &after_}) snapshots->clear();
        starts_.assign(count + 1, 0);
        while (host_.operation < script_.size()) {
            if (time_ % stride_ == 0) snapshots_.push_back(copy());
            if (host_.age == 0) {
                starts_[host_.operation] = time_;
                const Operation &operation = script_[host_.operation];
                if (marked(host_.operation)) after_[script_[host_.operation - 1].job] = marks_[host_.operation] = copy();
                if (operation.kind == AWAIT) before_[operation.job] = copy();
            }
            const int status = step();
            if (status != OK) return status;
        }
        starts_[script_.size()] = time_;
        end_ = copy();
        good_ = seen_;
        return static_cast<int64_t>(time_);
    }

    uint64_t start(size_t operation) const { return starts_[operation]; }

    const Seen &good() const { return good_; }

    // One fault from the copy before it. `next`, if any, is the record of the same bit a cycle later: if by then nothing
    // else differs, it is the same fault. Returns LOST if the flipped bit doesn't read back.
    int run(const Fault &fault, bool early, const Record *next, Record *record) {
        *record = Record{};
        rewind(fault.time);
        const uint64_t from = time_;
        while (time_ < fault.time) step();
        if (!deposit(fault)) return LOST;
        int status = next ? step() : OK;
        if (next && status == OK && same_but(fault)) {
            *record = *next;
            record->inferred = 1;
        } else {
            if (status == OK) status = observe(fault, early, record);
            finish(status, record);
        }
        record->simulated = static_cast<uint32_t>(time_ - from);
        return OK;
    }

    // Whether host and storage are those of the recorded run but for the bit, which is still inverted.
    bool same_but(const Fault &fault) {
        if (time_ % stride_ || time_ / stride_ >= snapshots_.size()) return false;
        const Snapshot &snapshot = snapshots_[time_ / stride_];
        uint8_t *byte = variables_[fault.variable].place(fault.element, fault.bit);
        const uint8_t mask = static_cast<uint8_t>(1u << fault.bit % 8);
        *byte ^= mask;
        const bool equal = std::memcmp(&host_, &snapshot.host, sizeof host_) == 0 && same(all_, snapshot);
        *byte ^= mask;
        return equal;
    }

    // Flips the bit at once and says whether it is flipped after the logic was evaluated.
    bool deposit(const Fault &fault) {
        return flip(variables_[fault.variable], fault.element, fault.bit, [this] { top_->eval(); });
    }

    // Everything back to the last copy up to `time` of the recorded run.
    void rewind(uint64_t time) {
        restore(snapshots_[time / stride_]);
        time_ = time / stride_ * stride_;
        seen_ = Seen{};
    }

    // `cycles` more of the script; a hash of registers, memories and host.
    uint64_t trace(uint64_t cycles) {
        for (uint64_t n = 0; n < cycles && host_.operation < script_.size(); ++n) step();
        uint64_t hash = 0xcbf29ce484222325ull;
        for (const Variable &variable : variables_)
            for (size_t n = 0; n < static_cast<size_t>(variable.size) * variable.elements; ++n)
                hash = (hash ^ variable.data[n]) * 0x100000001b3ull;
        const auto *bytes = reinterpret_cast<const uint8_t *>(&host_);
        for (size_t n = 0; n < sizeof host_; ++n) hash = (hash ^ bytes[n]) * 0x100000001b3ull;
        return hash;
    }

    uint64_t value(size_t index, size_t element) const {
        const Variable &variable = variables_[index];
        uint64_t value = 0;
        std::memcpy(&value, variable.data + element * variable.size, std::min<size_t>(variable.size, sizeof value));
        return value;
    }

private:
    uint8_t *base() const { return base_of(*top_); }

    // Neighbouring spans together, so that fewer are compared.
    static void join(std::vector<Span> &spans) {
        std::sort(spans.begin(), spans.end(), [](const Span &a, const Span &b) { return a.offset < b.offset; });
        std::vector<Span> joined;
        for (const Span &span : spans) {
            if (!joined.empty() && joined.back().offset + joined.back().size == span.offset)
                joined.back().size += span.size;
            else
                joined.push_back(span);
        }
        spans = joined;
    }

    Snapshot copy() const { return {host_, std::vector<uint8_t>(base(), base() + sizeof(Vchip___024root))}; }

    void restore(const Snapshot &snapshot) {
        host_ = snapshot.host;
        std::memcpy(base(), snapshot.state.data(), snapshot.state.size());
    }

    bool equal(const Snapshot &snapshot) const {
        return std::memcmp(&host_, &snapshot.host, sizeof host_) == 0 && same(registers_, snapshot) &&
               same(memories_, snapshot);
    }

    bool same(const std::vector<Span> &spans, const Snapshot &snapshot) const {
        const uint8_t *here = base(), *there = snapshot.state.data();
        return std::all_of(spans.begin(), spans.end(), [&](const Span &span) {
            return std::memcmp(here + span.offset, there + span.offset, span.size) == 0;
        });
    }

    // Operations at whose start a run that is early or late is compared with the recorded one: behind a job's end.
    bool marked(size_t operation) const { return operation > 0 && script_[operation - 1].kind == AWAIT; }

    // To the end of the script, or until the run is the same as the recorded one from here on.
    int observe(const Fault &fault, bool early, Record *record) {
        uint64_t pause = 4, next = time_ + pause;
        uint8_t cause = majority(replays_.causes);
        while (host_.operation < script_.size()) {
            const uint32_t job = script_[host_.operation].job;
            const int status = step();
            if (status != OK) return status;
            note(fault, job, &cause, record);
            if (!early || host_.operation >= script_.size()) continue;
            bool converged = false;
            if (host_.age == 0 && marked(host_.operation))
                converged = equal(marks_.at(host_.operation));
            else if (time_ >= next && time_ % stride_ == 0) {
                converged = time_ / stride_ < snapshots_.size() && equal(snapshots_[time_ / stride_]);
                pause *= 2;
                next = time_ + pause;
            }
            if (converged && settled()) {
                record->converged = 1;
                return probe();
            }
        }
        record->live = static_cast<uint8_t>(!same(registers_, end_) | !same(memories_, end_) << 1);
        return OK;
    }

    // What the first replay began for, as it begins; what was written by then, as it ends.
    void note(const Fault &fault, uint32_t job, uint8_t *cause, Record *record) const {
        if (!replays_.memories || record->judged) return;
        const bool replaying = majority(replays_.phases) == replays_.replaying;
        if (!record->cause && replaying) {
            record->cause = *cause ? *cause : UNNAMED;
        } else if (record->cause && !replaying) {
            record->clean = only_right(fault, job);
            record->judged = 1;
        }
        *cause = majority(replays_.causes);
    }

    uint8_t majority(const uint32_t *copies) const {
        if (!replays_.memories) return 0;
        const uint8_t a = *variables_[copies[0]].data, b = *variables_[copies[1]].data, c = *variables_[copies[2]].data;
        return (a & b) | (a & c) | (b & c);
    }

    // Whether each word of the memories is the one that was there before the job, or will be when it ends.
    bool only_right(const Fault &fault, uint32_t job) const {
        const uint8_t *before = before_.at(job).state.data(), *after = after_.at(job).state.data();
        for (uint32_t n = 0; n < replays_.memories; ++n) {
            const Variable &variable = variables_[replays_.memory[n]];
            const size_t offset = variable.data - base();
            for (size_t element = 0; element < variable.elements; ++element) {
                const size_t place = offset + element * variable.size;
                const auto differs = [&](const uint8_t *state) {
                    return std::memcmp(base() + place, state + place, variable.size) != 0;
                };
                const bool struck = fault.variable == replays_.memory[n] && fault.element == element;
                if (!struck && differs(before) && differs(after)) return false;
            }
        }
        return true;
    }

    // Whether no transfer is open, so that counters can be read.
    bool settled() const { return host_.taken == 0 && !host_.reading; }

    // Reads the counters at once; whatever else the script would do is known.
    int probe() {
        while (host_.operation < script_.size()) {
            const int status = script_[host_.operation].kind == COUNT ? step() : (advance(), OK);
            if (status != OK) return status;
        }
        return OK;
    }

    void finish(int status, Record *record) const {
        const size_t operation = std::min(static_cast<size_t>(host_.operation), script_.size() - 1);
        const auto job = static_cast<uint8_t>(script_[operation].job);
        if (status == HANG) record->hang = job;
        if (status == REFUSED) record->refused = job;
        record->failed = static_cast<uint8_t>(seen_.failed);
        record->wrong = static_cast<uint8_t>(seen_.wrong);
        for (uint32_t n = 0; n < seen_.counters; ++n)
            if (seen_.counts[n] != good_.counts[n]) record->moved |= static_cast<uint8_t>(1u << n);
        for (size_t n = 0; n < 2 && !record->late; ++n)
            if (seen_.done[n]) record->late = static_cast<int32_t>(seen_.done[n] - good_.done[n]);
    }

    void load(const Operation *script, size_t count, uint32_t patience) {
        script_.assign(script, script + count);
        patience_ = patience;
        host_ = Host{};
        host_.until = script_[0].limit;
        seen_ = Seen{};
        time_ = 0;
    }

    void advance() {
        const uint64_t operation = host_.operation + 1;
        host_ = Host{};
        host_.operation = operation;
        if (operation < script_.size()) host_.until = script_[operation].limit;
    }

    // One cycle of host and chip. After a rising edge all logic is evaluated, so the falling one is left out as long as
    // no input changes: the model only has to believe that it was.
    int step() {
        const Operation &operation = script_[host_.operation];
        const bool changed = drive(operation);
        if (changed) {
            top_->clk = 0;
            top_->eval();
        } else {
            top_->rootp->__Vtrigprevexpr___TOP__clk__0 = 0;
        }
        const int status = sample(operation);
        top_->clk = 1;
        top_->eval();
        ++time_;
        return status;
    }

    // Whether an input of the chip changes.
    bool drive(const Operation &operation) {
        const bool writes = operation.kind == WRITE, reads = operation.kind != AWAIT ? !writes : host_.reading != 0;
        bool changed = false;
        const auto set = [&changed](auto &port, auto value) {
            changed |= port != value;
            port = value;
        };
        set(top_->s_axi_awvalid, uint8_t{writes && !(host_.taken & 1)});
        set(top_->s_axi_wvalid, uint8_t{writes && !(host_.taken & 2)});
        set(top_->s_axi_arvalid, uint8_t{reads && !(host_.taken & 4)});
        set(top_->s_axi_bready, uint8_t{writes});
        set(top_->s_axi_rready, uint8_t{reads});
        set(top_->s_axi_wstrb, uint8_t{0xFF});
        set(top_->s_axi_awaddr, operation.address);
        set(top_->s_axi_araddr, operation.address);
        set(top_->s_axi_wdata, writes ? operation.word : uint64_t{0});
        return changed;
    }

    int sample(const Operation &operation) {
        host_.taken |= (top_->s_axi_awvalid && top_->s_axi_awready) | (top_->s_axi_wvalid && top_->s_axi_wready) << 1 |
                       (top_->s_axi_arvalid && top_->s_axi_arready) << 2;
        ++host_.age;
        if (operation.kind == AWAIT) return await(operation);
        const bool write = operation.kind == WRITE;
        if (!(write ? top_->s_axi_bvalid : top_->s_axi_rvalid)) return host_.age < patience_ ? OK : HANG;
        if (write ? top_->s_axi_bresp : top_->s_axi_rresp) return again();
        if (operation.kind == CHECK && (top_->s_axi_rdata & operation.mask) != operation.word && !seen_.wrong)
            seen_.wrong = operation.job;
        if (operation.kind == COUNT) seen_.counts[seen_.counters++ % 4] = top_->s_axi_rdata;
        advance();
        return OK;
    }

    // Waits for the interrupt or half of the deadline, then reads the status until it is twice the same end of the job.
    int await(const Operation &operation) {
        constexpr uint64_t POLL = 32;
        const uint64_t deadline = 2ull * operation.limit;
        if (!host_.reading) {
            host_.reading = top_->__SYM__interrupt || host_.age >= host_.until;
            return OK;
        }
        if (!top_->s_axi_rvalid) return host_.age < deadline + patience_ ? OK : HANG;
        if (top_->s_axi_rresp) return again();
        const uint64_t word = top_->s_axi_rdata & operation.mask;
        const bool ended = word == operation.word || word == operation.failed, again = word == host_.last;
        host_.taken = 0;
        host_.last = word;
        if (ended && again) {
            seen_.done[operation.job - 1] = static_cast<uint32_t>(host_.age);
            if (word == operation.failed && !seen_.failed) seen_.failed = operation.job;
            advance();
            return OK;
        }
        if (host_.age >= deadline) return HANG;
        if (ended) return OK;
        host_.reading = 0;
        host_.until = host_.age + POLL;
        return OK;
    }

    // An access that is answered with an error is made again: the chip did nothing.
    int again() {
        host_.taken = 0;
        return ++host_.refused > RETRIES ? REFUSED : OK;
    }

    void idle() {
        top_->s_axi_awvalid = top_->s_axi_wvalid = top_->s_axi_arvalid = 0;
        top_->s_axi_bready = top_->s_axi_rready = 0;
        top_->s_axi_awprot = top_->s_axi_arprot = 0;
    }

    void clock() {
        top_->clk = 0;
        top_->eval();
        top_->clk = 1;
        top_->eval();
    }

    VerilatedContext context_;
    std::unique_ptr<Vchip> top_;
    std::vector<Variable> variables_;
    std::vector<Span> registers_, memories_, all_;
    std::vector<Operation> script_;
    std::vector<Snapshot> snapshots_;
    std::map<uint64_t, Snapshot> marks_, before_, after_;
    Replays replays_{};
    Snapshot end_;
    std::vector<uint64_t> starts_;
    Host host_{};
    Seen seen_{}, good_{};
    uint64_t stride_ = 1, time_ = 0;
    uint32_t patience_ = 0;
};

}  // namespace

EXPORT Chip *chip_open() { return new Chip; }

EXPORT void chip_close(Chip *chip) { delete chip; }

EXPORT size_t chip_variables(const Chip *chip) { return chip->variables().size(); }

EXPORT const char *chip_variable(const Chip *chip, size_t index, uint32_t *bits, uint32_t *elements) {
    return describe(chip->variables()[index], bits, elements);
}

EXPORT size_t chip_state_bytes() { return sizeof(Vchip___024root); }

EXPORT void chip_reset(Chip *chip, uint64_t cycles, uint64_t after) { chip->reset(cycles, after); }

EXPORT void chip_live(Chip *chip, const uint8_t *chosen) { chip->live(chosen); }

EXPORT void chip_watch(Chip *chip, const Replays *replays) { chip->watch(*replays); }

EXPORT int chip_play(Chip *chip, const Operation *script, size_t count, uint32_t patience) {
    return chip->play(script, count, patience);
}

EXPORT int64_t chip_record(Chip *chip, const Operation *script, size_t count, uint64_t stride, uint32_t patience) {
    return chip->record(script, count, stride, patience);
}

EXPORT uint64_t chip_start(const Chip *chip, size_t operation) { return chip->start(operation); }

EXPORT void chip_good(const Chip *chip, Seen *seen) { *seen = chip->good(); }

// Faults from the last to the first, so that one of the same bit a cycle later is known; `infer`: take it where it is the
// same. Returns `count`, or the index of the fault whose deposit was lost.
EXPORT size_t chip_run(Chip *chip, const Fault *faults, size_t count, int early, int infer, Record *records) {
    for (size_t n = count; n-- > 0;) {
        const Fault &fault = faults[n], &later = n + 1 < count ? faults[n + 1] : fault;
        const bool follows = later.variable == fault.variable && later.element == fault.element &&
                             later.bit == fault.bit && later.time == fault.time + 1;
        if (chip->run(fault, early, infer && follows ? &records[n + 1] : nullptr, &records[n]) == LOST) return n;
    }
    return count;
}

EXPORT int chip_deposit(Chip *chip, const Fault *fault) { return chip->deposit(*fault); }

EXPORT void chip_rewind(Chip *chip, uint64_t time) { chip->rewind(time); }

EXPORT uint64_t chip_trace(Chip *chip, uint64_t cycles) { return chip->trace(cycles); }

EXPORT uint64_t chip_value(const Chip *chip, size_t index, size_t element) { return chip->value(index, element); }
