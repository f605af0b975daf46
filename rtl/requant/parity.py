"""Parity that moves along a pipeline beside the data, with what each stage does to it."""

from collections.abc import Iterable

from amaranth.hdl import Cat, Module, Signal, Value, ValueLike

__all__ = ["ahead", "fours", "incremented", "lowest_even", "moved_along", "parity"]


def parity(*values: ValueLike) -> Value:
    """Whether the number of ones in ``values`` is odd. Combinational."""
    return Cat(*values).xor()


def fours(value: Value) -> Value:
    """The parity of every four bits of ``value``. Combinational."""
    return Cat(value[four : four + 4].xor() for four in range(0, len(value), 4))


def lowest_even(value: Value) -> Value:
    """Whether the lowest one of ``value`` is at an even place; no if it is zero. Combinational.

    ``value - 1`` flips this one and the zeros below it, ``-value`` the bits above it: both have another parity than
    ``value`` if and only if the place is even. That holds modulo 2^n, n even, for zero too.
    """
    even, _ = _lowest_even(value)
    return even


def _lowest_even(value: Value) -> tuple[Value, Value]:
    """:func:`lowest_even`, and whether ``value`` has a one: by halves, the lower of an even width."""
    if len(value) == 1:
        return value[0], value[0]
    if len(value) == 2:
        return value[0], value.any()
    half = 1 << (len(value) - 1).bit_length() - 1
    (low, low_any), (high, high_any) = _lowest_even(value[:half]), _lowest_even(value[half:])
    return low | (~low_any & high), low_any | high_any


def incremented(value: Value) -> Value:
    """Whether ``value + 1``, a bit wider than ``value``, has another parity than ``value``: if its lowest zero is at an
    even place. Combinational."""
    return lowest_even(Cat(~value, 1))


def ahead(m: Module, registers: Iterable[Signal]) -> list[Signal]:
    """For each of ``registers`` a signal that drives its input, so that the parity of what it will hold is known."""
    signals = []
    for register in registers:
        signal = Signal.like(register, name=f"{register.name}_next", reset_less=False)
        m.d.sync += register.eq(signal)
        signals.append(signal)
    return signals


def moved_along(m: Module, told: Value, changes: Iterable[ValueLike]) -> Value:
    """The parity of what enters a pipeline, in registers beside its stages; ``changes`` say for each whether the data
    get another parity. ``told`` and each change are that, or the parities of parts, which the next stage keeps apart:
    where sums of carries lie before them, there is no time to add them up.

    If every change is that from the registers of a stage to the inputs of the next, whatever they hold, the parity and
    the data disagree from a hit register on to the end: one comparison there finds all.
    """
    for stage, change in enumerate(changes, 1):
        parts = told ^ change
        delayed = Signal(len(parts), name=f"parity_{stage}", reset_less=True)
        m.d.sync += delayed.eq(parts)
        told = delayed.xor()
    return told
