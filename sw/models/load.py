"""Reading models and inputs: every way in which a file can be wrong is one clear line."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from google.protobuf.message import DecodeError

from vanallen.sw.compiler.errors import InputError
from vanallen.sw.compiler.graph import check_operators
from vanallen.sw.compiler.onnxruntime_session import open_session

__all__ = ["LABELS", "SHIPPED_SETS", "InputSet", "load_input", "load_model"]

MODELS = ("digits",)
"""Shipped models."""

SHIPPED_SETS = {"digits:test": "digits_test.npz"}
"""Shipped data sets and their files."""

LABELS = "labels"
"""The array of a shipped set, or of any ``.npz``, that isn't an input but says the right answers."""

_Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class InputSet:
    """Arrays by input name ("" for the one of an ``.npy``) and, where known, the right class of each sample."""

    name: str
    arrays: Mapping[str, npt.NDArray[Any]]
    labels: npt.NDArray[np.int64] | None


def load_model(name_or_path: str | Path) -> onnx.ModelProto:
    """The shipped model of that name, or the ONNX model in that file.

    Raises
    ------
    InputError
        If there is no such file, or it holds no valid ONNX model.
    """
    name = str(name_or_path)
    shipped = name in MODELS
    path = _shipped(f"{name}.onnx") if shipped else Path(name_or_path)
    data = _read(path, f"model {name}", f"a shipped model ({', '.join(MODELS)})")
    try:
        model = onnx.load_from_string(data)
    except DecodeError:
        raise InputError(f"{name} is no ONNX model: {_looks_like(data)}") from None
    if not model.HasField("graph") or not model.opset_import:
        raise InputError(f"{name} is no ONNX model: {_looks_like(data)}")
    _load_external_data(name, model, path.parent)
    try:
        check_operators(model)
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        _check_with_onnxruntime(name, model, error)
    except InputError as error:
        raise InputError(f"{name} can't be used: {error}") from error
    return model


def load_input(name_or_path: str | Path) -> InputSet:
    """The shipped set of that name (``digits:test``), or the arrays in that ``.npy`` or ``.npz`` file.

    Raises
    ------
    InputError
        If there is no such file or set, or the file holds no arrays of numbers.
    """
    name = str(name_or_path)
    path = _shipped(SHIPPED_SETS[name]) if name in SHIPPED_SETS else Path(name_or_path)
    data = _read(path, f"input {name}", f"a shipped set ({', '.join(SHIPPED_SETS)})")
    try:
        loaded = np.load(path, allow_pickle=False)
        arrays: _Arrays = {"": loaded} if isinstance(loaded, np.ndarray) else dict(loaded.items())
    except (ValueError, EOFError, OSError, KeyError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        kind = "no .npy or .npz file of numbers"
        raise InputError(f"{name} is {kind} ({_looks_like(data)}): write it with numpy.save or numpy.savez") from error
    labels = arrays.pop(LABELS, None)
    for array in arrays.values():
        if array.dtype.kind not in "biuf":
            raise InputError(f"{name} holds {array.dtype} values, not numbers: write numbers with numpy.save")
    if not arrays:
        raise InputError(f"{name} holds no array: write it with numpy.savez(file, input_name=array)")
    return InputSet(name, arrays, None if labels is None else _check_labels(name, labels))


def _shipped(file: str) -> Path:
    return Path(str(resources.files("vanallen.sw.models").joinpath(file)))


def _read(path: Path, what: str, otherwise: str) -> bytes:
    """The file's bytes, not empty."""
    if path.is_dir():
        raise InputError(f"{what} is a folder: name a file, or {otherwise}")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{what} doesn't exist: name a file, or {otherwise}") from None
    except OSError as error:
        raise InputError(f"{what} can't be read: {error.strerror}") from error
    if not data:
        raise InputError(f"{what} is empty (0 bytes): name a file, or {otherwise}")
    return data


def _looks_like(data: bytes) -> str:
    """A guess at what went wrong with a file that can't be decoded."""
    start = data[:1024]
    if start.startswith((b"PK\x03\x04", b"\x1f\x8b")):
        return "it is an archive, cut off or not of this kind"
    try:
        text = start.decode()
    except UnicodeDecodeError:
        text = "\0"
    if all(character.isprintable() or character in "\r\n\t" for character in text):
        return "it is text"
    return "it is cut off or of another format"


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:300]


def _check_with_onnxruntime(name: str, model: onnx.ModelProto, error: onnx.checker.ValidationError) -> None:
    """The checker refuses models that run, those whose outputs have no shape for one: onnxruntime has the last word."""
    try:
        open_session(model)
    except InputError as refusal:
        raise InputError(f"{name} can't be used: {refusal}") from error


def _load_external_data(name: str, model: onnx.ModelProto, folder: Path) -> None:
    """Reads the weights that a model keeps in files beside it."""
    if all(tensor.data_location != onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer):
        return
    try:
        onnx.load_external_data_for_model(model, str(folder))
    except (onnx.checker.ValidationError, OSError, ValueError) as error:
        raise InputError(f"weights of {name} can't be read from their own file: {_first_line(error)}") from error


def _check_labels(name: str, labels: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise InputError(f"array {LABELS} of {name} must be a list of integers, not {labels.dtype} {labels.shape}")
    return labels.astype(np.int64)
