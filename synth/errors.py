"""What can go wrong with boards and tools; every message is one line that says how to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .audit import Audit

__all__ = ["AuditFailed", "BoardError", "TimeLimit", "ToolFailed", "ToolMissing"]


class BoardError(ValueError):
    """A board that isn't there, or whose file or data can't be used."""


class ToolMissing(Exception):
    """A tool or board file isn't installed; the message has the line that installs it."""


class ToolFailed(Exception):
    """A tool refused the design; the message has its own words and names its log."""


class TimeLimit(Exception):
    """A tool was stopped because it took longer than it may: ``seconds``; ``earlier``, by a command before this one."""

    def __init__(self, tool: str, seconds: float, *, earlier: bool = False) -> None:
        super().__init__(f"{tool} was stopped after {seconds:g} s")
        self.seconds = seconds
        self.earlier = earlier


class AuditFailed(Exception):
    """The netlist audit of a protected build has failures; ``audit`` is what it found, the message a line a failure."""

    def __init__(self, audit: Audit) -> None:
        super().__init__("\n".join(audit.failures))
        self.audit = audit
