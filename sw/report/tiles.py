"""The few figures at the top of the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vanallen.rtl.config import preset

from .collect import Results
from .text import chip, percent

__all__ = ["Tile", "peak_gops", "tiles"]


@dataclass(frozen=True)
class Tile:
    """A figure, what it counts, the section it comes from, and whether it is as it should be."""

    figure: str
    text: str
    section: str
    good: bool = True


def peak_gops(synthesis: Mapping[str, Any]) -> float:
    """Billions of operations a second, two a multiply-accumulate, at the median Fmax with no cycle lost.

    Some seed has been placed.
    """
    frequency: float = synthesis["fmax_mhz"]["median"]
    return 2 * preset(synthesis["config"]).macs_per_cycle * frequency / 1000


def tiles(results: Results) -> list[Tile]:
    """What there is to say, of the largest run or configuration of each kind."""
    return [*_runs(results), *_utilization(results), *_bitstreams(results), *_verification(results)]


def _runs(results: Results) -> Iterator[Tile]:
    checked = [run.data for run in results["run"] if run.data.get("checked_values")]
    if checked:
        run = max(checked, key=lambda run: run["checked_values"])
        differing = run["differing_values"]
        text = f"of {run['checked_values']:,} values differ: {run['model']} on {chip(run)}"
        yield Tile(f"{differing:,}", text, "layers", not differing)
    labelled = [run.data for run in results["run"] if run.data["accuracy"] is not None]
    if labelled:
        run = max(labelled, key=lambda run: run["samples"])
        yield Tile(percent(run["accuracy"]), f"of {run['samples']:,} images in the right class", "images")


def _utilization(results: Results) -> Iterator[Tile]:
    for bench in results["bench"][-1:]:
        for work in bench.data["workloads"]:
            if work["name"] == "conv-3x3":
                text = f"of the ideal speed: 3 x 3 convolution on {chip(bench.data)}"
                yield Tile(percent(work["utilization"]), text, "workloads")


def _bitstreams(results: Results) -> Iterator[Tile]:
    for result in results["synth"][-1:]:
        synthesis = result.data
        if synthesis["fmax_mhz"] is None:
            continue
        text = f"MHz on {synthesis['board']}, {peak_gops(synthesis):.1f} GOPS peak"
        yield Tile(f"{synthesis['fmax_mhz']['median']:.0f}", text, "bitstreams", synthesis["met"])


def _verification(results: Results) -> Iterator[Tile]:
    for regression in results["regress"][-1:]:
        coverage = regression.data["coverage"]
        text = f"of {coverage['points']:,} coverage points hit"
        yield Tile(f"{coverage['hit']:,}", text, "verification", not regression.data["failed"])
    for result in results["mutants"][-1:]:
        mutants = result.data["mutants"]
        text = f"of {mutants['total']:,} mutants of the hardware caught"
        yield Tile(f"{mutants['killed']:,}", text, "verification")
    for result in results["prove"][-1:]:
        proofs = result.data["proofs"]
        passed = sum(proof["outcome"] == "pass" for proof in proofs)
        yield Tile(f"{passed:,}", f"of {len(proofs):,} proofs hold", "verification", passed == len(proofs))
