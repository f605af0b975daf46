"""Errors of the command line itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["RunFailed", "UsageError", "input_errors"]


class UsageError(ValueError):
    """A command can't be carried out as it was given: one line says why, and how to mend it. Exit status 2."""


class RunFailed(Exception):
    """A command was carried out, and something outside this program failed: one line says what. Exit status 1."""


@contextmanager
def input_errors() -> Iterator[None]:
    """What the libraries say of a wrong model, input, option or a missing tool becomes a :class:`UsageError`."""
    from vanallen.sw.compiler.errors import InputError  # its package loads onnxruntime, which not every command needs
    from vanallen.sw.driver import ToolMissing

    try:
        yield
    except (InputError, ToolMissing) as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"{error.filename or 'a file'} can't be used: {error.strerror or error}") from error
