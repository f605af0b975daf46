"""The commands whose results stand in the tables of README and documents, and what is kept of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vanallen.rtl.config import PROTECTIONS

from .design import board_hash, chip_hash

__all__ = ["COMPARED", "CONFIGS", "EARLIER", "EXCHANGED", "FLIPS", "SEEDS", "SOURCES", "STORMS", "Source"]

Figures = dict[str, Any]

CONFIGS = ("nano", "cubesat", "payload")
"""Configurations in the tables."""

COMPARED = ("nano", "cubesat", "payload", "orbital")
"""Configurations whose protected chip is compared with the unprotected one."""

FLIPS = {("full", "dense"): 0, ("full", "diagonal"): 0, ("none", "dense"): 50_000, ("none", "diagonal"): 50_000}
"""Flips that a campaign in the tables draws, by protection and layer; 0 for all there are."""

EXCHANGED = {"full": 0, "none": 20_000}
"""Flips drawn while host and chip talk, by protection; 0 for all there are."""

STORMS = {"": (), "-registers": ("--only", "registers")}
"""Options of the storms in the tables."""

SEEDS = {"ulx3s-85f": 8, "ulx3s-45f": 2}
"""Boards in the tables, and the placements of each, with and without protection, of which they give the least, the
median and the best."""


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
    costs = {work["name"]: work["overhead"] for work in result["overhead"]["workloads"]}
    return {work["name"]: {key: work[key] for key in keys} | {"overhead": costs[work["name"]]}
            for work in result["workloads"]}  # fmt: skip


def _prove(result: Mapping[str, Any]) -> Figures:
    keys = ("name", "mode", "depth", "outcome")
    return {"proofs": [{key: proof[key] for key in keys} for proof in result["proofs"]]}


def _synth(result: Mapping[str, Any]) -> Figures:
    kept = _chosen("config", "fmax_mhz", "target_mhz", "met", "resources", "available")(result)
    return kept | {"seeds": {str(seed["seed"]): seed["fmax_mhz"] for seed in result["seeds"]}}


def _overhead(result: Mapping[str, Any]) -> Figures:
    return {"none": result["none"]["gates"], "full": result["full"]["gates"], "overhead": result["overhead"],
            "mechanisms": {part["name"]: part["share"] for part in result["mechanisms"]}}  # fmt: skip


def _on(config: str, protection: str = "full") -> Callable[[], str]:
    return lambda: chip_hash(config, protection)


def _for(board: str, protection: str) -> Callable[[], str]:
    return lambda: board_hash(board, protection)


SOURCES = (
    Source("run-digits", ("run", "digits", "--input", "digits:test", "--check"),
           _chosen("checked_values", "differing_values", "samples", "accuracy", "total_cycles", "macs_on_chip_share"),
           _on("cubesat")),
    *(Source(f"bench-{name}", ("bench", "--config", name, "--cycles-only", "--compare"), _bench, _on(name))
      for name in CONFIGS),
    *(Source(f"regress-{protection}", ("regress", "--config", "nano", "--protection", protection),
             _chosen("passed", "failed", "coverage"), _on("nano", protection), lenient=True)
      for protection in PROTECTIONS),
    *(Source(f"prove-{protection}", ("prove", "--config", "nano", "--protection", protection), _prove,
             _on("nano", protection)) for protection in PROTECTIONS),
    Source("mutants", ("regress", "--config", "nano", "--protection", "none", "--mutants"), _chosen("mutants"),
           _on("nano", "none"), lenient=True),
    Source("mutants-full", ("regress", "--config", "nano", "--protection", "full", "--mutants"), _chosen("mutants"),
           _on("nano"), lenient=True),
    *(Source(f"compare-{name}", ("synth", "--no-place", "--compare", "--config", name), _overhead, _on(name))
      for name in COMPARED),
    *(Source(f"campaign-{protection}-{layer}",
             ("campaign", "exhaustive-seu", "--config", "nano", "--protection", protection, "--layer", layer,
              "--sample", str(FLIPS[protection, layer])),
             _chosen("space", "injected", "exhaustive", "outcomes", "false_alarms"), _on("nano", protection),
             lenient=True)
      for protection in PROTECTIONS for layer in ("dense", "diagonal")),
    *(Source(f"{name}-{protection}",
             ("campaign", name, "--config", "nano", "--protection", protection, "--sample", str(EXCHANGED[protection])),
             _chosen("space", "injected", "exhaustive", "outcomes"), _on("nano", protection), lenient=True)
      for name in ("load", "status", "read-back") for protection in PROTECTIONS),
    *(Source(f"storm{suffix}", ("campaign", "storm", *options),
             _chosen("injected", "flips_of_registers", "images", "answered", "wrong", "flagged", "health"),
             _on("cubesat"), lenient=True)
      for suffix, options in STORMS.items()),
    *(Source(f"synth-{board}-{protection}",
             ("synth", "--board", board, "--protection", protection, "--seeds", str(seeds)), _synth,
             _for(board, protection), lenient=True)
      for board, seeds in SEEDS.items() for protection in PROTECTIONS),
)  # fmt: skip
"""In the order in which they are run, quick ones first."""

EARLIER = ("mutants", "campaign-full-diagonal",
           *(f"synth-{board}-{protection}" for board in SEEDS for protection in PROTECTIONS))  # fmt: skip
"""Sources whose figures are still of an earlier design than today's, as README and documents say: they take hours."""
