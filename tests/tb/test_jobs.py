"""Random jobs are legal, the same for the same seed, and a difference is found where it is."""

import numpy as np
import pytest

from vanallen.rtl.config import preset
from vanallen.tb.coverage import measure, points
from vanallen.tb.jobs import Mismatch, check_activations, check_cycles, expected_cycles, make_job, run_golden
from vanallen.tb.layers import KINDS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["nano", "payload"])
def test_jobs_are_legal_and_repeatable(name, kind):
    first, second = (make_job(preset(name), 5, kind=kind) for _ in range(2))
    assert first.layers == second.layers and (first.activation == second.activation).all()
    run_golden(first)


def test_a_wrong_byte_is_named():
    job = make_job(preset("nano"), 2, kind="matmul")
    golden, outcome = run_golden(job)
    fields = outcome.layers[-1].fields
    space = job.arena.activation
    got = golden.activation[space.start : space.end].copy()
    check_activations(job, golden, got)
    got[fields["output_base"] - space.start, 1] ^= 64
    with pytest.raises(Mismatch, match=f"1 bytes differ.*layer {len(job.layers) - 1}, row 0, column 1, .*got .*want"):
        check_activations(job, golden, got, [100] * len(job.layers))


def test_a_wrong_cycle_is_named():
    job = make_job(preset("nano"), 2, layers=2)
    cycles = [expected_cycles(job.config, fields, job.steal_interval) for fields in job.layers]
    check_cycles(job, cycles)
    with pytest.raises(Mismatch, match=f"layer 1: got {cycles[1] + 1} cycles, want {cycles[1]}"):
        check_cycles(job, [cycles[0], cycles[1] + 1])


def test_coverage_counts_known_points_only(tmp_path):
    config = preset("nano")
    names = points(config, "verilator")
    assert len(set(names)) == len(names) >= 60 and "columns.last_partial" in points(preset("payload"), "verilator")
    file = tmp_path / "coverage.json"
    file.write_text('["rows.one", "tiles.one"]')
    found = measure(config, "verilator", [file])
    assert (found.hit, found.points) == (2, len(names)) and "rows.one" not in found.missed
    file.write_text('["no.such"]')
    with pytest.raises(ValueError, match=r"coverage points must be known, not no\.such"):
        measure(config, "verilator", [file])
    assert np.isclose(len(found.missed), found.points - 2)
