"""``python -m vanallen.sw.export DOCS``: writes the generated pages of the documents into the folder DOCS."""

from __future__ import annotations

import sys
from pathlib import Path

from .registers import register_map_markdown


def main(arguments: list[str]) -> int:
    """Writes the pages; 2 where the folder isn't given or isn't there."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("usage: python -m vanallen.sw.export DOCS, an existing folder", file=sys.stderr)
        return 2
    (Path(arguments[0]) / "registers.md").write_text(register_map_markdown(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
