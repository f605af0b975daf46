"""Images of a run as data in the page, with the class that each was given."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vanallen.sw.models import SHIPPED_SETS, load_input

__all__ = ["Sample", "png", "samples"]


@dataclass(frozen=True)
class Sample:
    """One image: its place in the set, its class, the class given, the second choice, and a PNG as a data address."""

    index: int
    label: int
    predicted: int
    second: int
    source: str

    @property
    def right(self) -> bool:
        """Whether the class given is the image's."""
        return self.label == self.predicted


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """A grey image of 8 bits a pixel as a PNG file (ISO/IEC 15948).

    Raises
    ------
    TypeError, ValueError
        If ``pixels`` isn't a matrix of uint8.
    """
    if pixels.dtype != np.uint8:
        raise TypeError(f"pixels must be uint8, not {pixels.dtype}")
    if pixels.ndim != 2 or not pixels.size:
        raise ValueError(f"pixels must have two dimensions, not {pixels.shape}")
    height, width = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def samples(run: Mapping[str, Any], *, per_class: int = 6) -> tuple[list[Sample], list[Sample]]:
    """The first images of each class of a run, and all that were put in a wrong class.

    Both are empty for a run on something else than a shipped set of images with labels, or whose outputs are gone.
    """
    outputs = Path(run["outputs"])
    if run.get("input") not in SHIPPED_SETS or run["accuracy"] is None or not outputs.is_file():
        return [], []
    inputs = load_input(run["input"])
    (images,) = inputs.arrays.values()
    with np.load(outputs) as arrays:
        (scores,) = arrays.values()
    assert inputs.labels is not None, "a run has an accuracy where there are labels"
    everything = [
        _sample(index, image, int(label), score)
        for index, (image, label, score) in enumerate(zip(images, inputs.labels, scores, strict=False))
    ]
    chosen: list[Sample] = []
    for label in sorted({sample.label for sample in everything}):
        chosen += [sample for sample in everything if sample.label == label][:per_class]
    return chosen, [sample for sample in everything if not sample.right]


def _sample(index: int, image: npt.NDArray[Any], label: int, scores: npt.NDArray[Any]) -> Sample:
    """``image`` holds values from 0 to 1, one channel."""
    pixels = np.round(255 * image.reshape(image.shape[-2:])).astype(np.uint8)
    source = f"data:image/png;base64,{base64.b64encode(png(pixels)).decode()}"
    second, first = np.argsort(scores)[-2:]
    return Sample(index, label, int(first), int(second), source)
