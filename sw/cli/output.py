"""Where results go: tables on the terminal, JSON into a file or on standard output, a progress bar while one waits."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from .errors import UsageError

__all__ = ["RESULTS", "Output", "Report", "as_text", "finite", "new_table"]

Report = Callable[[int, int], None]
"""Progress of long work: how much is done, how much there is."""

RESULTS = Path("build/results")
"""Where commands leave their last result for ``vanallen report``, from the current folder."""

_WIDE = 120
"""Columns of tables written to something that isn't a terminal."""


def finite(value: Any) -> Any:
    """``value`` as JSON can hold it: numbers that aren't finite become null, keys and tuples what JSON has for them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def as_text(result: Mapping[str, Any]) -> str:
    """``result`` as the text of a JSON file."""
    return json.dumps(finite(result), indent=2, allow_nan=False) + "\n"


def new_table(title: str, columns: Sequence[str], *, text: Collection[str]) -> Table:
    """A table without lines. Columns named in ``text`` are aligned left and fold where the terminal is narrow."""
    table = Table(
        title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0), collapse_padding=True
    )
    for column in columns:
        if column in text:
            table.add_column(column, overflow="fold")
        else:
            table.add_column(column, justify="right", no_wrap=True)
    return table


def _leave(path: Path, text: str) -> None:
    """Writes a file as a whole: who reads it sees the old text or the new one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise UsageError(f"results go to {path}, which can't be written: {error.strerror}; run it elsewhere") from error


class Output:
    """Prints for one command.

    With ``json_path`` ``"-"`` standard output carries JSON and nothing else, and people read standard error; with
    ``quiet`` only errors are printed. Progress is shown on standard error, where that is a terminal.
    """

    def __init__(self, *, json_path: str | None, quiet: bool) -> None:
        if json_path not in (None, "-") and not Path(json_path).parent.is_dir():
            raise UsageError(f"--json {json_path}: the folder {Path(json_path).parent} doesn't exist: make it first")
        self.json_path = json_path
        self.quiet = quiet
        to_stderr = json_path == "-"
        stream = sys.stderr if to_stderr else sys.stdout
        width = None if stream.isatty() else _WIDE
        self.console = Console(stderr=to_stderr, quiet=quiet, width=width, highlight=False, markup=False, emoji=False)

    def print(self, what: str | Table) -> None:
        """Prints a line of text (taken literally, never wrapped), or a table and an empty line, for people."""
        self.console.print(what, soft_wrap=isinstance(what, str))
        if isinstance(what, Table):
            self.console.print()

    def write_json(self, result: Mapping[str, Any], *, record: str | None = None) -> None:
        """Writes ``result`` where ``--json`` says, if it does.

        Parameters
        ----------
        result : mapping
            What the command found.
        record : str, optional
            Command and what it was about, as in ``bench-nano``: the result is also left in :data:`RESULTS` under this
            name, in the place of an earlier one.

        Raises
        ------
        UsageError
            If a file can't be written.
        """
        text = as_text(result)
        if record is not None:
            _leave(RESULTS / f"{record}.json", text)
        if self.json_path is None:
            return
        if self.json_path == "-":
            sys.stdout.write(text)
            return
        try:
            Path(self.json_path).write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"--json: cannot write {self.json_path}: {error.strerror}; name a file that can be written"
            ) from error

    @contextmanager
    def progress(self, title: str) -> Iterator[Report]:
        """A function to report progress to; on a terminal a bar with the time left follows it, and goes at the end."""
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=self.quiet or not sys.stderr.isatty(),
        )
        with bar:
            task = bar.add_task(title, total=None)

            def report(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            yield report
