"""``python -m vanallen.sw.export DOCS``: writes the generated pages of the documents into the folder DOCS."""

from __future__ import annotations

import sys
from pathlib import Path

from .command_fields import command_fields_markdown
from .registers import register_map_markdown

__all__ = ["main", "pages"]


def pages() -> dict[str, str]:
    """The generated pages: text by path below the folder of the documents."""
    return {"registers.md": register_map_markdown(), "_generated/command_fields.md": command_fields_markdown()}


def main(arguments: list[str]) -> int:
    """Writes the pages; 2 where the folder isn't given or isn't there."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("usage: python -m vanallen.sw.export DOCS, an existing folder", file=sys.stderr)
        return 2
    for name, text in pages().items():
        path = Path(arguments[0], name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
