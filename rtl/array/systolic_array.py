"""The systolic array: processing elements in rows and columns."""

from amaranth.hdl import Module, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.technology import Technology

from .processing_element import ProcessingElement, partial_sum_bits

__all__ = ["SIDE_WEIGHT_BITS", "SystolicArray"]

SIDE_WEIGHT_BITS = 12
"""Width of a checksum weight: the sum of up to 16 int8."""


class SystolicArray(wiring.Component):
    """``rows`` x ``columns`` processing elements, and ``side_columns`` more with wide weights at the right.

    ::

        activations, swap, load          column 0     column 1 ...
          row 0, cycle t            -->    PE    -->    PE    -->   load and swap end at the last column
          row 1, cycle t + 1        -->    PE    -->    PE    -->
                                            |            |
                                     sums, t + R + 2   t + R + 3   ...

    The caller skews: what belongs to one vector enters row ``r`` (``activations``, ``swap``) ``r`` cycles after row 0,
    and ``weights[c]`` ``c`` cycles after ``weights[0]``, which comes with its row's ``load``. With side columns, what
    leaves the last column at the right is shown.

    Latency: ``latency(c)`` cycles from the activation of row 0 to the sum of column ``c``. One vector a cycle.
    """

    def __init__(self, *, rows: int, columns: int, side_columns: int = 0, technology: Technology = Technology.GENERIC):
        self.rows = rows
        self.columns = columns
        self.side_columns = side_columns
        self.technology = technology
        self.weight_bits = [8] * columns + [SIDE_WEIGHT_BITS] * side_columns
        self.sum_bits = [partial_sum_bits(rows - 1, bits) for bits in self.weight_bits]
        super().__init__({
            "activations": In(data.ArrayLayout(signed(8), rows)),
            "swap": In(rows),
            "load": In(rows),
            "weights": In(data.StructLayout({str(c): signed(bits) for c, bits in enumerate(self.weight_bits)})),
            **({"activations_out": Out(data.ArrayLayout(signed(8), rows)), "swap_out": Out(rows), "load_out": Out(rows)}
               if side_columns else {}),
            "sums": Out(data.StructLayout({str(c): signed(bits) for c, bits in enumerate(self.sum_bits)})),
        })  # fmt: skip

    def latency(self, column: int) -> int:
        """Cycles from the activation of row 0 to the sum of ``column``."""
        return self.rows - 1 + column + ProcessingElement.latency

    def elaborate(self, platform) -> Module:
        m = Module()
        for column, weight_bits in enumerate(self.weight_bits):
            above = None
            for row in range(self.rows):
                element = ProcessingElement(row=row, weight_bits=weight_bits, technology=self.technology)
                m.submodules[f"pe_{row}_{column}"] = element
                left = m.submodules[f"pe_{row}_{column - 1}"] if column else None
                m.d.comb += [
                    element.activation.eq(left.activation_out if left is not None else self.activations[row]),
                    element.swap.eq(left.swap_out if left is not None else self.swap[row]),
                    element.load.eq(left.load_out if left is not None else self.load[row]),
                    element.weight.eq(self.weights[str(column)]),
                    element.sum_in.eq(above.sum_out if above is not None else 0),
                ]
                above = element
            m.d.comb += self.sums[str(column)].eq(above.sum_out)
        if self.side_columns:
            for row in range(self.rows):
                last = m.submodules[f"pe_{row}_{len(self.weight_bits) - 1}"]
                m.d.comb += [
                    self.activations_out[row].eq(last.activation_out),
                    self.swap_out[row].eq(last.swap_out), self.load_out[row].eq(last.load_out),
                ]  # fmt: skip
        return m
