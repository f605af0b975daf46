"""The parities of what moves through the array: each waits for the bits it is of where those are used last."""

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing
from vanallen.rtl.config import Config
from vanallen.rtl.control.tag import steering_tag
from vanallen.rtl.memory.scratchpad import Scratchpad

from .parity_pipe import ParityPipe

__all__ = ["ParityChecks"]

ARRIVING = Scratchpad.latency
"""Cycles from a tag to its words; they enter the array a cycle later."""
ENTERING = ARRIVING + 1

INTERVAL = 8
"""Places in the tag pipe, counted from its end, in which parity is tested: a tag that was struck may change a row that
drains in the other bank, so it must be told before the last column's write."""


class ParityChecks(wiring.Component):
    """Weight rows, activation vectors, load and swap enables, and issue tags.

    ========== ============================= ================================================ =======================
    ``wrong``  parity                        bits, and where                                  when
    ========== ============================= ================================================ =======================
    weight     of the word, with it          ``weights``, as they enter the columns           a row was loaded
    activation of the vector, with it        ``activations``, behind the last column          the slot streamed a row
    identity   of a tag's load and swap      ``load``, ``swap``, behind the last column       always
    tag        the tag's                     ``taps``, each field where it is used last       always
    ========== ============================= ================================================ =======================

    A vector has one parity, since a flip hits one row of it; padding has none, being an even number of equal bytes.
    ``sent`` are the swaps as they enter the first column: the tag steers each row with another register.

    A bit of ``wrong`` is high two cycles after the last bits have come, of a weight row the last column's and of a
    vector the last row's; and at most ``INTERVAL`` cycles after a tag changed, once its rows enter accumulators.
    """

    def __init__(self, *, config: Config):
        self.config = config
        self.depth = timing.arrival(config) - timing.ISSUE
        rows, columns = config.rows, config.columns
        super().__init__({
            "parity": In(1),
            "taps": In(data.ArrayLayout(steering_tag(config), self.depth + 1)),
            "weight_parity": In(columns),
            "activation_parity": In(rows),
            "weights": In(data.ArrayLayout(signed(8), columns)),
            "activations": In(data.ArrayLayout(signed(8), rows)),
            "sent": In(rows),
            "load": In(rows),
            "swap": In(rows),
            "wrong": Out(data.StructLayout({"weight": 1, "activation": 1, "identity": 1, "tag": 1})),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        wrong = Signal(self.wrong.shape(), reset_less=True)
        m.d.sync += [
            wrong.weight.eq(self._weight_row(m) & self.load.any()),
            wrong.activation.eq(self._vector(m) & self.taps[ENTERING + self.config.columns + self.config.rows].valid),
            wrong.identity.eq(self._enables(m)),
            wrong.tag.eq(self._tag(m)),
        ]
        m.d.comb += self.wrong.eq(wrong)
        return m

    def _weight_row(self, m: Module) -> Value:
        m.submodules.weight_row = pipe = ParityPipe(depth=self.config.columns)
        parity = Signal(name="weight_row_parity", reset_less=True)
        m.d.sync += parity.eq(self.weight_parity.xor())
        m.d.comb += [pipe.i.eq(parity), pipe.fold.eq(Cat(weight.xor() for weight in self.weights))]
        left: Value = pipe.taps[pipe.depth]
        return left

    def _vector(self, m: Module) -> Value:
        columns = self.config.columns
        m.submodules.vector = pipe = ParityPipe(depth=columns + self.config.rows)
        parity = Signal(name="vector_parity", reset_less=True)
        m.d.sync += parity.eq(self.activation_parity.xor() & ~self.taps[ARRIVING].padding)
        m.d.comb += [
            pipe.i.eq(parity),
            pipe.fold[columns:].eq(Cat(activation.xor() for activation in self.activations)),
        ]
        left: Value = pipe.taps[pipe.depth]
        return left

    def _enables(self, m: Module) -> Value:
        columns = self.config.columns
        m.submodules.enables = pipe = ParityPipe(depth=columns + self.config.rows)
        m.d.comb += [
            pipe.i.eq(self.taps[ENTERING].load),
            pipe.fold.eq(self.sent ^ (self.load.xor() << columns) ^ (self.swap << columns)),
        ]
        left: Value = pipe.taps[pipe.depth]
        return left

    def _tag(self, m: Module) -> Value:
        m.submodules.tag = pipe = ParityPipe(depth=self.depth)
        entered = ARRIVING + self.config.rows
        fold = {
            ARRIVING: self.taps[ARRIVING].padding,
            ENTERING: self.taps[ENTERING].load ^ self.taps[ENTERING].load_row.xor(),
            entered: self.taps[entered].swap,
        }
        m.d.comb += [pipe.i.eq(self.parity), *(pipe.fold[place].eq(bit) for place, bit in fold.items())]
        places = range(self.depth, entered, -INTERVAL)
        return Cat(pipe.taps[place] ^ self._rest(self.taps[place]) for place in places).any()

    def _rest(self, tag: data.View) -> Value:
        """Parity of the fields that steer accumulators."""
        return Cat(tag.valid, tag.first, tag.last, tag.end, tag.bank, tag.row).xor()
