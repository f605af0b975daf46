"""Images in the page: the PNG files are read back, and classes are those of outputs and labels."""

import base64
import json
import struct
import zlib

import numpy as np
import pytest

from vanallen.sw.models import load_input
from vanallen.sw.report.images import png, samples

from .conftest import SAMPLES


def decode(data):
    """The pixels of a grey PNG whose lines have no filter; every checksum is compared."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length]) == (zlib.crc32(kind + body),)
        chunks[kind] = body
        at += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert rest == [8, 0, 0, 0, 0]
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not lines[:, 0].any()
    return lines[:, 1:]


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (3, 17)])
def test_png_is_read_back(shape):
    pixels = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(decode(png(pixels)), pixels)


def test_png_refuses_what_is_no_grey_image():
    with pytest.raises(TypeError, match="pixels must be uint8, not float64"):
        png(np.zeros((8, 8)))
    with pytest.raises(ValueError, match=r"pixels must have two dimensions, not \(1, 8, 8\)"):
        png(np.zeros((1, 8, 8), np.uint8))


def test_samples_are_the_images_and_their_classes(digits):
    run = json.loads((digits / "digits-nano-sim.json").read_text())
    inputs = load_input("digits:test")
    with np.load(run["outputs"]) as arrays:
        scores = arrays["logits"]
    chosen, mistakes = samples(run, per_class=2)
    assert [sample.label for sample in chosen] == sorted(sample.label for sample in chosen)
    assert len({sample.index for sample in chosen}) == len(chosen) <= 20
    for sample in chosen + mistakes:
        pixels = decode(base64.b64decode(sample.source.removeprefix("data:image/png;base64,")))
        assert np.array_equal(np.round(pixels / 255 * 16), 16 * inputs.arrays["image"][sample.index, 0])
        assert sample.label == inputs.labels[sample.index]
        assert sample.predicted == scores[sample.index].argmax()
    wrong = np.flatnonzero(scores.argmax(axis=1) != inputs.labels[:SAMPLES])
    assert [sample.index for sample in mistakes] == list(wrong)


def test_wrong_classes_are_mistakes(digits, tmp_path):
    """The same run with the scores of two images turned round."""
    run = json.loads((digits / "digits-nano-sim.json").read_text())
    with np.load(run["outputs"]) as arrays:
        scores = arrays["logits"].copy()
    scores[[4, 7]] *= -1
    np.savez(tmp_path / "turned.npz", logits=scores)
    _, mistakes = samples(run | {"outputs": str(tmp_path / "turned.npz")})
    assert {4, 7} <= {sample.index for sample in mistakes}


def test_no_images_without_labels_or_outputs(digits, tmp_path):
    run = json.loads((digits / "digits-nano-sim.json").read_text())
    assert samples(run | {"input": "mine.npy"}) == ([], [])
    assert samples(run | {"accuracy": None}) == ([], [])
    assert samples(run | {"outputs": str(tmp_path / "gone.npz")}) == ([], [])
