"""Imports point down a list of floors, and never in a circle; Amaranth stays where hardware is."""

import ast
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

FLOORS = [
    {"rtl"},
    {"sw.golden"},
    {"boards", "synth", "tb.runner"},
    {"sw.compiler", "sw.driver"},
    {"sw.export", "sw.models", "sw.session"},
    {"tb"},
    {"sw.bench", "sw.info"},
    {"sw.figures", "sw.report"},
    {"sw.cli"},
]
"""From the bottom. A module belongs to the entry that is its longest prefix."""

HARDWARE = {"boards", "rtl", "synth", "tb"}
"""Folders whose modules may import Amaranth; the tables in ``rtl`` that may not are tested in test_packaging.py."""


def sources():
    return [path for folder in ("boards", "rtl", "sw", "synth", "tb") for path in sorted((ROOT / folder).rglob("*.py"))]


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path):
    """(module, line) of every import in the file, relative ones made absolute, without the leading ``vanallen.``."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = ["vanallen", *package[: len(package) - node.level + 1]] if node.level else []
            base += node.module.split(".") if node.module else []
            for alias in node.names:
                target = ROOT.joinpath(*base[1:], alias.name)
                is_module = base[0] == "vanallen" and (target.is_dir() or target.with_suffix(".py").is_file())
                yield ".".join([*base, alias.name] if is_module else base), node.lineno


def component(module):
    """The entry of FLOORS that ``module`` belongs to, or None for a package that only holds others."""
    entries = [entry for floor in FLOORS for entry in floor if module == entry or module.startswith(entry + ".")]
    return max(entries, key=len) if entries else None


def floor(entry):
    return next(index for index, entries in enumerate(FLOORS) if entry in entries)


def project_imports(path):
    for name, line in imports(path):
        if name == "vanallen" or name.startswith("vanallen."):
            target = component(name.removeprefix("vanallen").removeprefix("."))
            if target is not None:
                yield target, line


@pytest.mark.parametrize("path", sources(), ids=module_name)
def test_imports_point_down(path):
    name = module_name(path)
    own = component(name)
    if own is None:
        assert not path.read_text(encoding="utf-8").strip(), f"{name} is on no floor: add it to FLOORS"
        return
    above = [f"line {line}: {target}" for target, line in project_imports(path) if floor(target) > floor(own)]
    assert not above, f"{name} imports from a floor above its own: {above}"


def test_components_import_each_other_in_no_circle():
    graph = defaultdict(set)
    for path in sources():
        own = component(module_name(path))
        if own is not None:
            graph[own] |= {target for target, _ in project_imports(path)} - {own}
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("path", sources(), ids=module_name)
def test_relative_imports_stay_in_their_folder(path):
    tree = ast.parse(path.read_text(encoding="utf-8"), path)
    far = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level > 1]
    assert not far, f"relative imports leave the folder on lines {far}: write vanallen.… there"


@pytest.mark.parametrize(
    "path", [path for path in sources() if module_name(path).split(".")[0] not in HARDWARE], ids=module_name
)
def test_software_imports_no_amaranth(path):
    found = [line for name, line in imports(path) if name.split(".")[0].startswith("amaranth")]
    assert not found, f"Amaranth is imported on lines {found}"


def test_the_reader_of_imports_sees_every_form(tmp_path, monkeypatch):
    folder = tmp_path / "sw" / "golden"
    folder.mkdir(parents=True)
    (folder / "other.py").write_text("")
    source = folder / "x.py"
    source.write_text(
        "import vanallen.tb.regress\nfrom vanallen.sw import golden\nfrom . import other\nfrom .other import y\n"
        "def f():\n    from vanallen.sw.cli.main import main\n"
    )
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert [name for name, _ in imports(source)] == [
        "vanallen.tb.regress", "vanallen.sw.golden", "vanallen.sw.golden.other", "vanallen.sw.golden.other",
        "vanallen.sw.cli.main",
    ]  # fmt: skip
