"""The register map as one HTML page, by PeakRDL. Needs the extra ``registers``.

PeakRDL writes a folder of some 80 files, 8 MB, most of them fonts; its page fetches content and a mathematics library,
which a browser refuses when the page is a file. Here all that it needs is put into the page itself.
"""

from __future__ import annotations

import base64
import json
import re
from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory

from peakrdl_html import HTMLExporter
from systemrdl.node import AddrmapNode

__all__ = ["register_page"]

_FETCH = """\
var MathJax = {Hub: {Queue: function () {}}};
var FILES = %s;
window.fetch = async function (path) { return new Response(FILES[path.split("?")[0]]); };
"""
"""What the page's own scripts use of the world: no formulas, and files that are in the page."""

_MATHS = re.compile(
    r'<script async src="[^"]*MathJax\.js"></script>\s*<script type="text/x-mathjax-config">.*?</script>', re.S
)
_STYLE = re.compile(r'<link rel="stylesheet" href="([^"?]*)[^"]*">')
_SCRIPT = re.compile(r'<script src="([^"?]*)[^"]*" type="text/javascript"></script>')
_ICON = re.compile(r'<link rel="icon" type="image/png" href="([^"]*)">')
_FONT = re.compile(r"@font-face \{[^}]*\}")
_SOURCE = re.compile(r'src:.*url\("\.\./([^"]*\.woff2)"\)[^}]*', re.S)


def _data(kind: str, path: Path) -> str:
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _style(folder: Path, name: str) -> str:
    """The style sheet with the icons of its buttons in it; letters are the browser's own."""

    def font(match: re.Match[str]) -> str:
        if "Awesome" not in match[0]:
            return ""
        return _SOURCE.sub(lambda source: f'src:url("{_data("font/woff2", folder / source[1])}");', match[0])

    text = _FONT.sub(font, (folder / name).read_text(encoding="utf-8"))
    return f"<style>\n{text}</style>"


def _files(folder: Path) -> str:
    """The files that the page fetches, as JavaScript."""
    paths = sorted(path for part in ("content", "data", "search") for path in (folder / part).iterdir())
    fetched = [path for path in paths if path.suffix in (".html", ".json")]
    texts = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in fetched}
    return json.dumps(texts, indent=0).replace("</", "<\\/").replace("<!--", "<\\!--")


def _joined(folder: Path) -> str:
    """The page in ``folder`` with what it refers to."""

    def script(match: re.Match[str]) -> str:
        return f"<script>\n{(folder / match[1]).read_text(encoding='utf-8')}</script>"

    text = (folder / "index.html").read_text(encoding="utf-8")
    text = _MATHS.sub(lambda _: f"<script>\n{_FETCH % _files(folder)}</script>", text)
    text = _STYLE.sub(lambda match: _style(folder, match[1]), text)
    text = _SCRIPT.sub(script, text)
    return _ICON.sub(lambda match: f'<link rel="icon" href="{_data("image/png", folder / match[1])}">', text)


def register_page(top: AddrmapNode, title: str) -> str:
    """HTML text of the page of the map ``top``: it needs no other file and no network, and is the same on every run."""
    exporter = HTMLExporter(
        generate_source_links=False,
        user_context={"build_ts": 0},
        extra_doc_properties=["rows", "stride"],
    )
    with TemporaryDirectory() as folder:
        exporter.export(top, folder, title=title)
        page = _joined(Path(folder))
    licences = distribution("peakrdl-html").read_text("licenses/LICENSE-3RD-PARTY") or ""
    return page.replace("<head>", f"<head>\n<!--\n{licences.replace('--', '==')}-->", 1)
