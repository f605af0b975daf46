"""The systolic array: processing elements in rows and columns."""

from amaranth.hdl import Module, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.technology import Technology

from .processing_element import ProcessingElement, partial_sum_bits

__all__ = ["SystolicArray"]


class SystolicArray(wiring.Component):
    """``rows`` x ``columns`` processing elements.

    ::

        activations, swap, load          column 0     column 1 ...
          row 0, cycle t            -->    PE    -->    PE    -->   load and swap end at the last column
          row 1, cycle t + 1        -->    PE    -->    PE    -->
                                            |            |
                                     sums, t + R + 2   t + R + 3   ...

    The caller skews: what belongs to one vector enters row ``r`` (``activations``, ``swap``) ``r`` cycles after row 0,
    and ``weights[c]`` ``c`` cycles after ``weights[0]``, which comes with its row's ``load``.

    Latency: ``latency(c)`` cycles from the activation of row 0 to the sum of column ``c``. One vector a cycle.

    Parameters
    ----------
    open_end : bool
        What leaves the last column at the right is shown: ``activations_out``, ``swap_out``, ``load_out``, ``columns``
        cycles after it entered.
    """

    def __init__(self, *, rows: int, columns: int, open_end: bool = False, technology: Technology = Technology.GENERIC):
        self.rows = rows
        self.columns = columns
        self.open_end = open_end
        self.technology = technology
        self.sum_bits = partial_sum_bits(rows - 1)
        sides = {"activations": data.ArrayLayout(signed(8), rows), "swap": rows, "load": rows}
        super().__init__({
            **{name: In(shape) for name, shape in sides.items()},
            **{f"{name}_out": Out(shape) for name, shape in sides.items() if open_end},
            "weights": In(data.StructLayout({str(c): signed(8) for c in range(columns)})),
            "sums": Out(data.StructLayout({str(c): signed(self.sum_bits) for c in range(columns)})),
        })  # fmt: skip

    def latency(self, column: int) -> int:
        """Cycles from the activation of row 0 to the sum of ``column``; one behind the last is a column that reads
        what leaves at the right."""
        return self.rows - 1 + column + ProcessingElement.latency

    def elaborate(self, platform) -> Module:
        m = Module()
        for column in range(self.columns):
            above = None
            for row in range(self.rows):
                element = ProcessingElement(row=row, technology=self.technology)
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
        if self.open_end:
            for row in range(self.rows):
                last = m.submodules[f"pe_{row}_{self.columns - 1}"]
                m.d.comb += [
                    self.activations_out[row].eq(last.activation_out),
                    self.swap_out[row].eq(last.swap_out), self.load_out[row].eq(last.load_out),
                ]  # fmt: skip
        return m
