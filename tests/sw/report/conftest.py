"""A folder as commands leave it: a real run on the simulated nano, and the other results in the contract's shape."""

import json

import pytest

from vanallen.sw.session import run_model

SAMPLES = 30


def synthesis(board="ulx3s-85f", config="payload", target=100.0, fmax=(98.5, 101.0, 104.25, 110.5)):
    seeds = [{"seed": index + 1, "fmax_mhz": mhz, "seconds": 200.0 + index} for index, mhz in enumerate(fmax)]
    return {
        "board": board, "config": config, "protection": "full", "bitstream": "build/top.bit", "target_mhz": target,
        "fmax_mhz": {"min": min(fmax), "median": (fmax[1] + fmax[2]) / 2, "max": max(fmax)},
        "met": max(fmax) >= target, "seeds": seeds, "gates": 231234.5,
        "critical_path": {"start": "issue.pixel_row", "end": "issue.address", "logic_ns": 4.125, "routing_ns": 5.5,
                          "hops": []},
        "resources": {"lut": 31234, "ff": 18456, "dsp": 144, "bram": 97},
        "available": {"lut": 83640, "ff": 83640, "dsp": 156, "bram": 208},
        "peak_gops": 25.6, "design_hash": "0123456789abcdef",
    }  # fmt: skip


def bench(config="cubesat", **changes):
    work = {"name": "conv-3x3", "macs": 2359296, "cycles": 36994, "ideal_cycles": 36864, "model_cycles": 36994,
            "bound": "multiply", "utilization": 36864 / 36994, "bit_exact": True}  # fmt: skip
    skipped = [{"name": "gemm-resident", "reason": "too large for <this> test"}]
    return {"config": config, "protection": "full", "seed": 1, "workloads": [work | changes], "skipped": skipped}


def area(config, gates, protection="none"):
    modules = [{"path": "", "count": 1, "gates": gates, "flip_flops": 10, "memory_bits": 0},
               {"path": "array", "count": 1, "gates": 20480.0, "flip_flops": 5, "memory_bits": 0}]  # fmt: skip
    return {"config": config, "protection": protection, "gates": gates, "modules": modules}


RESULTS = {
    "bench-cubesat": bench(),
    "regress-nano-verilator": {
        "config": "nano", "protection": "none", "sim": "verilator", "seed": 1, "passed": 1, "failed": 1,
        "cases": [{"name": "start", "seed": 100000, "seconds": 1.25, "outcome": "passed"},
                  {"name": "bus_pauses", "seed": 107000, "seconds": 2.5, "outcome": "failed: row 3: got 1 want 2"}],
        "coverage": {"points": 148, "hit": 146, "missed": ["round.tie", "sum.wraps"]}, "mutants": None,
    },
    "regress-nano-mutants": {
        "config": "nano", "protection": "full", "sim": "verilator", "seed": 1, "passed": 0, "failed": 0, "cases": [],
        "coverage": {"points": 0, "hit": 0, "missed": []},
        "mutants": {"total": 181, "killed": 180, "survivors": ["skew_short"]},
    },
    "synth-ulx3s-85f": synthesis(),
    "synth-area-nano": {"configs": [area("nano", 91234.5)]},
    "prove": {"config": "nano", "protection": "none", "seed": 1, "proofs": [
        {"name": "axi_lite", "mode": "prove", "depth": 20, "outcome": "pass", "seconds": 12.25},
        {"name": "tag_delay", "mode": "bmc", "depth": 40, "outcome": "fail", "seconds": 100.5},
    ]},
}  # fmt: skip
"""Shapes only: none of these numbers was measured."""


def write(folder, name, result):
    path = folder / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result))


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """The first digits on the simulated nano, as `vanallen run` leaves them."""
    folder = tmp_path_factory.mktemp("run")
    result = run_model("digits", "digits:test", config="nano", target="sim", check=True, limit=SAMPLES, folder=folder)
    report = result.as_json() | {"input": "digits:test", "limit": SAMPLES}
    result.outputs.with_suffix(".json").write_text(json.dumps(report))
    return folder


@pytest.fixture
def build(tmp_path, digits):
    """Everything is there."""
    (tmp_path / "run").symlink_to(digits)
    for name, result in RESULTS.items():
        write(tmp_path, name, result)
    return tmp_path
