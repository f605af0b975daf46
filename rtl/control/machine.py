"""Control as pure next-state functions, and the components that turn them into registers, once or three times."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType, SimpleNamespace

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from .voter import Voter

__all__ = ["Control", "Machine", "Triplicated", "replicate"]


class Machine(ABC):
    """A state machine without registers: layouts and a combinational next-state function.

    Attributes
    ----------
    state : StructLayout
        The whole state. Nothing else of the machine is remembered from one cycle to the next.
    reset : dict[str, int]
        State after reset; members left out are zero.
    flow : frozenset[str]
        Members of the state that hold nothing: each cycle they are made anew from ports and other members. They need no
        vote, since what strikes one of them is gone from it a cycle later.
    unset : frozenset[str]
        Members that have no reset: none is read before it is written.
    ports : dict[str, Member]
        Inputs and outputs of the component that :class:`Control` makes of the machine.
    """

    state: StructLayout
    reset: Mapping[str, int] = MappingProxyType({})
    flow: frozenset[str] = frozenset()
    unset: frozenset[str] = frozenset()
    ports: dict[str, wiring.Member]

    @abstractmethod
    def step(self, m: Module, now: SimpleNamespace, then: SimpleNamespace, port: wiring.Component) -> None:
        """Drive ``then`` (the next state; equal to ``now`` where left alone) and the outputs, combinationally.

        ``now`` and ``then`` have a signal for each member of :attr:`state`; ``port`` has the ports. Statements may only
        be added to ``m.d.comb``.
        """


class Control(wiring.Component):
    """Registers round a :class:`Machine`: the only place where control state is kept.

    ``restart`` returns the machine to its state after reset, one cycle later.

    Parameters
    ----------
    machine : Machine
        What it does.
    voting : bool
        One of three copies: the next state and the outputs follow from what the majority of the copies holds, so that
        a copy that was struck is right again one cycle later. ``state`` is what this copy holds, ``peer_0`` and
        ``peer_1`` what the others hold, ``differs`` whether it holds something else than ``peer_0``.
    """

    def __init__(self, *, machine: Machine, voting: bool = False):
        self.machine = machine
        self.voting = voting
        self.voted = [name for name, _ in machine.state if name not in machine.flow]
        members = {"restart": In(1), **machine.ports}
        if voting:
            bits = sum(machine.state[name].width for name in self.voted)
            members |= {"state": Out(bits), "peer_0": In(bits), "peer_1": In(bits), "differs": Out(1)}
        super().__init__(members)

    @property
    def copies(self) -> tuple["Control", ...]:
        """The one copy: this."""
        return (self,)

    def elaborate(self, platform) -> Module:
        m = Module()
        members = dict(self.machine.state)
        held, now, then = {}, SimpleNamespace(), SimpleNamespace()
        for name, field in members.items():
            reset = self.machine.reset.get(name)
            register = Signal(field.shape, name=name, init=reset, reset_less=name in self.machine.unset)  # type: ignore[arg-type]
            following = Signal(field.shape, name=f"{name}_next")
            m.d.sync += register.eq(following)
            held[name] = register
            setattr(now, name, register)
            setattr(then, name, following)
        if self.voting:
            self._vote(m, held, now)
        for name in members:
            m.d.comb += Value.cast(getattr(then, name)).eq(Value.cast(getattr(now, name)))
        self.machine.step(m, now, then, self)
        with m.If(self.restart):
            for name in members:
                if name not in self.machine.unset:
                    m.d.comb += Value.cast(getattr(then, name)).eq(self.machine.reset.get(name, 0))
        return m

    def _vote(self, m: Module, held: dict[str, Signal], now: SimpleNamespace) -> None:
        """The machine sees the vote instead of what this copy holds."""
        m.submodules.vote = voter = Voter(bits=len(self.state))
        m.d.comb += [
            self.state.eq(Cat(held[name] for name in self.voted)),
            voter.first.eq(self.state), voter.second.eq(self.peer_0), voter.third.eq(self.peer_1),
            self.differs.eq(voter.differs),
        ]  # fmt: skip
        start = 0
        for name in self.voted:
            agreed = Signal(held[name].shape(), name=f"{name}_voted")
            m.d.comb += Value.cast(agreed).eq(voter.vote[start:][: len(Value.cast(agreed))])
            start += len(Value.cast(agreed))
            setattr(now, name, agreed)


class Triplicated(wiring.Component):
    """Three voting copies of a :class:`Machine`: any one of them may be struck, and the others carry on.

    The ports are those of ``copies``; what leads from one triplicated machine to another goes from copy to copy.
    ``differs``: a copy was struck, and was put right a cycle ago.
    """

    differs: Out(1)

    def __init__(self, *, machine: Machine):
        self.machine = machine
        self.copies = tuple(Control(machine=machine, voting=True) for _ in range(3))
        super().__init__()

    def elaborate(self, platform) -> Module:
        m = Module()
        for index, copy in enumerate(self.copies):
            m.submodules[f"copy_{index}"] = copy
            m.d.comb += [copy.peer_0.eq(self.copies[index - 1].state), copy.peer_1.eq(self.copies[index - 2].state)]
        struck = Signal(reset_less=True)
        m.d.sync += struck.eq(self.copies[0].differs | self.copies[1].differs)
        m.d.comb += self.differs.eq(struck)
        return m


def replicate(machine: Machine, copies: int) -> Control | Triplicated:
    """``machine`` once, or in three copies that vote."""
    return Triplicated(machine=machine) if copies == 3 else Control(machine=machine)
