"""Control as pure next-state functions, and the one component that turns them into registers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType, SimpleNamespace

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In

__all__ = ["Control", "Machine"]


class Machine(ABC):
    """A state machine without registers: layouts and a combinational next-state function.

    Attributes
    ----------
    state : StructLayout
        The whole state. Nothing else of the machine is remembered from one cycle to the next.
    reset : dict[str, int]
        State after reset; members left out are zero.
    ports : dict[str, Member]
        Inputs and outputs of the component that :class:`Control` makes of the machine.
    """

    state: StructLayout
    reset: Mapping[str, int] = MappingProxyType({})
    ports: dict[str, wiring.Member]

    @abstractmethod
    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """Drive ``then`` (the next state; equal to ``now`` where left alone) and the outputs, combinationally.

        ``now`` and ``then`` have a signal for each member of :attr:`state`; ``port`` has the ports. Statements may only
        be added to ``m.d.comb``.
        """


class Control(wiring.Component):
    """Registers round a :class:`Machine`: the only place where control state is kept.

    ``restart`` returns the machine to its state after reset, one cycle later. One replica; the protected build votes
    three of them here.
    """

    def __init__(self, *, machine: Machine):
        self.machine = machine
        super().__init__({"restart": In(1), **machine.ports})

    def elaborate(self, platform) -> Module:
        m = Module()
        members = dict(self.machine.state)
        now, then = SimpleNamespace(), SimpleNamespace()
        for name, field in members.items():
            register = Signal(field.shape, name=name, init=self.machine.reset.get(name))  # type: ignore[arg-type]
            following = Signal(field.shape, name=f"{name}_next")
            m.d.comb += following.eq(register)
            m.d.sync += register.eq(following)
            setattr(now, name, register)
            setattr(then, name, following)
        self.machine.step(m, now, then, self)
        with m.If(self.restart):
            for name in members:
                m.d.comb += Value.cast(getattr(then, name)).eq(self.machine.reset.get(name, 0))
        return m
