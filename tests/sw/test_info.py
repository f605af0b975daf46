"""What `vanallen info` says."""

import subprocess

from vanallen.rtl.config import PRESETS
from vanallen.sw import info


def test_memories_of_the_default():
    sizes = info.memory_bytes(PRESETS["cubesat"])
    assert sizes == {"activation": 65536, "weight": 65536, "parameter": 8192, "command": 4096, "accumulator": 16384}


def test_missing_tools_are_none(monkeypatch):
    monkeypatch.setitem(info.PACKAGES, "absent", "no-such-package-anywhere")
    monkeypatch.setitem(info.PROGRAMS, "also absent", ("no-such-program-anywhere", "--version"))
    found = info.tool_versions()
    assert found["absent"] is None and found["also absent"] is None


def test_version_is_the_program_s():
    out = subprocess.run(["g++", "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()
    assert info.tool_versions()["g++"] == out
