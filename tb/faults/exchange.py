"""A campaign of single upsets of flip-flops while host and chip talk: a load, a look at the status, a read-back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vanallen.rtl.config import Config
from vanallen.rtl.registers import register
from vanallen.sw.driver import BusError, CheckedTarget, Driver, DriverError, Target, TargetTimeout

from .model import CACHE
from .outcome import Outcome
from .space import Space
from .upset_target import UpsetTarget

__all__ = ["EXCHANGES", "ExchangeResult", "exchange"]

_FIRST, _ROWS = 5, 3
"""Rows of activation RAM that are loaded, and read back."""


def _values(config: Config) -> NDArray[np.int8]:
    return np.random.default_rng(1).integers(-128, 128, (_ROWS, config.rows)).astype(np.int8)


def _load(driver: Driver, bus: Target) -> bytes:
    driver.load_activations(_FIRST, _values(driver.config))
    return b""


def _status(driver: Driver, bus: Target) -> bytes:
    return bus.read(register("status").address).to_bytes(8, "little")


def _read_back(driver: Driver, bus: Target) -> bytes:
    return driver.read_activations(_FIRST, _ROWS).tobytes()


EXCHANGES: dict[str, Callable[[Driver, Target], bytes]] = {
    "load": _load, "status": _status, "read-back": _read_back,
}  # fmt: skip
"""What host and chip do; the result is what the host got to know."""


@dataclass(frozen=True)
class ExchangeResult:
    """What became of flips ``numbers`` of ``space``: ``outcomes``, each an :class:`~.outcome.Outcome`.

    ``cycles`` are those of the exchange without a flip; ``seconds`` is how long it took.
    """

    space: Space
    numbers: NDArray[np.int64]
    outcomes: NDArray[np.uint8]
    cycles: int
    design_hash: str
    seconds: float

    def counts(self) -> dict[Outcome, int]:
        """Flips of each class."""
        found = np.bincount(self.outcomes, minlength=len(Outcome))
        return {outcome: int(found[outcome]) for outcome in Outcome}

    def places(self, outcome: Outcome) -> list[tuple[str, int, int]]:
        """Register, bit and cycle of each flip of a class."""
        bits, times = np.divmod(self.numbers[self.outcomes == outcome], self.cycles)
        names = (self.space.storage[owner].name for owner in self.space.owner[bits])
        return list(zip(names, self.space.bit[bits].tolist(), times.tolist(), strict=True))


class _Rig:
    """A chip at the cycle in which the exchange begins."""

    def __init__(self, target: UpsetTarget, config: Config, name: str) -> None:
        self.target, self._act = target, EXCHANGES[name]
        self._driver = Driver(target, config=config)
        self._bus: Target = CheckedTarget(target) if config.protected else target
        if name != "load":
            self._driver.load_activations(_FIRST, _values(config))
        target.keep()
        begin = target.cycles
        self.want = self._act(self._driver, self._bus)
        self.cycles = target.cycles - begin
        target.mark()
        self._correctable = 1 if config.protected else 0

    def run(self, bit: int, after: int) -> Outcome:
        """The exchange with one flip ``after`` so many cycles."""
        self.target.back()
        begin = self.target.cycles
        self.target.plan(np.array([bit]), np.array([begin + after + 1]))
        try:
            got = self._act(self._driver, self._bus)
            longer = self.target.cycles - begin > self.cycles
        except TargetTimeout:
            return Outcome.HANG
        except (DriverError, BusError):
            return Outcome.DUE
        worst = self.target.worst_word()
        if got != self.want or worst > self._correctable:
            return Outcome.SDC
        return Outcome.LATE if longer else Outcome.LATENT if worst else Outcome.MASKED


def exchange(
    config: Config,
    name: str,
    *,
    sample: int | None = None,
    seed: int = 0,
    quick: bool = False,
    cache: Path = CACHE,
    progress: Callable[[int, int], None] | None = None,
    report: Callable[[str], None] | None = None,
) -> ExchangeResult:
    """Run one of :data:`EXCHANGES` with the driver again and again, each time with a flip of a flip-flop in one cycle.

    What the host got, and what the RAMs hold after it (but for what their code corrects), must be as without the flip:
    else it is ``SDC``. ``DUE``: the driver raised an error; ``HANG``: the chip didn't answer; ``LATE``: right, but
    something was done once more; ``LATENT``: right, a word has a wrong bit that its next read corrects.

    Parameters
    ----------
    config : Config
        The chip.
    name : str
        Of the exchange.
    sample, seed : int
        How many flips to draw, each at most once, and from which seed; all without.
    quick, cache, report
        As of :class:`.UpsetTarget`.
    progress : callable, optional
        Called with flips done and all.

    Raises
    ------
    ValueError
        If there is no such exchange.
    DepositLost
        If a flipped bit didn't read back.
    ToolMissing, BuildError
        If the model can't be built.
    """
    if name not in EXCHANGES:
        raise ValueError(f"exchange must be one of {', '.join(EXCHANGES)}, not {name!r}")
    target = UpsetTarget(config, memories=False, quick=quick, cache=cache, report=report)
    begin = time.perf_counter()
    try:
        rig = _Rig(target, config, name)
        faults = target.space.bits * rig.cycles
        numbers = np.arange(faults)
        if sample is not None and sample < faults:
            numbers = np.sort(np.random.Generator(np.random.Philox(seed)).choice(faults, sample, replace=False))
        outcomes = np.zeros(len(numbers), np.uint8)
        for index, (bit, after) in enumerate(zip(*np.divmod(numbers, rig.cycles), strict=True)):
            outcomes[index] = rig.run(int(bit), int(after))
            if progress is not None and index % 256 == 0:
                progress(index, len(numbers))
        if target.struck() != len(numbers):
            raise RuntimeError(f"{len(numbers)} flips must have come, not {target.struck()}")
        return ExchangeResult(target.space, numbers, outcomes, rig.cycles, target.design_hash,
                              time.perf_counter() - begin)  # fmt: skip
    finally:
        target.close()
