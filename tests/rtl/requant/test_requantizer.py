"""The packer: which byte of an output word a lane's value is, and when the word is written."""

import numpy as np
import pytest

from vanallen.rtl.config import Config
from vanallen.rtl.requant.requantizer import Requantizer
from vanallen.sw.golden.arithmetic import requantize

CASES = [(rows, lanes) for rows in (4, 8, 16) for lanes in (1, 2, 4)]


@pytest.mark.parametrize(("rows", "lanes"), CASES)
def test_words_in_order(trace, rows, lanes):
    rng = np.random.default_rng(rows + lanes)
    config = Config(name="x", rows=rows, columns=rows, lanes=lanes, activation_bytes=rows << 8, weight_bytes=rows << 8,
                    accumulator_rows=16, protection="none")  # fmt: skip
    words = rng.integers(-300, 300, (12, rows))
    biases = rng.integers(-50, 50, (12, rows))
    idle, written = {"valid": 0, "bank": 0, "row": 0, "group": 0, "write": 0, "address": 0, "end": 0}, {}
    steps = [{"zero_point": 4, "low": -100, "high": 110}]
    for index, word in enumerate(words):
        for step in range(config.steps_per_word):
            while rng.random() < 0.2:  # a bubble, with values that must not be packed
                steps.append({"tag": idle, "accumulators": [1] * lanes})
            last = step == config.steps_per_word - 1
            channels = slice(step * lanes, (step + 1) * lanes)
            if last:
                written[len(steps)] = index
            steps.append({
                "tag": {**idle, "valid": 1, "write": last, "address": 7 * index, "end": int(last and index == 11)},
                "accumulators": word[channels].tolist(),
                "parameters": [{"bias": int(bias), "fraction": 0, "exponent": 126, "negative": 0}
                               for bias in biases[index, channels]],
            })  # fmt: skip
    steps.extend([{"tag": idle}] * (Requantizer.latency + 2))
    outputs = trace(Requantizer(config=config), steps, ["write.enable", "write.address", "write_data", "retired.end"])
    want = requantize(words, biases, np.float32(0.5), 4, -100, 110)
    for cycle, (enable, address, data, _) in enumerate(outputs):
        asked, index = (written.get(cycle - Requantizer.latency + ahead) for ahead in (1, 0))  # for the next word
        assert enable == (0 if asked is None else (1 << -(-rows // 8)) - 1), cycle
        assert asked is None or address == 7 * asked
        if index is not None:
            assert data == int.from_bytes(want[index].astype(np.int8).tobytes(), "little"), (cycle, index)
    ends = [cycle for cycle, row in enumerate(outputs) if row[3].value]
    assert ends == [max(written) + Requantizer.latency]
