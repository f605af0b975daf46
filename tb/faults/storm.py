"""A campaign in which bits of the chip flip all the time while a host classifies images with it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from vanallen.rtl.config import Config
from vanallen.sw.compiler import Program
from vanallen.sw.driver import (
    BusError,
    Driver,
    DriverError,
    GoldenTarget,
    Health,
    JobFailed,
    TargetTimeout,
    TransferFailed,
)
from vanallen.sw.models import load_input, load_model
from vanallen.sw.session import Session
from vanallen.sw.session.inputs import name_inputs
from vanallen.sw.session.run import compile_for

from .model import CACHE
from .storage import Storage
from .storm_target import StormTarget

__all__ = ["EVERY", "LOST", "Answer", "Beyond", "Flagged", "StormResult", "storm"]

EVERY = 2000
"""Cycles from one flip to the next, unless told otherwise."""

LOST = 2
"""Images that a storm may leave without an answer."""

_CYCLE_LIMIT = 1 << 17
"""Cycles after which the host gives a job up: many times what digits takes on any preset. The watchdog has twice as
many."""

_ATTEMPTS = 5
"""Times that the host loads the chip before it gives up."""

_TYPED = (DriverError, BusError, TargetTimeout)
"""What a driver raises of a chip that is not as it should be."""

Arrays = dict[str, NDArray[Any]]


class Beyond(Exception):
    """The chip couldn't be loaded any more."""


class Answer(StrEnum):
    """What became of an image."""

    RIGHT = "right"
    """Its first run gave the golden model's outputs."""
    WRONG = "wrong"
    """A run gave others, and no error: the first one, or that after an error."""
    FLAGGED = "flagged"
    """Its first run raised an error, and what the host did then gave no wrong answer."""


@dataclass(frozen=True)
class Flagged:
    """A run that raised ``error``, of image ``image``; ``again``: the host mended the chip and ran it again, and that
    gave the right outputs."""

    image: int
    error: str
    again: bool


@dataclass
class StormResult:
    """What a storm did to a chip with ``space`` bits of storage.

    ``design_hash`` is of the chip's Verilog. ``answers`` are those of the images in turn; ``health`` is the sum of what
    the chip counted; ``flips`` is cycle, register or memory, word and bit of each; ``cycles`` those of the chip from
    its reset on, ``seconds`` how long it took. ``loads``: errors raised while the host loaded the chip, by text.
    """

    space: int
    design_hash: str
    answers: list[Answer] = field(default_factory=list)
    flagged: list[Flagged] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    health: Health = field(default_factory=Health)
    flips: list[tuple[int, Storage, int, int]] = field(default_factory=list)
    cycles: int = 0
    seconds: float = 0.0

    def count(self, answer: Answer) -> int:
        """Images of which that became."""
        return self.answers.count(answer)

    @property
    def answered(self) -> int:
        """Images whose first run gave an answer."""
        return len(self.answers) - len(self.flagged)

    @property
    def good(self) -> bool:
        """No answer is wrong, and there is one to all images but :data:`LOST`."""
        return not self.count(Answer.WRONG) and self.answered >= len(self.answers) - LOST

    def by_part(self) -> dict[str, int]:
        """Flips by the part of the chip: the first two instances on the way to the register or memory."""
        return dict(Counter(".".join(storage.name.split(".")[:2]) for _, storage, _, _ in self.flips).most_common())


class _Host:
    """Keeps a chip loaded, and says what came of each run."""

    def __init__(self, target: StormTarget, program: Program, result: StormResult) -> None:
        self._target, self._program, self._result = target, program, result
        self._open()

    def _open(self) -> None:
        """Find the chip, and load it; with a reset before each attempt but the first."""
        for _ in range(_ATTEMPTS):
            try:
                driver = Driver(self._target, config=self._program.config)
                self._session = Session(self._program, driver, cycle_limit=_CYCLE_LIMIT)
            except _TYPED as error:
                self._result.loads.append(f"{type(error).__name__}: {error}")
                self._target.reset()
            else:
                self._result.health += self._session.health
                return
        raise Beyond(f"the chip can't be loaded: {self._result.loads[-1]}")

    def run(self, inputs: Arrays) -> Arrays:
        """The outputs, or one of the driver's errors."""
        try:
            return self._session.run(inputs)
        finally:
            self._result.health += self._counted()

    def _counted(self) -> Health:
        try:
            return self._session.driver.health()
        except _TYPED:
            return Health()

    def mend(self, error: Exception) -> None:
        """What docs/faults-from-the-host.md says: a soft reset where the chip may still be at work, and all that is
        resident loaded again. Where that fails, a reset."""
        try:
            if not isinstance(error, JobFailed | TransferFailed | BusError):
                self._session.driver.soft_reset()
            self._session.driver.clear_health()
            self._session.load()
            self._result.health += self._session.driver.health()
        except _TYPED as worse:
            self._result.loads.append(f"{type(worse).__name__}: {worse}")
            self._target.reset()
            self._open()


def _image(host: _Host, result: StormResult, inputs: Arrays, want: Arrays) -> Answer:
    try:
        first = host.run(inputs)
    except _TYPED as error:
        host.mend(error)
        again = _again(host, inputs, want)
        result.flagged.append(Flagged(len(result.answers), f"{type(error).__name__}: {error}", again is Answer.RIGHT))
        return Answer.WRONG if again is Answer.WRONG else Answer.FLAGGED
    return _compare(first, want)


def _again(host: _Host, inputs: Arrays, want: Arrays) -> Answer:
    """A second run of an image; where that is flagged too, the chip is mended for the next one."""
    try:
        return _compare(host.run(inputs), want)
    except _TYPED as error:
        host.mend(error)
        return Answer.FLAGGED


def _compare(got: Arrays, want: Arrays) -> Answer:
    """Bit by bit."""
    return Answer.RIGHT if all(got[name].tobytes() == want[name].tobytes() for name in want) else Answer.WRONG


def storm(
    config: Config,
    *,
    images: int | None = None,
    every: int = EVERY,
    seed: int = 1,
    memories: bool | None = None,
    quick: bool = False,
    cache: Path = CACHE,
    progress: Callable[[int, int], None] | None = None,
    report: Callable[[str], None] | None = None,
) -> StormResult:
    """Classify the images of ``digits:test`` one by one on a chip in which a bit flips every ``every`` cycles.

    Flips come from the reset on: while the chip is loaded, while it computes, while it is read, while it waits. The
    outputs of each image are compared with the golden model's.

    Parameters
    ----------
    config : Config
        The chip.
    images : int, optional
        The first images only.
    every, seed, memories, quick, cache, report
        As of :class:`.StormTarget`.
    progress : callable, optional
        Called with images done and all.

    Raises
    ------
    Beyond
        If the chip can't be loaded any more.
    DepositLost
        If a flipped bit didn't read back.
    ToolMissing, BuildError
        If the model can't be built.
    """
    model, chosen = load_model("digits"), load_input("digits:test")
    arrays = {name: array[:images] for name, array in name_inputs(model, chosen.arrays).items()}
    program = compile_for(model, config, arrays)
    golden = Session(program, Driver(GoldenTarget(config), config=config))
    total = len(next(iter(arrays.values())))
    target = StormTarget(config, every=every, seed=seed, memories=memories, quick=quick, cache=cache, report=report)
    result = StormResult(target.space.bits, target.design_hash)
    begin = time.perf_counter()
    try:
        host = _Host(target, program, result)
        for index in range(total):
            inputs = {name: array[index : index + 1] for name, array in arrays.items()}
            result.answers.append(_image(host, result, inputs, golden.run(inputs)))
            if progress is not None:
                progress(index + 1, total)
    finally:
        result.flips, result.cycles = target.flipped(), target.cycles
        result.seconds = time.perf_counter() - begin
        target.close()
    return result
