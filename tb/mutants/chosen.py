"""One chip with many mutants in it, of which a register chooses one, and single upsets of it.

A chip takes a minute to build; so all mutants that only a campaign of upsets shows are in one, as two versions of an
expression behind a multiplexer.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from amaranth.hdl import Module, Mux, Signal, Value

from vanallen.rtl.config import Config
from vanallen.rtl.verilog import TOP, Top, convert
from vanallen.tb.faults.count import ALLOWANCE, Campaign, fill_cycles
from vanallen.tb.faults.layers import LAYERS
from vanallen.tb.faults.model import FAULT, Model, ScriptFailed, build_model
from vanallen.tb.faults.outcome import Outcome, classify
from vanallen.tb.faults.script import make_script
from vanallen.tb.faults.space import make_space

from .edits import Edit, applied

__all__ = ["BAD", "ChosenChip"]

BAD = (Outcome.SDC, Outcome.HANG, Outcome.DUE)
"""What no single upset of a protected chip leads to."""

_CHOSEN = Signal(8, name="mutant", reset_less=True)
"""The number of the mutant that is in the chip; 0: none."""


class _Chip(Top):
    """The chip, with the register that chooses: it keeps what the model writes to it."""

    def elaborate(self, platform: object) -> Module:
        m: Module = super().elaborate(platform)
        m.d.sync += _CHOSEN.eq(_CHOSEN)
        return m


def _either(number: int, old: Any, new: Any) -> Value:
    """``old``, or ``new`` in the chip with mutant ``number``."""
    return Mux(number == _CHOSEN, Value.cast(new), Value.cast(old))


def _merged(mutants: Mapping[int, Sequence[Edit]]) -> list[Edit]:
    """All edits in one, by number: what one mutant changes, another may change too."""
    together: dict[tuple[type | ModuleType, str, str], list[tuple[int, str]]] = defaultdict(list)
    for number, edits in mutants.items():
        for edit in edits:
            together[edit.owner, edit.method, edit.old].append((number, edit.new))
    merged = []
    for (owner, method, old), choices in together.items():
        text = old
        for number, new in choices:
            text = f"_either({number}, {text}, {new})"
        merged.append(Edit(owner, method, old, text))
    return merged


class ChosenChip:
    """The chip of ``config`` with ``mutants`` by number (1 to 255); built when it is first struck.

    What an edit changes must be a whole expression, and so must what it becomes.
    """

    def __init__(self, config: Config, mutants: Mapping[int, Sequence[Edit]], *, cache: Path) -> None:
        self.config, self.mutants, self.cache = config, mutants, cache

    @cached_property
    def verilog(self) -> str:
        """The chip."""
        with applied(_merged(self.mutants), name="chosen", helpers={"_either": _either}):
            return convert(_Chip(config=self.config), TOP)

    @cached_property
    def _library(self) -> Path:
        return build_model(self.verilog, cache=self.cache)

    def strike(self, number: int, storage: str, *, layer: str, sample: int, seed: int) -> str:
        """What ``sample`` upsets, in registers whose names below the accelerator match ``storage``, do to the chip with
        mutant ``number`` that they must not; empty if nothing."""
        model, script = Model(self._library, self.verilog), make_script(
            LAYERS[layer](self.config), allowance=ALLOWANCE)  # fmt: skip
        index = next(
            index for name, (index, *_) in model.symbols.items() if name.endswith(".mutant") or name == "mutant"
        )
        for bit in range(number.bit_length()):
            if number >> bit & 1:
                model.deposit(np.array([(index, 0, bit, 0)], FAULT))
        try:
            model.record(script, fill_cycles=fill_cycles(self.config))
        except ScriptFailed as failed:
            return str(failed)
        if model.value(index) != number:
            raise ValueError(f"mutant {number} must be in the chip, not {model.value(index)}")
        space = make_space(model.storage, start=model.start(script.start), end=model.start(script.end), memories=False)
        campaign = Campaign(self.config, self.verilog, self._library, script, space, model.cycles)
        owners = [place for place, entry in enumerate(space.storage)
                  if re.fullmatch(storage, entry.name.removeprefix("accelerator."))]  # fmt: skip
        bits = np.flatnonzero(np.isin(space.owner, owners))
        if not len(bits):
            raise ValueError(f"storage must match the name of a register, not {storage!r}")
        drawn = np.random.Generator(np.random.Philox(seed)).choice(
            len(bits) * space.cycles, min(sample, len(bits) * space.cycles), replace=False)  # fmt: skip
        chosen, times = np.divmod(np.sort(drawn), space.cycles)
        numbers = (bits[chosen] * space.cycles + times).astype(np.int64)
        outcomes = classify(model.run(campaign.faults(numbers, model)), script.counters)
        found = {outcome.name: count for outcome in BAD if (count := int((outcomes == outcome).sum()))}
        told = ", ".join(f"{count} {name}" for name, count in found.items())
        return f"{told} of {len(numbers):,} upsets of {storage}" if told else ""
