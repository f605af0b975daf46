"""Third part of the requantizer lane: from the product of the significands to the output byte."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing

from .parity import ahead, fours, incremented, lowest_even, moved_along, parity

__all__ = ["Round"]


class Round(wiring.Component):
    """Rounds a product to float32, then to an integer (both to nearest even), adds the zero point and clamps.

    The value is ``product * 2^-(distance + 23)``, ``product`` from 2^46 to below 2^48; ``zero`` makes it 0. Integers of
    256 and more saturate, since a zero point of eight bits cannot bring them back into range.

    Latency: 6 cycles (normalise, round, shift, round, zero point, clamp). One value a cycle; ``zero_point``, ``low``
    and ``high`` are constant for a layer.

    Parameters
    ----------
    protected : bool
        ``parity`` is that of ``distance``, ``sign`` and ``zero`` together. It moves along: ``value_parity`` is that of
        ``value``, unless a register before it was hit.
    """

    latency = timing.ROUND

    def __init__(self, *, protected: bool = False) -> None:
        self.protected = protected
        super().__init__({
            "product": In(48),
            "distance": In(signed(10)),
            "sign": In(1),
            "zero": In(1),
            "zero_point": In(signed(8)),
            "low": In(signed(8)),
            "high": In(signed(8)),
            "value": Out(signed(8)),
            **({"parity": In(1), "value_parity": Out(1)} if protected else {}),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        significand, distance, changes = self._round_to_float(m)
        integer, more_changes = self._round_to_integer(m, significand, distance)
        sign, zero = self.sign, self.zero
        for stage in range(1, 5):
            sign_delayed = Signal(name=f"sign_{stage}", reset_less=True)
            zero_delayed = Signal(name=f"zero_{stage}", reset_less=True)
            m.d.sync += [sign_delayed.eq(sign), zero_delayed.eq(zero)]
            sign, zero = sign_delayed, zero_delayed

        shifted = Signal(signed(11), reset_less=True)
        clamped = Signal(signed(8), reset_less=True)
        domain, (shifted_next, clamped_next) = self._inputs(m, shifted, clamped)
        magnitude = Mux(zero, 0, integer)
        m.d[domain] += shifted_next.eq(Mux(sign, -magnitude, magnitude) + self.zero_point)
        with m.If(shifted < self.low):
            m.d[domain] += clamped_next.eq(self.low)
        with m.Elif(shifted > self.high):
            m.d[domain] += clamped_next.eq(self.high)
        with m.Else():
            m.d[domain] += clamped_next.eq(shifted)
        m.d.comb += self.value.eq(clamped)
        if self.protected:
            changes += [*more_changes, Cat(parity(integer, sign, zero), fours(shifted_next)),
                        parity(shifted, clamped_next)]  # fmt: skip
            m.d.comb += self.value_parity.eq(moved_along(m, self.parity, changes))
        return m

    def _inputs(self, m: Module, *registers: Signal) -> tuple[str, Sequence[Signal]]:
        """What to assign for ``registers`` to hold it a cycle later, and in which domain: with protection, signals of
        which the parity can be taken."""
        return ("comb", ahead(m, registers)) if self.protected else ("sync", registers)

    def _round_to_float(self, m: Module) -> tuple[Signal, Signal, list[Value]]:
        """Two stages: 24 significant bits of the product, how far right the integer's units are; changes of parity."""
        top = Signal(24, reset_less=True)
        guard = Signal(reset_less=True)
        sticky = Signal(reset_less=True)
        distance = Signal(signed(10), reset_less=True)
        high = self.product[47]
        domain, (top_next, guard_next, sticky_next) = self._inputs(m, top, guard, sticky)
        m.d[domain] += [
            top_next.eq(Mux(high, self.product[24:], self.product[23:47])),
            guard_next.eq(Mux(high, self.product[23], self.product[22])),
            sticky_next.eq(self.product[:22].any() | (high & self.product[22])),
        ]
        m.d.sync += distance.eq(self.distance - high)
        rounded = Signal(25)
        up = guard & (sticky | top[0])
        m.d.comb += rounded.eq(top + up)
        significand = Signal(24, reset_less=True)
        distance_rounded = Signal(signed(10), reset_less=True)
        m.d.sync += [
            significand.eq(Cat(rounded[:23], 1)),
            distance_rounded.eq(distance - rounded[24]),
        ]
        changes = [
            parity(top_next, guard_next, sticky_next, high & lowest_even(self.distance)),
            # bits 23 and 24 become 1 and nothing
            Cat(
                parity(guard, sticky, 1),
                up & incremented(top),
                parity(rounded[23:]),
                rounded[24] & lowest_even(distance),
            ),
        ]
        return significand, distance_rounded, changes

    def _round_to_integer(self, m: Module, significand: Signal, distance: Signal) -> tuple[Signal, list[Value]]:
        """Two stages: ``significand`` shifted right by ``distance`` with guard and sticky, then rounded; 511
        saturates. Also the changes of parity."""
        integer = Signal(8, reset_less=True)
        guard = Signal(reset_less=True)
        sticky = Signal(reset_less=True)
        saturate = Signal(reset_less=True)
        held = (integer, guard, sticky, saturate)
        domain, (integer_next, guard_next, sticky_next, saturate_next) = self._inputs(m, *held)
        m.d[domain] += [
            saturate_next.eq(distance < 16), integer_next.eq(0), guard_next.eq(0), sticky_next.eq(0)
        ]  # fmt: skip
        with m.Switch(distance):
            for shift in range(16, 25):
                with m.Case(shift):
                    m.d[domain] += [
                        integer_next.eq(significand[shift:]),
                        guard_next.eq(significand[shift - 1]),
                        sticky_next.eq(significand[: shift - 1].any()),
                    ]
        rounded = Signal(9, reset_less=True)
        domain, (rounded_next,) = self._inputs(m, rounded)
        m.d[domain] += rounded_next.eq(Mux(saturate, 511, integer + (guard & (sticky | integer[0]))))
        told = Cat(parity(significand, distance), fours(integer_next), parity(guard_next, sticky_next, saturate_next))
        return rounded, [told, Cat(parity(*held), fours(rounded_next))]
