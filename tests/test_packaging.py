"""The package: complete, pinned, light at the bottom."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("boards", "rtl", "sw", "synth", "tb")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DATA = (".onnx", ".npz", ".cpp", ".h", ".md", ".rdl", ".html", ".css", ".v", "py.typed")

TABLES = [
    "vanallen.rtl.config",
    "vanallen.rtl.commands",
    "vanallen.rtl.ecc.secded",
    "vanallen.rtl.link.framing",
    "vanallen.rtl.link.rmap",
    "vanallen.rtl.registers",
    "vanallen.sw.golden",
    "vanallen.sw.golden.accelerator",
    "vanallen.sw.golden.cycles",
    "vanallen.sw.export.header",
    "vanallen.sw.export.registers",
]


def files(suffixes):
    return {
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.name.endswith(suffixes) and "__pycache__" not in path.parts
    }


def locked():
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return {line.split("==")[0] for line in lines}, lines


def requirement_name(requirement):
    return re.match(r"[\w-]+", requirement)[0]


def test_package_list_is_the_folders():
    found = {"vanallen." + str(Path(name).parent).replace("/", ".") for name in files("__init__.py")}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found


def test_every_folder_with_modules_is_a_package():
    bare = {str(Path(name).parent) for name in files(".py")} - {str(Path(name).parent) for name in files("__init__.py")}
    assert not bare, f"no __init__.py in {bare}"


def test_every_mapped_folder_says_that_it_is_typed():
    assert not [folder for folder in FOLDERS if not (ROOT / folder / "py.typed").is_file()]


def test_no_package_at_the_root():
    assert not (ROOT / "__init__.py").exists()


def test_wheel_has_every_file(tmp_path):
    build = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    # The build writes beside the sources, so it is given links to them.
    for name in (*FOLDERS, "pyproject.toml", "README.md", "LICENSE"):
        (tmp_path / name).symlink_to(ROOT / name)
    run = subprocess.run([sys.executable, "-c", build, "out"], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    with zipfile.ZipFile(next((tmp_path / "out").glob("*.whl"))) as wheel:
        packed = {name.removeprefix("vanallen/") for name in wheel.namelist() if name.startswith("vanallen/")}
        scripts = wheel.read(next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))).decode()
    assert packed == files((".py", *DATA))
    assert "vanallen = vanallen.sw.cli.main:main" in scripts


@pytest.mark.parametrize("module", TABLES)
def test_tables_and_golden_load_no_amaranth(module):
    code = f"import sys, {module}; sys.exit('amaranth' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_lock_pins_everything():
    names, lines = locked()
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)?", line) for line in lines)
    wanted = [*PROJECT["project"]["dependencies"]]
    for group in PROJECT["project"]["optional-dependencies"].values():
        wanted += group
    assert {requirement_name(requirement) for requirement in wanted} - {"vanallen"} <= names


@pytest.mark.parametrize("module", [*TABLES, "vanallen.sw.driver", "vanallen.sw.export.bundle"])
def test_the_map_is_read_without_its_compiler(module):
    code = f"import sys, {module}; sys.exit('systemrdl' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_demo_needs_no_more_than_it_uses():
    base = {requirement_name(requirement) for requirement in PROJECT["project"]["dependencies"]}
    assert not base & {"cocotb", "pytest", "scikit-learn", "sphinx", "amaranth-boards", "ruff", "mypy"}


def test_checks_before_the_start_name_what_is_missing(tmp_path):
    for name in ("id", "sed", "head", "sh"):
        (tmp_path / name).symlink_to(Path("/bin") / name)
    run = subprocess.run(
        ["/bin/sh", ROOT / ".ci" / "tools"], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert run.returncode == 1 and run.stdout == ""
    for word in ("g++", "make", "perl", "Python 3.11", "install what is missing with:"):
        assert word in run.stderr
