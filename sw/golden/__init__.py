"""The golden model: the accelerator in numpy, and the cycle model. Imports no Amaranth."""

from .accelerator import GoldenAccelerator, GoldenJob, GoldenLayer
from .arithmetic import matrix_product, requantize, requantize_integer, wrap_int32

__all__ = ["GoldenAccelerator", "GoldenJob", "GoldenLayer", "matrix_product", "requantize", "requantize_integer",
           "wrap_int32"]  # fmt: skip
