"""``vanallen campaign storm``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import RunFailed, UsageError
from .options import chosen_config, chosen_name
from .output import Output, new_table

if TYPE_CHECKING:
    from vanallen.tb.faults.storm import StormResult

__all__ = ["execute_storm"]

RESULTS = Path("build/campaigns")
SHOWN = 10
"""Flagged runs that are shown."""


def execute_storm(arguments: argparse.Namespace) -> int:
    """Runs the storm and prints what became of images and flips."""
    from vanallen.sw.driver import ToolMissing
    from vanallen.tb.faults.storm import EVERY, Beyond, storm  # loads Amaranth, which other commands don't need

    output = Output(json_path=arguments.json, quiet=arguments.quiet)
    config, every = chosen_config(arguments), arguments.every or EVERY
    only: str | None = arguments.only
    memories = None if only is None else only == "memories"
    output.print(
        f"digits on {config.name}, protection {config.protection}: a flip of {only or 'any storage'} every {every:,} "
        f"cycles, seed {arguments.seed}"
    )
    try:
        with output.progress("Images") as progress:
            result = storm(config, images=arguments.images, every=every, seed=arguments.seed, memories=memories,
                           progress=progress, report=output.print)  # fmt: skip
    except ToolMissing as error:
        raise UsageError(str(error)) from error
    except Beyond as error:
        raise RunFailed(f"{error}; a storm with a flip every {every:,} cycles is too much for it") from error
    _print(output, result)
    name = f"storm-{chosen_name(arguments)}" + (f"-{only}" if only else "")
    path = RESULTS / f"{name}-{arguments.seed}-{every}.npz"
    _save(path, result)
    found = _found(result) | {"config": config.name, "protection": config.protection, "seed": arguments.seed,
                              "every": every, "only": only, "results": str(path)}  # fmt: skip
    output.write_json(found, record=f"campaign-{name}")
    return 0 if result.good else 1


def _print(output: Output, result: StormResult) -> None:
    from vanallen.tb.faults.storm import LOST, Answer

    images, wrong = len(result.answers), result.count(Answer.WRONG)
    again = sum(flagged.again for flagged in result.flagged)
    registers = sum(not storage.is_memory for _, storage, _, _ in result.flips)
    table = new_table("A storm", ["what", "count", ""], text=["what", ""])
    health = result.health
    for row in (
        ("images", images, ""),
        ("answered", result.answered, f"by their first run; expected at least {max(images - LOST, 0):,}"),
        ("wrong", wrong, "differ from the golden model's in any bit; expected 0"),
        ("flagged", len(result.flagged), f"the driver raised an error; {again:,} right when run again"),
        ("flips", len(result.flips), f"of {result.space:,} bits; {registers:,} of flip-flops, the rest of memories"),
        ("corrected", health.corrected, "words read with a wrong bit"),
        ("recovered", health.recovered, "commands begun again behind the last good block"),
        ("outvoted", health.outvoted, "cycles in which a copy of control was put right"),
        ("refused", health.refused_writes, "struck writes that were not done, and made again"),
        ("uncorrectable", health.uncorrectable, "words read with more wrong bits than can be corrected"),
    ):
        table.add_row(row[0], f"{row[1]:,}", row[2])
    output.print(table)
    for flagged in result.flagged[:SHOWN]:
        output.print(f"image {flagged.image}: {flagged.error}")
    for text in result.loads[:SHOWN]:
        output.print(f"while the host loaded the chip: {text}")
    output.print(f"{result.cycles:,} cycles in {result.seconds:.1f} s")


def _found(result: StormResult) -> dict[str, Any]:
    from vanallen.tb.faults.storm import Answer

    flips, seconds = len(result.flips), result.seconds
    return {
        "name": "storm", "design_hash": result.design_hash, "space": result.space * result.cycles, "injected": flips,
        "simulated": flips, "inferred": 0, "exhaustive": False, "images": len(result.answers),
        "answered": result.answered, "wrong": result.count(Answer.WRONG), "flagged": len(result.flagged),
        "answered_again": sum(flagged.again for flagged in result.flagged), "cycles": result.cycles,
        "errors": [{"image": flagged.image, "error": flagged.error} for flagged in result.flagged],
        "load_errors": result.loads, "bits": result.space,
        "flips_of_registers": sum(not storage.is_memory for _, storage, _, _ in result.flips),
        "health": result.health.as_json(), "modules": [
            {"name": name, "injected": count} for name, count in result.by_part().items()],
        "seconds": seconds, "faults_per_s": flips / seconds, "expectation_met": result.good,
    }  # fmt: skip


def _save(path: Path, result: StormResult) -> None:
    """Each flip and each answer, as a compressed file of NumPy's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cycles, storage, words, bits = zip(*result.flips, strict=True) if result.flips else ((), (), (), ())
    np.savez_compressed(path, allow_pickle=False, cycle=np.array(cycles, np.int64), word=np.array(words, np.int64),
                        bit=np.array(bits, np.int64), name=np.array([entry.name for entry in storage], np.str_),
                        answer=np.array([str(answer) for answer in result.answers], np.str_))  # fmt: skip
