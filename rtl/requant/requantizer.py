"""The requantizer: lanes with their parameters and tag, and the packer that makes activation words."""

from collections.abc import Sequence
from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing
from vanallen.rtl.config import Config
from vanallen.rtl.control.tag import TagPipe, drain_tag
from vanallen.rtl.memory.access import WriteRequest
from vanallen.rtl.technology import Technology

from .lane import FAULTS, Lane, Parameter
from .normalize import Normalize

__all__ = ["Requantizer"]


class Requantizer(wiring.Component):
    """From the accumulators' read registers to the pins of activation RAM.

    ::

        accumulators, parameters --> L lanes --> L shift registers of R / L bytes --> write (one word in R / L slots)
        tag --------------------> tag pipe ----------------------------------------> retired

    Latency: ``latency`` = 15 cycles from ``tag``, ``accumulators`` and ``parameters`` to ``write_data``; ``write`` asks
    for it to be written a cycle before, when its tag is ``asking``. ``retired`` is the tag of the slot whose word is
    there: the block is committed by the one that ends it.

    A protected one shows any single flip of a register, those of the tag pipe apart, whose tags have their own parity:
    a word on ``write_data`` is right, or disagrees with ``write_parity``, or a bit of ``wrong`` is high by then.

    Members of a protected one
    --------------------------
    parameter_parity : In(ArrayLayout(8, lanes))
        Parity of each byte of ``parameters``; those of an idle slot needn't agree.
    write_parity : Out(rows)
        Parity of each byte of ``write_data``.
    wrong : Out(FAULTS)
        What the lanes find, all of them together; a register. Low if nothing was hit, from the twelfth cycle after
        power-up on.
    """

    latency = timing.REQUANTIZER

    def __init__(self, *, config: Config, technology: Technology = Technology.GENERIC):
        self.config = config
        self.technology = technology
        self.tag_layout = drain_tag(config)
        guards = {
            "parameter_parity": In(data.ArrayLayout(8, config.lanes)),
            "write_parity": Out(config.rows),
            "wrong": Out(FAULTS),
        }
        super().__init__({
            "tag": In(self.tag_layout),
            "accumulators": In(data.ArrayLayout(signed(32), config.lanes)),
            "parameters": In(data.ArrayLayout(Parameter, config.lanes)),
            "zero_point": In(signed(8)),
            "low": In(signed(8)),
            "high": In(signed(8)),
            "write": Out(WriteRequest(config.activation_words, -(-config.rows // 8))),
            "write_data": Out(8 * config.rows),
            "asking": Out(self.tag_layout),
            "retired": Out(self.tag_layout),
            **(guards if config.protected else {}),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.tags = tags = TagPipe(tag=self.tag_layout, depth=self.latency)
        m.d.comb += tags.i.eq(self.tag)
        packing, asking, retired = (tags.taps[at] for at in (Lane.latency, self.latency - 1, self.latency))

        steps = self.config.steps_per_word
        word = [[Signal(8, name=f"byte_{step * self.config.lanes + index}", reset_less=True)
                 for index in range(self.config.lanes)] for step in range(steps)]  # fmt: skip
        lanes = [Lane(technology=self.technology, protected=self.config.protected) for _ in range(self.config.lanes)]
        for index, lane in enumerate(lanes):
            m.submodules[f"lane_{index}"] = lane
            m.d.comb += [
                lane.accumulator.eq(self.accumulators[index]),
                lane.parameter.eq(self.parameters[index]),
                lane.zero_point.eq(self.zero_point),
                lane.low.eq(self.low),
                lane.high.eq(self.high),
            ]
            with m.If(packing.valid):
                m.d.sync += word[-1][index].eq(lane.value)
                m.d.sync += [word[step][index].eq(word[step + 1][index]) for step in range(steps - 1)]

        m.d.comb += [
            self.write.enable.eq((asking.valid & asking.write).replicate(len(self.write.enable))),
            self.write.address.eq(asking.address),
            self.write_data.eq(Cat(*word)),
            self.asking.eq(asking),
            self.retired.eq(retired),
        ]
        if self.config.protected:
            self._guard(m, lanes, packing.valid, tags.taps[Normalize.latency].valid)
        return m

    def _guard(self, m: Module, lanes: Sequence[Lane], packs: Value, normalized_valid: Value) -> None:
        """The parity of each byte moves along in the packer; faults of the lanes are gathered."""
        told = Signal(self.config.rows, reset_less=True)
        with m.If(packs):
            m.d.sync += told.eq(Cat(told[len(lanes) :], *(lane.value_parity for lane in lanes)))
        wrong = Signal(FAULTS, reset_less=True)
        m.d.sync += Value.cast(wrong).eq(reduce(or_, (lane.wrong.as_value() for lane in lanes)))
        for index, lane in enumerate(lanes):
            m.d.comb += [
                lane.parameter_parity.eq(self.parameter_parity[index]),
                lane.normalized_valid.eq(normalized_valid),
            ]
        m.d.comb += [self.write_parity.eq(told), self.wrong.eq(wrong)]
