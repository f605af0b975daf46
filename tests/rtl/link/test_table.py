"""The table of behaviours names tests that exist, and all of them."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "components" / "link.md"
TESTS = Path(__file__).resolve().parent / "test_target.py"


def test_every_behaviour_has_its_test_and_every_test_its_row():
    rows = re.findall(r"^\|.*\| `(test_\w+)` \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    defined = re.findall(r"^def (test_\w+)\(", TESTS.read_text("utf-8"), re.MULTILINE)
    assert rows and sorted(rows) == sorted(defined)
