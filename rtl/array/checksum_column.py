"""The checksum column: what the other columns' sums must add up to, modulo 255."""

from amaranth.hdl import Const, Module, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.technology import Technology

from .accumulator import Accumulator
from .dsp import mult18x18d
from .processing_element import ProcessingElement
from .residue import BITS, CARRIED, add, biased, opposite, settle

__all__ = ["ChecksumAccumulator", "ChecksumColumn", "ChecksumElement"]


class ChecksumElement(wiring.Component):
    """A processing element whose weight is a residue modulo 255, and its sum one that keeps its carry.

    Latencies are those of :class:`.ProcessingElement`, swap and load as well; nothing goes on to the right. A product
    has its upper byte added to its lower one: in the generic form before its register, behind it in that of the ECP5.
    ``sum_out`` is ``sum_in + activation * weight + 128``.
    """

    latency = ProcessingElement.latency

    def __init__(self, *, technology: Technology = Technology.GENERIC):
        self.technology = technology
        super().__init__({
            "activation": In(signed(8)),
            "swap": In(1),
            "load": In(1),
            "weight": In(BITS),
            "sum_in": In(CARRIED),
            "sum_out": Out(CARRIED),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        shadow = Signal(BITS, reset_less=True)
        active = Signal(BITS, reset_less=True)
        total = Signal(CARRIED, reset_less=True)
        with m.If(self.load):
            m.d.sync += shadow.eq(self.weight)
        with m.If(self.swap):
            m.d.sync += active.eq(shadow)
        product = self._product(m, active)
        m.d.sync += total.eq(add(self.sum_in, product) + product[BITS])
        m.d.comb += self.sum_out.eq(total)
        return m

    def _product(self, m: Module, active: Signal) -> Value:
        """The product's upper byte plus 128, plus its lower byte: at most 510."""
        product = Signal(signed(8 + BITS), reset_less=True)
        folded = Signal(CARRIED, reset_less=True)
        fold = biased(product)[BITS:] + product[:BITS]
        if self.technology is Technology.GENERIC:
            activation = Signal(signed(8), reset_less=True)
            m.d.sync += [activation.eq(self.activation), folded.eq(fold)]
            m.d.comb += product.eq(activation * active)
        else:
            m.submodules.dsp = mult18x18d(a=self.activation, b=active, product=product, registered=True)
            m.d.comb += folded.eq(fold)
        return folded


class ChecksumColumn(wiring.Component):
    """``rows`` checksum elements behind the last column of the array: another column, with other numbers.

    ``activations``, ``swap`` and ``load`` are what leaves the last column, ``weight`` comes with ``load``.
    """

    def __init__(self, *, rows: int, technology: Technology = Technology.GENERIC):
        self.rows = rows
        self.technology = technology
        super().__init__({
            "activations": In(data.ArrayLayout(signed(8), rows)),
            "swap": In(rows),
            "load": In(rows),
            "weight": In(BITS),
            "sum": Out(CARRIED),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        total: Value = Const(opposite(128 * self.rows), CARRIED)
        for row in range(self.rows):
            m.submodules[f"element_{row}"] = element = ChecksumElement(technology=self.technology)
            m.d.comb += [
                element.activation.eq(self.activations[row]),
                element.swap.eq(self.swap[row]),
                element.load.eq(self.load[row]),
                element.weight.eq(self.weight),
                element.sum_in.eq(total),
            ]
            total = element.sum_out
        m.d.comb += self.sum.eq(total)
        return m


class ChecksumAccumulator(Accumulator):
    """The accumulators of the checksum column: as those of another, but modulo 255."""

    stored = unsigned(BITS)
    total = unsigned(CARRIED)

    def __init__(self, *, rows: int):
        super().__init__(rows=rows, sum_bits=CARRIED)

    def _add(self, before: Value) -> Value:
        return add(self.partial_sum, before)

    def _store(self, total: Value) -> Value:
        return settle(total)
