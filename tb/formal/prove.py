"""Runs proofs, two solvers at a time, and remembers what was proven."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from vanallen.rtl.config import Config

from .proof import Proof, Result
from .registry import proofs
from .solver import Answer, convert, job, solve, versions
from .vectors import VECTORS, check_vectors

__all__ = ["CACHE", "LIMIT", "RANDOM", "prove", "prove_one"]

CACHE = Path("build/prove")
"""Where runs and what they proved are kept, from the current folder."""

LIMIT = 600.0
"""Seconds a proof may take."""

RANDOM = "lane.vectors"
"""Name of the check by random vectors."""

Progress = Callable[[int, int], None]


def _key(proof: Proof, design: str) -> str:
    parts = [design, job(proof.mode, proof.depth, proof.script), json.dumps(versions())]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _reason(answer: Answer, limit: float) -> str:
    broken = "; ".join(answer.broken)
    return {
        "FAIL": f"broken: {broken}",
        "UNKNOWN": f"not inductive, no counterexample from reset: {broken}",
        "TIMEOUT": f"not decided within {limit:.0f} s",
    }.get(answer.status, f"SymbiYosys: {answer.log.strip()[-300:]}")


def prove_one(proof: Proof, folder: Path, *, limit: float = LIMIT, force: bool = False) -> Result:
    """Proves one, unless the same design was proven before.

    Where an induction fails, the first ``hunt`` cycles from reset are searched for a real counterexample; if there is
    none, the trace is that of the failed induction, whose first state may be one that is never reached.
    """
    design = convert(proof.build())
    record, key = folder / f"{proof.name}.json", _key(proof, design)
    if not force and record.is_file():
        known = json.loads(record.read_text(encoding="utf-8"))
        if known["key"] == key:
            return Result(**known["result"], cached=True)
    start = time.monotonic()
    run = folder / proof.name
    answer = solve(design, proof.mode, proof.depth, proof.script, run, limit)
    if answer.status == "UNKNOWN":
        found = solve(design, "bmc", proof.hunt, proof.script, run.with_name(f"{proof.name}.hunt"), limit, every=True)
        answer = found if found.status == "FAIL" else answer
    good = answer.status == "PASS"
    result = Result(
        name=proof.name,
        mode=proof.mode,
        depth=proof.depth,
        outcome="pass" if good else "fail",
        seconds=round(time.monotonic() - start, 2),
        reason="" if good else _reason(answer, limit),
        trace="" if answer.trace is None else str(answer.trace),
    )
    if good:
        kept = {name: value for name, value in vars(result).items() if name != "cached"}
        record.write_text(json.dumps({"key": key, "result": kept}), encoding="utf-8")
    return result


def _choose(config: Config, text: str) -> tuple[list[Proof], bool]:
    chosen = [proof for proof in proofs(config) if text in proof.name]
    if not chosen and text not in RANDOM:
        names = ", ".join([*(proof.name for proof in proofs(config)), RANDOM])
        raise ValueError(f"-k must be part of the name of a proof ({names}), not {text!r}")
    return chosen, text in RANDOM


def prove(
    config: Config,
    *,
    text: str = "",
    jobs: int = 2,
    limit: float = LIMIT,
    force: bool = False,
    seed: int = 1,
    vectors: int = VECTORS,
    cache: Path = CACHE,
    progress: Progress | None = None,
) -> list[Result]:
    """The proofs of ``config`` whose name contains ``text``, in the registry's order.

    Raises
    ------
    ValueError
        If there is none.
    SolverMissing, ToolMissing
        If a tool isn't installed.
    """
    chosen, random = _choose(config, text)
    versions()
    folder = cache / config.name
    folder.mkdir(parents=True, exist_ok=True)
    total = len(chosen) + random
    results: dict[str, Result] = {}
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        waiting = [pool.submit(prove_one, proof, folder, limit=limit, force=force) for proof in chosen]
        if random:
            waiting.append(pool.submit(check_vectors, RANDOM, vectors=vectors, seed=seed))
        for done, future in enumerate(as_completed(waiting), start=1):
            results[future.result().name] = future.result()
            if progress is not None:
                progress(done, total)
    names = [*(proof.name for proof in chosen), *([RANDOM] if random else [])]
    return [results[name] for name in names]
