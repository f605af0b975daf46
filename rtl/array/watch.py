"""What is checked where activations, weights and their enables leave the array at the right."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from vanallen.rtl.config import Config
from vanallen.rtl.control.tag import issue_tag

__all__ = ["RowWatch"]


class RowWatch(wiring.Component):
    """Watches one row of the array where it ends, behind the checksum column.

    - ``parity`` came with the activation at the left and takes as many cycles to the right: it must still fit.
    - A weight row has an identity: whether it was loaded by a slot that loads this row, and whether its tile is odd.
      Load and swap enables, after they have passed every element of the row, store and activate it as the elements do
      with the weights. The slot's own row must then meet an identity that is its own. So it shows if an element lost a
      load or a swap, did one too many, or stored the weights of another row.

    ``load_tag`` is the tag of the load that arrives, ``tag`` that of the activation, ``tag_1`` the same a cycle later.
    ``activation_wrong`` follows the activation by one cycle, ``identity_wrong`` by two.

    Parameters
    ----------
    row : int
        Row of the array.
    """

    def __init__(self, *, config: Config, row: int):
        self.row = row
        tag = issue_tag(config)
        super().__init__({
            "activation": In(8), "parity": In(1), "load": In(1), "swap": In(1),
            "load_tag": In(tag), "tag": In(tag), "tag_1": In(tag),
            "activation_wrong": Out(1), "identity_wrong": Out(1),
        })  # fmt: skip

    def elaborate(self, platform) -> Module:
        m = Module()
        identity = data.StructLayout({"loaded": 1, "odd": 1})
        shadow = Signal(identity, reset_less=True)
        active = Signal(identity, reset_less=True)
        activation_wrong = Signal(reset_less=True)
        identity_wrong = Signal(reset_less=True)
        # the tag says whether the tile that streams is odd; the one that is loaded is the next
        with m.If(self.load):
            m.d.sync += [
                shadow.loaded.eq(self.load_tag.load & (self.load_tag.load_row == self.row)),
                shadow.odd.eq(~self.load_tag.tile),
            ]
        with m.If(self.swap):
            m.d.sync += active.eq(shadow)
        m.d.sync += [
            activation_wrong.eq(self.tag.valid & Cat(self.activation, self.parity).xor()),
            identity_wrong.eq(self.tag_1.valid & ~(active.loaded & (active.odd == self.tag_1.tile))),
        ]
        m.d.comb += [self.activation_wrong.eq(activation_wrong), self.identity_wrong.eq(identity_wrong)]
        return m
