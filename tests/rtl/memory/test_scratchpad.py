"""The memory wrapper against a dictionary.

All but the data path's reads are a cycle behind, the fill pass two: what they ask for in a step meets what it reads in
the next one, or the one after. The word that is written comes in that step.
"""

import random

import pytest

from vanallen.rtl.memory.scratchpad import Scratchpad

ROWS = 32


def random_steps(rng, banks, width, cycles):
    """Random reads and writes by both parties, with a small address range so that they meet."""
    steps = [{"fill": 1}] * ROWS + [{"fill": 0}]
    for _ in range(cycles):
        host_read = rng.randrange(2)
        host_write = not host_read and rng.random() < 0.6
        fill = steps[-1]["fill"]  # is due when what is asked for now is
        host_write = host_write and not fill
        steps.append({
            "fill": int(rng.random() < 0.02),
            "read.0.enable": rng.randrange(2), "read.0.address": rng.randrange(8),
            "host_read.0.enable": host_read, "host_read.0.address": rng.randrange(8),
            "write.0.enable": 0 if host_write or fill else rng.getrandbits(banks), "write.0.address": rng.randrange(8),
            "write_data": rng.getrandbits(width),
            "host_write.0.enable": rng.getrandbits(banks) if host_write else 0,
            "host_write.0.address": rng.randrange(8), "host_data": rng.getrandbits(width // banks),
        })  # fmt: skip
    return steps


def model(steps, banks, bank_bits):
    """By cycle: (row read or None, collision), of the data path's read or of the host's of the cycle before."""
    contents, results, fill_row = {row: 0 for row in range(ROWS)}, [], 0
    for earlier, before, step in zip([{}, {}, *steps], [{}, *steps], steps, strict=False):
        behind = ("host_read", "host_write", "write.")
        own = {name: value for name, value in step.items() if not name.startswith(behind)}
        get = (own | {name: value for name, value in before.items() if name.startswith(behind)}).get
        word = sum(get("host_data", 0) << bank_bits * bank for bank in range(banks))
        if earlier.get("fill"):
            write, fill_row = ((1 << banks) - 1, fill_row, word), (fill_row + 1) % ROWS
        elif get("host_write.0.enable"):
            write = (get("host_write.0.enable"), get("host_write.0.address"), word)
        else:
            write = (get("write.0.enable", 0), get("write.0.address", 0), get("write_data", 0))
        requested = get("read.0.enable") or get("host_read.0.enable")
        address = get("read.0.address") if get("read.0.enable") else get("host_read.0.address")
        collision = bool(requested and write[0] and write[1] == address)
        results.append((contents[address] if requested and not collision else None, int(collision)))
        mask = sum(((1 << bank_bits) - 1) << bank_bits * bank for bank in range(banks) if write[0] >> bank & 1)
        contents[write[1]] = contents[write[1]] & ~mask | write[2] & mask
    return results


@pytest.mark.parametrize(("banks", "bank_bits", "seed"), [(1, 32, 1), (2, 64, 2), (4, 64, 3)])
def test_random_traffic(trace, banks, bank_bits, seed):
    rng = random.Random(seed)
    steps = random_steps(rng, banks, banks * bank_bits, 1500)
    outputs = trace(Scratchpad(rows=ROWS, banks=banks, bank_bits=bank_bits), steps, ["data", "collision"])
    results = model(steps, banks, bank_bits)
    assert sum(collision for _, collision in results) > 50
    assert sum(word is not None for word, _ in results) > 500
    for cycle, (word, collision) in enumerate(results):
        if cycle + 1 < len(steps):
            assert outputs[cycle + 1][1] == collision, cycle
        if word is not None and cycle + Scratchpad.latency < len(steps):
            assert outputs[cycle + Scratchpad.latency][0] == word, cycle


def test_a_dropped_read_leaves_the_word_read_before(trace):
    steps = [{"write.0.enable": 1, "write.0.address": 3},
             {"write.0.address": 4, "write_data": 0xAB},
             {"write.0.enable": 0, "write_data": 0x11},
             {"write.0.enable": 1, "write.0.address": 3, "read.0.enable": 1, "read.0.address": 4},
             {"write.0.enable": 0, "write_data": 0xCD, "read.0.address": 3},
             {"read.0.enable": 0}, *[{}] * (Scratchpad.latency - 1)]  # fmt: skip
    outputs = trace(Scratchpad(rows=ROWS, banks=1, bank_bits=8), steps, ["data", "collision"])
    assert [collision for _, collision in outputs] == [0, 0, 0, 0, 0, 1] + [0] * (Scratchpad.latency - 1)
    assert [data for data, _ in outputs[3 + Scratchpad.latency :]] == [0x11, 0x11]
