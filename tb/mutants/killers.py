"""What shows a mutant of the protection, which does nothing wrong as long as nothing is struck."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from vanallen.rtl.config import Config
from vanallen.tb.formal.proof import Proof
from vanallen.tb.formal.registry import proofs
from vanallen.tb.formal.solver import convert, solve

from .benches import BENCHES

__all__ = ["Killer", "Proven", "Simulated", "Struck"]

_LIMIT = 240.0
"""Seconds a proof may take."""


class Killer(ABC):
    """Looks at the hardware as it is now, or, if it is a :class:`Struck`, is done by the chip with all mutants."""

    @abstractmethod
    def find(self, config: Config) -> str:
        """What is wrong; empty for sound hardware.

        Raises
        ------
        ValueError
            If it can't be decided.
        """


@lru_cache(maxsize=4)
def _proofs(config: Config) -> dict[str, Proof]:
    return {proof.name: proof for proof in proofs(config)}


@dataclass(frozen=True)
class Proven(Killer):
    """The formal proof ``name`` doesn't hold any more."""

    name: str

    def find(self, config: Config) -> str:
        proof = _proofs(config)[self.name]
        design = convert(proof.build())
        with tempfile.TemporaryDirectory(prefix="vanallen-proof-") as folder:
            answer = solve(design, proof.mode, proof.depth, proof.script, Path(folder) / proof.name, _LIMIT)
        if answer.status not in ("PASS", "FAIL", "UNKNOWN"):
            raise ValueError(f"{self.name} must be decided, not end with {answer.status}: {answer.log.strip()[-500:]}")
        broken = ", ".join(dict.fromkeys(answer.broken)) or "doesn't hold"
        return "" if answer.status == "PASS" else f"proof {self.name}: {broken}"


@dataclass(frozen=True)
class Simulated(Killer):
    """A component, simulated with something wrong, doesn't do what it should (:data:`.benches.BENCHES`)."""

    name: str

    def find(self, config: Config) -> str:
        found = BENCHES[self.name](config)
        return f"simulation: {found}" if found else ""


@dataclass(frozen=True)
class Struck(Killer):
    """``sample`` single upsets (all, if there are fewer) of the registers ``storage``, a pattern of names below the
    accelerator, change an output, hang the chip or end its job, while it runs ``layer``; or it fails even without."""

    storage: str
    sample: int = 600
    layer: str = "dense"

    def find(self, config: Config) -> str:
        raise TypeError("upsets are of the chip with all mutants: ChosenChip.strike")
