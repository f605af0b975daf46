"""What the compiler and the sessions say to a user whose model or data can't be used."""

from __future__ import annotations

__all__ = ["CapacityError", "InputError"]


class InputError(ValueError):
    """A model, an input or an option can't be used. The message is one line: what is wrong and how to mend it."""


class CapacityError(InputError):
    """A model doesn't fit the memories of a configuration. The message says which memory, how much, and which layer."""
