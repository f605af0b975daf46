"""Shipped models and data sets, and the readers of a user's own."""

from .load import InputSet, load_input, load_model

__all__ = ["InputSet", "load_input", "load_model"]
