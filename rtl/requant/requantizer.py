"""The requantizer: lanes with their parameters and tag, and the packer that makes activation words."""

from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing
from vanallen.rtl.config import Config
from vanallen.rtl.control.tag import TagPipe, drain_tag
from vanallen.rtl.memory.access import WriteRequest
from vanallen.rtl.technology import Technology

from .lane import Lane, Parameter

__all__ = ["Requantizer"]


class Requantizer(wiring.Component):
    """From the accumulators' read registers to the pins of activation RAM.

    ::

        accumulators, parameters --> L lanes --> L shift registers of R / L bytes --> write (one word in R / L slots)
        tag --------------------> tag pipe ----------------------------------------> retired

    Latency: ``latency`` = 15 cycles from ``tag``, ``accumulators`` and ``parameters`` to ``write``. ``retired`` is the
    tag of the slot whose word is on ``write``: the block is committed by the one that ends it.
    """

    latency = timing.REQUANTIZER

    def __init__(self, *, config: Config, technology: Technology = Technology.GENERIC):
        self.config = config
        self.technology = technology
        self.tag_layout = drain_tag(config)
        super().__init__({
            "tag": In(self.tag_layout),
            "accumulators": In(data.ArrayLayout(signed(32), config.lanes)),
            "parameters": In(data.ArrayLayout(Parameter, config.lanes)),
            "zero_point": In(signed(8)),
            "low": In(signed(8)),
            "high": In(signed(8)),
            "write": Out(WriteRequest(config.activation_words, -(-config.rows // 8))),
            "write_data": Out(8 * config.rows),
            "retired": Out(self.tag_layout),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.tags = tags = TagPipe(tag=self.tag_layout, depth=self.latency)
        m.d.comb += tags.i.eq(self.tag)
        packing, retired = tags.taps[Lane.latency], tags.taps[self.latency]

        steps = self.config.steps_per_word
        word = [[Signal(8, name=f"byte_{step * self.config.lanes + index}", reset_less=True)
                 for index in range(self.config.lanes)] for step in range(steps)]  # fmt: skip
        for index in range(self.config.lanes):
            m.submodules[f"lane_{index}"] = lane = Lane(technology=self.technology)
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
            self.write.enable.eq((retired.valid & retired.write).replicate(len(self.write.enable))),
            self.write.address.eq(retired.address),
            self.write_data.eq(Cat(*word)),
            self.retired.eq(retired),
        ]
        return m
