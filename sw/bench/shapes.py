"""What the cycle model says about lanes and accumulator banks for the shapes of known networks.

``python -m vanallen.sw.bench.shapes`` prints the tables of docs/decisions/lanes-and-banks.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from vanallen.rtl.config import Config, preset
from vanallen.sw.golden.cycles import LayerCycles, choose_block_rows, layer_cycles

__all__ = ["NETWORKS", "Shape", "network_cycles", "tables"]


@dataclass(frozen=True)
class Shape:
    """A layer's shape: output lines and pixels a line, input and output channels, square kernel, stride.

    ``depthwise`` has one input channel an output channel, run as diagonal weights: a pass of ``C`` channels and all
    taps.
    """

    height: int
    width: int
    inputs: int
    outputs: int
    kernel: int = 1
    stride: int = 1
    depthwise: bool = False

    @property
    def macs(self) -> int:
        """Products of the layer, padding included."""
        return self.height * self.width * self.outputs * self.kernel**2 * (1 if self.depthwise else self.inputs)

    @property
    def weights(self) -> int:
        """Weights of the layer."""
        return self.outputs * self.kernel**2 * (1 if self.depthwise else self.inputs)

    def command(self, config: Config) -> dict[str, int]:
        """The fields of the command that cycles depend on, rows a block apart."""
        reduction = config.columns if self.depthwise else self.inputs
        return {
            "kernel_height": self.kernel,
            "kernel_width": self.kernel,
            "input_groups": -(-reduction // config.rows),
            "rows": self.height * self.width,
            "column_blocks": -(-self.outputs // config.columns),
            "output_groups": -(-self.outputs // config.rows),
        }


def _residual_cnn() -> Iterator[Shape]:
    """ResNet-8 for 32 x 32 images (MLPerf Tiny, image classification)."""
    yield Shape(32, 32, 3, 16, 3)
    for size, inputs, outputs in ((32, 16, 16), (16, 16, 32), (8, 32, 64)):
        yield Shape(size, size, inputs, outputs, 3, 1 if inputs == outputs else 2)
        yield Shape(size, size, outputs, outputs, 3)
        if inputs != outputs:
            yield Shape(size, size, inputs, outputs, 1, 2)
    yield Shape(1, 1, 64, 10)


def _keyword_spotting() -> Iterator[Shape]:
    """DS-CNN for 49 x 10 features (MLPerf Tiny, keyword spotting), its first kernel cut from 10 x 4 to 7 x 7."""
    yield Shape(25, 5, 1, 64, 7, 2)
    for _ in range(4):
        yield Shape(25, 5, 64, 64, 3, depthwise=True)
        yield Shape(25, 5, 64, 64)
    yield Shape(1, 1, 64, 12)


def _mobilenet() -> Iterator[Shape]:
    """MobileNetV1 0.25 for 96 x 96 images (MLPerf Tiny, visual wake words)."""
    yield Shape(48, 48, 3, 8, 3, 2)
    channels, size = 8, 48
    for outputs, stride in (
        (16, 1),
        (32, 2),
        (32, 1),
        (64, 2),
        (64, 1),
        (128, 2),
        *((128, 1),) * 5,
        (256, 2),
        (256, 1),
    ):
        size //= stride
        yield Shape(size, size, channels, channels, 3, stride, depthwise=True)
        yield Shape(size, size, channels, outputs)
        channels = outputs
    yield Shape(1, 1, 256, 2)


def _autoencoder() -> Iterator[Shape]:
    """Dense autoencoder 640-128-...-8-...-640 (MLPerf Tiny, anomaly detection), one window at a time."""
    sizes = (640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640)
    for inputs, outputs in pairwise(sizes):
        yield Shape(1, 1, inputs, outputs)


def _transformer_block() -> Iterator[Shape]:
    """A block of width 128 over 64 tokens, four heads: projections, scores and values by head, feed-forward of 512."""
    yield from (Shape(1, 64, 128, 128) for _ in range(3))
    yield from (Shape(1, 64, 32, 64) for _ in range(4))
    yield from (Shape(1, 64, 64, 32) for _ in range(4))
    yield Shape(1, 64, 128, 128)
    yield Shape(1, 64, 128, 512)
    yield Shape(1, 64, 512, 128)


NETWORKS: Mapping[str, tuple[Shape, ...]] = {
    "residual-cnn": tuple(_residual_cnn()),
    "keyword-spotting": tuple(_keyword_spotting()),
    "mobilenet": tuple(_mobilenet()),
    "autoencoder": tuple(_autoencoder()),
    "transformer-block": tuple(_transformer_block()),
}
"""Layer shapes of five networks; products with the chip's geometry, whether or not they fit its memories."""


def network_cycles(config: Config, shapes: tuple[Shape, ...], *, banks: int = 2) -> list[LayerCycles]:
    """Cycles of each layer, with the best rows a block."""
    result = []
    for shape in shapes:
        command = shape.command(config)
        command["block_rows"] = choose_block_rows(config, command, banks=banks)
        result.append(layer_cycles(config, command, macs=shape.macs, weights=shape.weights, banks=banks))
    return result


def _row(label: str, config: Config, banks: int) -> str:
    cells = []
    for shapes in NETWORKS.values():
        layers = network_cycles(config, shapes, banks=banks)
        cycles, ideal = sum(layer.cycles for layer in layers), sum(layer.ideal for layer in layers)
        stalled = sum(layer.stalled for layer in layers)
        cells.append(f"{cycles:,} ({ideal / cycles:.1%}, {stalled / cycles:.1%})")
    return f"| {label} | {' | '.join(cells)} |"


def tables() -> Iterator[str]:
    """Lines of Markdown: cycles (utilization, share of stalled slots) by lanes and by banks, for each preset."""
    for name in ("nano", "cubesat", "payload", "orbital"):
        config = preset(name)
        yield f"\n**{name}**, {config.rows} x {config.columns}\n"
        yield f"| lanes, banks | {' | '.join(NETWORKS)} |"
        yield "|---" * (len(NETWORKS) + 1) + "|"
        for lanes in (1, 2, 4, 8, 16):
            if config.rows % lanes == 0:
                yield _row(f"{lanes}, 2", replace(config, lanes=lanes), 2)
        for banks in (1, 3):
            yield _row(f"{config.lanes}, {banks}", config, banks)


if __name__ == "__main__":
    print("\n".join(tables()))
