"""Residues modulo 3: a sum or product is checked by those of its operands (Avizienis, Arithmetic error codes: cost and
effectiveness studies for application in digital system design, IEEE Transactions on Computers, 1971)."""

from amaranth.hdl import Cat, Module, Signal, Value

__all__ = ["product", "residue"]


def residue(m: Module, value: Value, name: str) -> Value:
    """``value`` modulo 3, as two bits: 3 stands for 0 too. Combinational.

    Powers of two are 1 and 2 by turns. So the bits are in two columns, and a full adder takes three bits of a column to
    one of the same and one of the other, until two are left in each. The difference that a single flip makes, a power
    of two, is never 0.
    """
    columns = [list(value[0::2]), list(value[1::2])]
    count = 0
    while max(map(len, columns)) > 2:
        weight = int(len(columns[1]) > len(columns[0]))
        (a, b, c), columns[weight] = columns[weight][:3], columns[weight][3:]
        half, total, carry = (Signal(name=f"{name}_{part}_{count}") for part in ("half", "sum", "carry"))
        m.d.comb += [half.eq(a ^ b), total.eq(half ^ c), carry.eq((a & b) | (half & c))]
        columns[weight].append(total)
        columns[1 - weight].append(carry)
        count += 1
    ones, twos = ([*column, 0, 0][:2] for column in columns)
    return _sum(Cat(ones[0], twos[0]), Cat(ones[1], twos[1]))


def _sum(a: Value, b: Value) -> Value:
    """The sum of two residues: its carry, 4, is 1."""
    carry = (a[1] & b[1]) | ((a[1] ^ b[1]) & a[0] & b[0])
    generated, half = a[0] & b[0], a[0] ^ b[0]
    low, middle = half ^ carry, generated | (half & carry)  # with the carry put in below
    return Cat(low, a[1] ^ b[1] ^ middle)


def product(a: Value, b: Value) -> Value:
    """The residue of the product of two numbers whose residues are ``a`` and ``b``. Combinational."""
    return _sum(Cat(a[0] & b[0], a[0] & b[1]), Cat(a[1] & b[1], a[1] & b[0]))
