"""One multiply-accumulate element of the systolic array."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing
from vanallen.rtl.technology import Technology

from .dsp import mult18x18d

__all__ = ["ProcessingElement", "partial_sum_bits"]


def partial_sum_bits(row: int, weight_bits: int = 8) -> int:
    """Width of the signed sum of the products of rows 0 to ``row``: int8 times ``weight_bits`` bits."""
    return ((row + 1) << (6 + weight_bits)).bit_length() + 1


class ProcessingElement(wiring.Component):
    """Weight-stationary multiply-accumulate with a shadow weight.

    ::

                   sum_in   weight (to all rows of the column)
                     |         |
        activation --|-- [reg] |------ activation_out      shadow <- weight where load
        swap --------|-- [reg] |------ swap_out            active <- shadow where swap
        load --------|-- [reg] |------ load_out
                    (+) <- [product] <- activation x active
                     |
                  sum_out

    Latency: 3 cycles from ``activation`` to ``sum_out`` (multiplier with input and output registers, registered sum), 1
    from ``sum_in`` to ``sum_out``, 1 from an input on the left to its output on the right. One activation a cycle, no
    stall. ``swap`` comes with the first activation that the new weight multiplies; ``load`` may come with ``swap``.

    Parameters
    ----------
    row : int
        Row of the array, from the top: the sum grows downwards.
    weight_bits : int
        Width of the signed weight.
    technology : Technology
        Unless ``GENERIC``, the registers before and behind the product are those of a DSP block; the one that hands the
        activation on is beside it. Equal to ``GENERIC`` cycle by cycle.
    """

    latency = timing.ELEMENT

    def __init__(self, *, row: int, weight_bits: int = 8, technology: Technology = Technology.GENERIC):
        self.row = row
        self.weight_bits = weight_bits
        self.technology = technology
        super().__init__({
            "activation": In(signed(8)),
            "swap": In(1),
            "load": In(1),
            "weight": In(signed(weight_bits)),
            "sum_in": In(signed(partial_sum_bits(max(row - 1, 0), weight_bits))),
            "activation_out": Out(signed(8)),
            "swap_out": Out(1),
            "load_out": Out(1),
            "sum_out": Out(signed(partial_sum_bits(row, weight_bits))),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        shadow = Signal(signed(self.weight_bits), reset_less=True)
        active = Signal(signed(self.weight_bits), reset_less=True)
        activation = Signal(signed(8), reset_less=True)
        product = Signal(signed(8 + self.weight_bits), reset_less=True)
        total = Signal(signed(len(self.sum_out)), reset_less=True)
        swap = Signal()
        load = Signal()

        with m.If(self.load):
            m.d.sync += shadow.eq(self.weight)
        with m.If(self.swap):
            m.d.sync += active.eq(shadow)
        m.d.sync += [
            activation.eq(self.activation),
            total.eq(self.sum_in + product),
            swap.eq(self.swap),
            load.eq(self.load),
        ]
        if self.technology is not Technology.GENERIC:
            m.submodules.dsp = mult18x18d(a=self.activation, b=active, product=product, registered=True)
        else:
            m.d.sync += product.eq(activation * active)
        m.d.comb += [
            self.activation_out.eq(activation),
            self.swap_out.eq(swap),
            self.load_out.eq(load),
            self.sum_out.eq(total),
        ]
        return m
