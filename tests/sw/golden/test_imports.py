"""Which layers stay free of the hardware description."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("package", ["vanallen.sw.golden", "vanallen.sw.driver"])
def test_amaranth_is_not_imported(package: str) -> None:
    program = f"import sys, {package}; print([name for name in sys.modules if name.split('.')[0] == 'amaranth'])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
