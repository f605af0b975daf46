"""Changes of expressions in the source of the hardware, made while a design is elaborated."""

from __future__ import annotations

import inspect
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

__all__ = ["Edit", "applied", "rewritten"]


@dataclass(frozen=True)
class Edit:
    """In function ``method`` of ``owner`` (a class or module), ``old`` becomes ``new``."""

    owner: type | ModuleType
    method: str
    old: str
    new: str

    @property
    def source(self) -> str:
        """Where it is: module below ``rtl`` and function."""
        module = self.owner.__module__ if isinstance(self.owner, type) else self.owner.__name__
        return f"{module}.{self.method}".removeprefix("vanallen.rtl.")


def rewritten(
    function: Callable[..., Any], changes: Sequence[tuple[str, str]], *, name: str,
    helpers: Mapping[str, Any] | None = None,
) -> Callable[..., Any]:  # fmt: skip
    """``function`` compiled again from its source, in which each of ``changes`` (old, new) is made; ``helpers`` are
    names that the new text may use besides.

    Raises
    ------
    ValueError
        If an old text isn't there exactly once, or two of them overlap.
    """
    source = textwrap.dedent(inspect.getsource(function))
    text, end = "", 0
    for old, new in sorted(changes, key=lambda change: source.find(change[0])):
        if source.count(old) != 1:
            raise ValueError(f"mutant {name} must find {old!r} once in {function.__name__}, "
                             f"not {source.count(old)} times")  # fmt: skip
        start = source.find(old)
        if start < end:
            raise ValueError(f"mutant {name} must not change {old!r} in {function.__name__} twice")
        text, end = text + source[end:start] + new, start + len(old)
    scope: dict[str, Any] = {}
    names = {**function.__globals__, **helpers} if helpers else function.__globals__
    exec(compile(text + source[end:], f"<{name}>", "exec"), names, scope)
    result: Callable[..., Any] = scope[function.__name__]
    return result


@contextmanager
def applied(edits: Iterable[Edit], *, name: str, helpers: Mapping[str, Any] | None = None) -> Iterator[None]:
    """The hardware with ``edits`` until the end of the block; raises ValueError like :func:`rewritten`."""
    together: dict[tuple[type | ModuleType, str], list[tuple[str, str]]] = defaultdict(list)
    for edit in edits:
        together[edit.owner, edit.method].append((edit.old, edit.new))
    originals = {place: vars(place[0])[place[1]] for place in together}
    changed = {place: rewritten(originals[place], changes, name=name, helpers=helpers)
               for place, changes in together.items()}  # fmt: skip
    try:
        for (owner, method), function in changed.items():
            setattr(owner, method, function)
        yield
    finally:
        for (owner, method), function in originals.items():
            setattr(owner, method, function)
