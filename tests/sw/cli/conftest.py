"""Results of tests stay out of the folder that `vanallen report` reads."""

import pytest

from vanallen.sw.cli import output


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    """The folder in which commands leave their results."""
    monkeypatch.setattr(output, "RESULTS", tmp_path / "results")
    return tmp_path / "results"
