"""Contracts of what only delays: tag pipes and skews."""

from __future__ import annotations

from amaranth.asserts import AnySeq
from amaranth.hdl import Fragment, Module, Mux, Shape, Signal, Value
from amaranth.lib import data

from vanallen.rtl.array.skew import Skew
from vanallen.rtl.control.tag import TagPipe

from .specification import Specification, always, drive_freely

__all__ = ["SkewContract", "TagContract"]


class _Delays(Specification):
    """An input is noted in a cycle chosen freely; ``age`` counts from there, 0 before, up to ``longest`` + 1."""

    def _note(self, m: Module, value: Value, longest: int) -> tuple[Signal, Signal]:
        noted = Signal(len(value), reset_less=True)
        age = Signal(range(longest + 2))
        with m.If(age == 0):
            m.d.sync += [age.eq(AnySeq(1)), noted.eq(value)]
        with m.Elif(age <= longest):
            m.d.sync += age.eq(age + 1)
        return noted, age


class TagContract(_Delays):
    """``taps[k]`` is the tag of ``k`` cycles ago, and idle for ``k`` cycles after reset."""

    def __init__(self, *, tag: data.StructLayout, depth: int) -> None:
        self.tag, self.depth = tag, depth

    def specify(self, m: Module) -> None:
        pipe = TagPipe(tag=self.tag, depth=self.depth)
        m.submodules.pipe = pipe
        drive_freely(m, pipe)
        taps = [pipe.taps[delay].as_value() for delay in range(self.depth + 1)]
        noted, age = self._note(m, pipe.i.as_value(), self.depth)
        since = Signal(range(self.depth + 1))
        m.d.sync += since.eq(Mux(since >= self.depth, since, since + 1))
        always(m, "tap 0 is the input", taps[0] == pipe.i.as_value())
        for delay in range(1, self.depth + 1):
            always(m, f"tap {delay} is the input of {delay} cycles ago", (age != delay) | (taps[delay] == noted))
            always(m, f"tap {delay} is idle for {delay} cycles after reset", (since >= delay) | (taps[delay] == 0))


class SkewContract(_Delays):
    """Element ``k`` comes out as it went in ``k`` cycles ago."""

    def __init__(self, *, element: Shape, count: int) -> None:
        self.element, self.count = element, count

    def specify(self, m: Module) -> None:
        skew = Skew(element=self.element, count=self.count)
        m.submodules.skew = fragment = Fragment.get(skew, None)
        drive_freely(m, skew)
        stored = {signal.name: signal for one in fragment.statements.get("sync", ()) for signal in one._lhs_signals()}
        always(m, "element 0 is not delayed", Value.cast(skew.o[0]) == Value.cast(skew.i[0]))
        for index in range(1, self.count):
            noted, age = self._note(m, Value.cast(skew.i[index]), index)
            out = Value.cast(skew.o[index]).as_unsigned()
            always(m, f"element {index} is that of {index} cycles ago", (age != index) | (out == noted))
            for delay in range(1, index):
                always(m, f"invariant: element {index}, {delay} cycles on its way",
                       (age != delay) | (stored[f"element_{index}_{delay}"].as_unsigned() == noted))  # fmt: skip
