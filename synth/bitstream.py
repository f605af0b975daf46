"""A board's bitstream: all steps, seeds side by side, the best of them packed, and where the time went."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from statistics import median, median_low

from vanallen.boards.board import Board
from vanallen.rtl.config import preset

from .area import measure_area
from .audit import Audit
from .audited import audit_board, require_sound
from .errors import TimeLimit
from .flow import CACHE, Step, folder_of, locked, pack, place, synthesize
from .plan import DESIGN, Plan, make_plan
from .report import CriticalPath, Report, read_report
from .tools import Say, stop_tools
from .top import MakeCore, chip

__all__ = ["TIME_LIMIT", "Bitstream", "Seed", "build_bitstream"]

TIME_LIMIT = 1800.0
"""Seconds that one run of a tool may take."""

Progress = Callable[[int, int], None]


@dataclass(kw_only=True, frozen=True)
class Seed:
    """What became of a seed; ``fmax_mhz`` is None, and ``outcome`` "time limit", where nextpnr was stopped."""

    seed: int
    outcome: str
    fmax_mhz: float | None
    seconds: float
    cached: bool


@dataclass(kw_only=True, frozen=True)
class Bitstream:
    """A board's bitstream and its figures; seconds are those of the runs that made it, also if that was earlier.

    ``fmax_mhz`` has least and largest of the seeds that ended; in the median, one that was stopped counts as 0 MHz.
    ``bitstream`` and ``resources``, ``critical_path`` are the best seed's; None where no seed ended in time.
    ``peak_gops`` counts two operations a multiply-accumulate, at the clock the PLL makes.
    ``audit`` is that of the netlist, None without protection.
    """

    board: str
    config: str
    protection: str
    device: str
    speed: str
    design_hash: str
    bitstream: str | None
    target_mhz: float
    clock_mhz: float
    met: bool
    fmax_mhz: dict[str, float] | None
    best_seed: int | None
    critical_path: CriticalPath | None
    resources: dict[str, int] | None
    available: dict[str, int] | None
    gates: float | None
    peak_gops: float
    seeds: list[Seed]
    seconds: dict[str, float]
    audit: Audit | None


def _placement(plan: Plan, seed: int, cache: Path, time_limit: float, say: Say) -> tuple[Seed, Report | None]:
    try:
        step = place(plan, seed, cache=cache, time_limit=time_limit, say=say)
    except TimeLimit as late:
        return Seed(seed=seed, outcome="time limit", fmax_mhz=None, seconds=late.seconds, cached=late.earlier), None
    report = read_report(json.loads((step.folder / "report.json").read_text(encoding="utf-8")))
    found = Seed(seed=seed, outcome="placed", fmax_mhz=report.fmax_mhz, seconds=step.seconds, cached=step.cached)
    return found, report


def _left(durations: list[float], waiting: int, jobs: int) -> str:
    if not durations or not waiting:
        return ""
    return f", about {median(durations) * -(-waiting // jobs) / 60:.1f} min left"


def _places(
    plan: Plan, seeds: int, jobs: int, cache: Path, time_limit: float, progress: Progress, say: Say
) -> list[tuple[Seed, Report | None]]:
    """Places every seed, ``jobs`` at a time, and says each one's result as it comes."""
    found: list[tuple[Seed, Report | None]] = []
    pool = ThreadPoolExecutor(jobs)
    waiting: set[Future[tuple[Seed, Report | None]]] = {
        pool.submit(_placement, plan, seed, cache, time_limit, say) for seed in range(1, seeds + 1)
    }
    try:
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                seed, report = future.result()
                found.append((seed, report))
                progress(1 + len(found), seeds + 2)
                speed = f"{seed.fmax_mhz:.1f} MHz" if seed.fmax_mhz is not None else seed.outcome
                durations = [each.seconds for each, _ in found if not each.cached]
                left = _left(durations, seeds - len(found), jobs)
                earlier = ", from the cache" if seed.cached else ""
                say(f"seed {seed.seed}: {speed} ({seed.seconds:.0f} s{earlier}){left}")
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        stop_tools()
        raise
    pool.shutdown()
    return sorted(found, key=lambda pair: pair[0].seed)


def _say_synthesis(step: Step, say: Say) -> None:
    say(f"synthesis: {step.seconds:.0f} s{', from the cache' if step.cached else ''}")


def build_bitstream(
    board: Board,
    *,
    seeds: int = 1,
    jobs: int | None = None,
    time_limit: float = TIME_LIMIT,
    make_core: MakeCore | None = None,
    cache: Path = CACHE,
    progress: Progress = lambda done, total: None,
    say: Say = print,
) -> Bitstream:
    """Makes the bitstream of ``board`` with seeds 1 to ``seeds``, ``jobs`` at a time (the cores by default).

    What an earlier, also an interrupted, run has finished isn't done again. ``make_core`` puts something else than the
    chip onto the board; such a bitstream has no ``gates``, and isn't audited.

    Raises
    ------
    BoardError, ToolMissing, ToolFailed
        If the board's data are wrong, a tool isn't installed, or refuses the design.
    TimeLimit
        If Yosys takes longer than ``time_limit``; a seed that does is listed.
    AuditFailed
        If something that the protected chip has three times isn't there three times, in the netlist that would be
        placed, or in generic gates.
    """
    start = time.perf_counter()
    plan = make_plan(board, make_core or chip)
    elaboration = time.perf_counter() - start
    progress(0, seeds + 2)
    with locked(folder_of(plan, cache)):
        synthesis = synthesize(plan, cache=cache, time_limit=time_limit, say=say)
        _say_synthesis(synthesis, say)
        start = time.perf_counter()
        audited = make_core is None and board.protection == "full"
        audit = audit_board(plan, synthesis.folder) if audited else None
        require_sound(audit)
        auditing = time.perf_counter() - start
        progress(1, seeds + 2)
        placed = _places(plan, seeds, jobs or os.cpu_count() or 1, cache, time_limit, progress, say)
        best = max(((seed, report) for seed, report in placed if report), default=None,
                   key=lambda pair: (pair[1].met, pair[1].fmax_mhz))  # fmt: skip
        packed = pack(plan, best[0].seed, cache=cache, say=say) if best else None
    area = measure_area(preset(board.config, board.protection), cache=cache, say=say) if make_core is None else None
    require_sound(area.audit if area else None)
    progress(seeds + 2, seeds + 2)
    seconds = {"elaboration": elaboration, "synthesis": synthesis.seconds, "audit": auditing,
               "placement": sum(seed.seconds for seed, _ in placed),
               "packing": packed.seconds if packed else 0.0, "area": area.seconds if area else 0.0}  # fmt: skip
    return _result(plan, placed, best, packed, area.gates if area else None, seconds, audit)


def _median(placed: list[tuple[Seed, Report | None]]) -> float:
    """Over all seeds; one that was stopped is slower than any that ended, and half of them stopped is no median."""
    speeds = [seed.fmax_mhz or 0.0 for seed, _ in placed]
    return median(speeds) if median_low(speeds) else 0.0


def _result(
    plan: Plan,
    placed: list[tuple[Seed, Report | None]],
    best: tuple[Seed, Report] | None,
    packed: Step | None,
    gates: float | None,
    seconds: dict[str, float],
    audit: Audit | None,
) -> Bitstream:
    board, report = plan.board, best[1] if best else None
    speeds = [seed.fmax_mhz for seed, _ in placed if seed.fmax_mhz is not None]
    clock_mhz = float(plan.clock_hz) / 1e6
    macs = preset(board.config, board.protection).macs_per_cycle
    return Bitstream(
        board=board.name, config=board.config, protection=board.protection, device=board.device, speed=board.speed,
        design_hash=plan.design_hash,
        bitstream=str(packed.folder / f"{DESIGN}.bit") if packed else None,
        target_mhz=board.clock_mhz, clock_mhz=clock_mhz,
        met=report is not None and report.met,
        fmax_mhz={"min": min(speeds), "median": _median(placed), "max": max(speeds)} if speeds else None,
        best_seed=best[0].seed if best else None,
        critical_path=report.critical_path if report else None,
        resources=report.resources if report else None, available=report.available if report else None,
        gates=gates, peak_gops=round(2 * macs * clock_mhz / 1000, 3), seeds=[seed for seed, _ in placed],
        seconds={name: round(value, 2) for name, value in seconds.items()},
        audit=audit,
    )  # fmt: skip
