"""A product as a Lattice ECP5 DSP block."""

from amaranth.hdl import ClockSignal, Const, Instance, Signal, Value

__all__ = ["OPERAND_BITS", "mult18x18d"]

OPERAND_BITS = 18
"""Width of an operand of MULT18X18D (Lattice FPGA-TN-02205, sysDSP usage guide)."""


def mult18x18d(*, a: Value, b: Value, product: Signal, registered: bool) -> Instance:
    """``product`` = register of ``a`` times ``b``; if ``registered``, ``a`` passes a register before the product too.

    The registers are the block's own, without enable or reset. Operands are at most 18 bits wide, signed or not; they
    stand at the upper end of the block's, whose other pins are zero: constants take no wire, copies of a sign do.
    ``product`` is as wide as both together.

    Latency: 1 cycle from ``b``; from ``a`` 1, or 2 if ``registered``.
    """
    below = 2 * OPERAND_BITS - len(a) - len(b)
    pins = {f"o_P{below + bit}": product[bit] for bit in range(len(a) + len(b))}
    for name, value in (("A", a), ("B", b)):
        bits = [*Const(0, OPERAND_BITS - len(value)), *value]
        pins |= {f"i_{name}{bit}": bits[bit] for bit in range(OPERAND_BITS)}
        pins[f"i_SIGNED{name}"] = Const(value.shape().signed)
        pins[f"i_SOURCE{name}"] = Const(0)
    return Instance(
        "MULT18X18D",
        p_REG_INPUTA_CLK="CLK0" if registered else "NONE", p_REG_INPUTB_CLK="NONE",
        p_REG_PIPELINE_CLK="NONE", p_REG_OUTPUT_CLK="CLK0", p_GSR="DISABLED",
        i_CLK0=ClockSignal(), i_CE0=Const(1), i_RST0=Const(0), **pins,
    )  # fmt: skip
