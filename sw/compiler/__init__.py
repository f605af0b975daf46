"""ONNX models to programs of the accelerator."""

from .compile import compile_model
from .errors import CapacityError, InputError
from .onnxruntime_session import reference_session
from .program import ChipStep, ChipTensor, HostStep, Layer, Program, Region

__all__ = ["CapacityError", "ChipStep", "ChipTensor", "HostStep", "InputError", "Layer", "Program", "Region",
           "compile_model", "reference_session"]  # fmt: skip
