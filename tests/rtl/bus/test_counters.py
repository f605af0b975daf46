"""Counters that report."""

import random

from vanallen.rtl.bus.counters import LAYERS_LOGGED, CycleLog, SaturatingCounter


def test_saturates_and_clears(trace):
    rng, bits = random.Random(1), 4
    steps = [{"count": int(rng.random() < 0.8), "clear": int(rng.random() < 0.02)} for _ in range(600)]
    outputs = trace(SaturatingCounter(bits=bits), steps, ["value"])
    value, most, counts = 0, 0, 0
    for cycle, (step, (got,)) in enumerate(zip(steps, outputs, strict=True)):
        assert got == value, cycle
        value = 0 if step["clear"] else min(value + counts, (1 << bits) - 1)
        counts = step["count"]
        most += value == (1 << bits) - 1
    assert most > 100


def test_log_keeps_the_cycles_of_each_layer(trace):
    rng = random.Random(2)
    lengths = {index: rng.randint(1, 60) for index in rng.sample(range(LAYERS_LOGGED), 20)}
    steps = []
    for position, (index, length) in enumerate(lengths.items()):
        steps += [{"count": 1, "done": int(cycle == length - 1), "index": index} for cycle in range(length)]
        if position % 2:  # layers follow each other, or there is a pause
            steps += [{"count": 0, "done": 0}] * rng.randint(1, 5)
    start = len(steps) + 1
    steps.append({"count": 0, "done": 0})
    steps += [{"address": index} for index in lengths] + [{}] * CycleLog.latency
    outputs = trace(CycleLog(), steps, ["value"])
    got = [value for (value,) in outputs[start + CycleLog.latency :]]
    assert got == list(lengths.values())


def test_fill_zeroes_the_log(trace):
    steps = [{"count": 1, "done": 1, "index": row} for row in range(LAYERS_LOGGED)]
    steps += [{"done": 0, "count": 0}] + [{"fill": 1}] * (LAYERS_LOGGED - 1)
    steps += [{"fill": 0, "address": row} for row in range(LAYERS_LOGGED)] + [{}] * CycleLog.latency
    got = [value for (value,) in trace(CycleLog(), steps, ["value"])[-LAYERS_LOGGED:]]
    assert got == [0] * (LAYERS_LOGGED - 1) + [1]  # the last row is not filled, and shows that the others were
