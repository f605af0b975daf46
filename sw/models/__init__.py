"""Shipped models and data sets, and the readers of a user's own."""

from .load import SHIPPED_SETS, InputSet, load_input, load_model

__all__ = ["SHIPPED_SETS", "InputSet", "load_input", "load_model"]
