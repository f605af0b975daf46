"""A compiled model: what is resident on the chip, and the steps that run it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
import onnx

from vanallen.rtl.commands import Opcode
from vanallen.rtl.config import Config

from .layout import Layout, Patches
from .values import Quantization, TensorType

__all__ = ["ChipStep", "ChipTensor", "HostStep", "Layer", "Program", "Region", "Step"]


@dataclass(frozen=True)
class Region:
    """``words`` of activation RAM from word ``base``."""

    base: int
    words: int


AnyLayout = TypeVar("AnyLayout", Layout, Patches, Layout | Patches)


@dataclass(frozen=True)
class ChipTensor(Generic[AnyLayout]):
    """A value of the model in activation RAM: where it begins and how it lies."""

    name: str
    layout: AnyLayout
    base: int

    @property
    def region(self) -> Region:
        """The words it takes."""
        return Region(self.base, self.layout.words)


@dataclass(frozen=True)
class Layer:
    """A layer of the model as reports name it.

    Parameters
    ----------
    name, op : str
        Name and operator in the model.
    where, why : str
        ``"chip"``, or ``"host"`` with the reason.
    macs, weights : int
        Multiply-accumulates of one inference, and weights, both without padding.
    input_shape, output_shape : tuple[int, ...]
        In the model, of one inference.
    runs : int
        How often an inference runs its command: once for each sample that the chip computes one by one.
    command : int, optional
        Which command it is; on the chip only, as all that follows.
    fields : mapping, optional
        The command's field values.
    input_region, output_region : Region, optional
        What the command reads and writes.
    source, result : Quantization, optional
        Of input and output.
    """

    name: str
    op: str
    where: str
    why: str
    macs: int
    weights: int
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    runs: int = 1
    command: int | None = None
    fields: Mapping[str, int] | None = None
    input_region: Region | None = None
    output_region: Region | None = None
    source: Quantization | None = None
    result: Quantization | None = None

    @property
    def convolution(self) -> bool:
        """Whether the chip computes it as a convolution of the model, packed or not."""
        return self.fields is not None and (
            self.fields["opcode"] == Opcode.CONVOLUTION or bool(self.fields["packed_input"])
        )


@dataclass(frozen=True)
class HostStep:
    """Nodes that onnxruntime runs: a model of its own. ``layers`` index the program's."""

    model: onnx.ModelProto
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    layers: tuple[int, ...]


@dataclass(frozen=True)
class ChipStep:
    """``count`` commands from command ``first``, run for each of ``samples`` slices of the first dimension.

    ``inputs`` are written before, ``outputs`` read after each run.
    """

    first: int
    count: int
    samples: int
    inputs: tuple[ChipTensor[Layout | Patches], ...]
    outputs: tuple[ChipTensor[Layout], ...]
    layers: tuple[int, ...]


Step = HostStep | ChipStep


@dataclass(frozen=True)
class Program:
    """A model compiled for a configuration.

    Parameters
    ----------
    config : Config
        What it is compiled for.
    model : onnx.ModelProto
        The model in integer form: the reference of its results.
    commands : numpy.ndarray
        uint64 [commands, 8].
    weights : numpy.ndarray
        int8 [words, C], from word 0 of weight RAM.
    bias, scale : numpy.ndarray
        int32 and float32 [rows, lanes], from row 0 of parameter RAM.
    layers : tuple[Layer, ...]
        In the order in which they run.
    steps : tuple[Step, ...]
        What runs them.
    inputs, outputs : mapping
        Types of the model's inputs and outputs by name, of one inference.
    batch : int, optional
        First dimension of one inference where the model leaves it open: any multiple of it can be run.
    constants : mapping
        Outputs that depend on no input.
    activation_words : int
        Words of activation RAM that are used.
    int8 : bool
        Whether activations are int8 (see :mod:`.onnxruntime_session`).
    """

    config: Config
    model: onnx.ModelProto
    commands: npt.NDArray[np.uint64]
    weights: npt.NDArray[np.int8]
    bias: npt.NDArray[np.int32]
    scale: npt.NDArray[np.float32]
    layers: tuple[Layer, ...]
    steps: tuple[Step, ...]
    inputs: Mapping[str, TensorType]
    outputs: Mapping[str, TensorType]
    batch: int | None
    constants: Mapping[str, npt.NDArray[np.generic]]
    activation_words: int
    int8: bool

    @property
    def samples(self) -> int:
        """How many samples of an inference the chip computes one by one, not as rows of one matrix product."""
        return max(step.samples for step in self.steps if isinstance(step, ChipStep))

    @property
    def macs_on_chip_share(self) -> float:
        """Share of the multiply-accumulates that the chip does."""
        on_chip = sum(layer.macs for layer in self.layers if layer.where == "chip")
        return on_chip / sum(layer.macs for layer in self.layers) if on_chip else 0.0
