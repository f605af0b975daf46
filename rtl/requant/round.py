"""Third part of the requantizer lane: from the product of the significands to the output byte."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl import timing

__all__ = ["Round"]


class Round(wiring.Component):
    """Rounds a product to float32, then to an integer (both to nearest even), adds the zero point and clamps.

    The value is ``product * 2^-(distance + 23)``, ``product`` from 2^46 to below 2^48; ``zero`` makes it 0. Integers of
    256 and more saturate, since a zero point of eight bits cannot bring them back into range.

    Latency: 6 cycles (normalise, round, shift, round, zero point, clamp). One value a cycle; ``zero_point``, ``low``
    and ``high`` are constant for a layer.
    """

    latency = timing.ROUND

    def __init__(self) -> None:
        super().__init__({
            "product": In(48),
            "distance": In(signed(10)),
            "sign": In(1),
            "zero": In(1),
            "zero_point": In(signed(8)),
            "low": In(signed(8)),
            "high": In(signed(8)),
            "value": Out(signed(8)),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        significand, distance = self._round_to_float(m)
        integer = self._round_to_integer(m, significand, distance)
        sign, zero = self.sign, self.zero
        for stage in range(1, 5):
            sign_delayed = Signal(name=f"sign_{stage}", reset_less=True)
            zero_delayed = Signal(name=f"zero_{stage}", reset_less=True)
            m.d.sync += [sign_delayed.eq(sign), zero_delayed.eq(zero)]
            sign, zero = sign_delayed, zero_delayed

        shifted = Signal(signed(11), reset_less=True)
        clamped = Signal(signed(8), reset_less=True)
        magnitude = Mux(zero, 0, integer)
        m.d.sync += shifted.eq(Mux(sign, -magnitude, magnitude) + self.zero_point)
        with m.If(shifted < self.low):
            m.d.sync += clamped.eq(self.low)
        with m.Elif(shifted > self.high):
            m.d.sync += clamped.eq(self.high)
        with m.Else():
            m.d.sync += clamped.eq(shifted)
        m.d.comb += self.value.eq(clamped)
        return m

    def _round_to_float(self, m: Module) -> tuple[Signal, Signal]:
        """Two stages: 24 significant bits of the product, and how far right the integer's units are."""
        top = Signal(24, reset_less=True)
        guard = Signal(reset_less=True)
        sticky = Signal(reset_less=True)
        distance = Signal(signed(10), reset_less=True)
        high = self.product[47]
        m.d.sync += [
            top.eq(Mux(high, self.product[24:], self.product[23:47])),
            guard.eq(Mux(high, self.product[23], self.product[22])),
            sticky.eq(self.product[:22].any() | (high & self.product[22])),
            distance.eq(self.distance - high),
        ]
        rounded = Signal(25)
        m.d.comb += rounded.eq(top + (guard & (sticky | top[0])))
        significand = Signal(24, reset_less=True)
        distance_rounded = Signal(signed(10), reset_less=True)
        m.d.sync += [
            significand.eq(Cat(rounded[:23], 1)),
            distance_rounded.eq(distance - rounded[24]),
        ]
        return significand, distance_rounded

    def _round_to_integer(self, m: Module, significand: Signal, distance: Signal) -> Signal:
        """Two stages: ``significand`` shifted right by ``distance`` with guard and sticky, then rounded; 511
        saturates."""
        integer = Signal(8, reset_less=True)
        guard = Signal(reset_less=True)
        sticky = Signal(reset_less=True)
        saturate = Signal(reset_less=True)
        m.d.sync += [saturate.eq(distance < 16), integer.eq(0), guard.eq(0), sticky.eq(0)]
        with m.Switch(distance):
            for shift in range(16, 25):
                with m.Case(shift):
                    m.d.sync += [
                        integer.eq(significand[shift:]),
                        guard.eq(significand[shift - 1]),
                        sticky.eq(significand[: shift - 1].any()),
                    ]
        rounded = Signal(9, reset_less=True)
        m.d.sync += rounded.eq(Mux(saturate, 511, integer + (guard & (sticky | integer[0]))))
        return rounded
