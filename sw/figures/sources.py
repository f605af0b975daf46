"""The commands whose results stand in the tables of README and documents, and what is kept of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .design import board_hash, chip_hash

__all__ = ["COMPARED", "CONFIGS", "EARLIER", "FLIPS", "SEEDS", "SOURCES", "Source"]

Figures = dict[str, Any]

CONFIGS = ("nano", "cubesat", "payload")
"""Configurations in the tables."""

COMPARED = ("nano", "cubesat", "payload", "orbital")
"""Configurations whose protected chip is compared with the unprotected one."""

FLIPS = 50_000
"""Flips of a campaign in the tables."""

SEEDS = {"ulx3s-85f": 8, "ulx3s-45f": 2}
"""Boards in the tables, and the placements of each, of which they give the least, the median and the best."""


@dataclass(frozen=True)
class Source:
    """One command.

    Parameters
    ----------
    name : str
        What it is called in the file of figures.
    arguments : tuple[str, ...]
        The command line after ``vanallen``, without ``--json``.
    keep : callable
        What of the command's JSON is kept.
    design : callable
        Today's hash of the design that the figures are about; those of another design are stale.
    lenient : bool
        Whether figures are kept too that aren't good (exit status 1): those that show how good they are.
    """

    name: str
    arguments: tuple[str, ...]
    keep: Callable[[Mapping[str, Any]], Figures]
    design: Callable[[], str]
    lenient: bool = False

    @property
    def command(self) -> str:
        """The command as one types it."""
        return " ".join(("vanallen", *self.arguments))


def _chosen(*keys: str) -> Callable[[Mapping[str, Any]], Figures]:
    return lambda result: {key: result[key] for key in keys}


def _bench(result: Mapping[str, Any]) -> Figures:
    keys = ("macs", "cycles", "ideal_cycles", "model_cycles", "utilization")
    return {work["name"]: {key: work[key] for key in keys} for work in result["workloads"]}


def _prove(result: Mapping[str, Any]) -> Figures:
    keys = ("name", "mode", "depth", "outcome")
    return {"proofs": [{key: proof[key] for key in keys} for proof in result["proofs"]]}


def _synth(result: Mapping[str, Any]) -> Figures:
    kept = _chosen("config", "fmax_mhz", "target_mhz", "met", "resources", "available")(result)
    return kept | {"seeds": {str(seed["seed"]): seed["fmax_mhz"] for seed in result["seeds"]}}


def _area(result: Mapping[str, Any]) -> Figures:
    (area,) = result["configs"]
    return {"gates": area["gates"]}


def _overhead(result: Mapping[str, Any]) -> Figures:
    return {"none": result["none"]["gates"], "full": result["full"]["gates"], "overhead": result["overhead"],
            "mechanisms": {part["name"]: part["share"] for part in result["mechanisms"]}}  # fmt: skip


def _on(config: str, protection: str = "none") -> Callable[[], str]:
    return lambda: chip_hash(config, protection)


def _for(board: str) -> Callable[[], str]:
    return lambda: board_hash(board)


SOURCES = (
    Source("run-digits", ("run", "digits", "--input", "digits:test", "--check"),
           _chosen("checked_values", "differing_values", "samples", "accuracy", "total_cycles", "macs_on_chip_share"),
           _on("cubesat")),
    *(Source(f"bench-{name}", ("bench", "--config", name, "--cycles-only"), _bench, _on(name)) for name in CONFIGS),
    Source("regress", ("regress", "--config", "nano"), _chosen("passed", "failed", "coverage"), _on("nano")),
    Source("mutants", ("regress", "--config", "nano", "--mutants"), _chosen("mutants"), _on("nano"), lenient=True),
    Source("prove", ("prove",), _prove, _on("nano")),
    *(Source(f"area-{name}", ("synth", "--no-place", "--config", name), _area, _on(name))
      for name in CONFIGS),
    Source("regress-full", ("regress", "--config", "nano", "--protection", "full"),
           _chosen("passed", "failed", "coverage"), _on("nano", "full")),
    Source("prove-full", ("prove", "--protection", "full"), _prove, _on("nano", "full")),
    *(Source(f"compare-{name}", ("synth", "--no-place", "--compare", "--config", name), _overhead, _on(name, "full"))
      for name in COMPARED),
    *(Source(f"campaign-{protection}-{layer}",
             ("campaign", "exhaustive-seu", "--config", "nano", "--protection", protection, "--layer", layer,
              "--sample", str(FLIPS)),
             _chosen("space", "injected", "outcomes"), _on("nano", protection), lenient=True)
      for protection in ("none", "full") for layer in ("dense", "diagonal")),
    *(Source(f"synth-{board}", ("synth", "--board", board, "--seeds", str(seeds)), _synth, _for(board), lenient=True)
      for board, seeds in SEEDS.items()),
)  # fmt: skip
"""In the order in which they are run, quick ones first."""

EARLIER = ("mutants", *(f"synth-{board}" for board in SEEDS))
"""Sources whose figures are still of an earlier design than today's, as README and documents say: they take hours."""
